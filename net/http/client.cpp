#include "net/http/client.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <chrono>

namespace waggle {
namespace {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

struct url_parts {
  bool tls = false;
  std::string host, port, target;
};

result<url_parts> split_url(std::string_view url) {
  url_parts parts;
  if (url.starts_with("https://"))
    parts.tls = true, url.remove_prefix(8);
  else if (url.starts_with("http://"))
    url.remove_prefix(7);
  else
    return failure::validation("url", "must begin with http:// or https://");
  const auto slash = url.find('/');
  const auto authority = url.substr(0, slash);
  parts.target = slash == url.npos ? "/" : std::string(url.substr(slash));
  const auto colon = authority.rfind(':');
  const bool has_port = colon != authority.npos && authority.find(']', colon) == authority.npos;
  parts.host = has_port ? authority.substr(0, colon) : authority;
  parts.port = has_port ? std::string(authority.substr(colon + 1)) : parts.tls ? "443" : "80";
  if (parts.host.size() > 2 && parts.host.front() == '[') parts.host = parts.host.substr(1, parts.host.size() - 2);
  if (parts.host.empty()) return failure::validation("url", "has no host");
  return parts;
}

failure broken(const std::string& what) {
  failure f(ec::io_error);
  f.log_text = what;
  return f;
}

/// Runs the context until the pending operation is done; the stream's own timer bounds it.
void run(asio::io_context& context) {
  context.run();
  context.restart();
}

template <class Stream>
result<http_client_reply> exchange(asio::io_context& context, Stream& stream, const url_parts& url,
                                   const http_client_request& request) {
  beast::error_code failed;
  http::request<http::string_body> out{http::verb::post, url.target, 11};
  out.set(http::field::host, url.host);
  out.set(http::field::content_type, "application/json");
  out.set(http::field::connection, "close");
  for (const auto& h : request.headers) out.set(h.name, h.value);
  out.body() = request.body;
  out.prepare_payload();
  const auto note = [&](beast::error_code e, std::size_t) { failed = e; };
  http::async_write(stream, out, note);
  run(context);
  if (failed) return broken("write: " + failed.message());
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> in;
  in.body_limit(request.answer_bytes_max);
  http::async_read(stream, buffer, in, note);
  run(context);
  if (failed) return broken("read: " + failed.message());
  return http_client_reply{static_cast<int>(in.get().result_int()), std::move(in.get().body())};
}

result<http_client_reply> post(const http_client_request& request, const url_parts& url) {
  asio::io_context context{1};
  beast::error_code failed;
  asio::ip::tcp::resolver resolver(context);
  const auto addresses = resolver.resolve(url.host, url.port, failed);
  if (failed) return broken("resolve: " + failed.message());
  beast::tcp_stream tcp(context);
  tcp.expires_after(std::chrono::milliseconds(request.timeout_ms));
  tcp.async_connect(addresses, [&](beast::error_code e, const asio::ip::tcp::endpoint&) { failed = e; });
  run(context);
  if (failed) return broken("connect: " + failed.message());
  if (!url.tls) return exchange(context, tcp, url, request);
  asio::ssl::context tls(asio::ssl::context::tls_client);
  tls.set_default_verify_paths();
  tls.set_verify_mode(asio::ssl::verify_peer);
  beast::ssl_stream<beast::tcp_stream> stream(std::move(tcp), tls);
  SSL_set_tlsext_host_name(stream.native_handle(), url.host.c_str());
  stream.set_verify_callback(asio::ssl::host_name_verification(url.host));
  stream.async_handshake(asio::ssl::stream_base::client, [&](beast::error_code e) { failed = e; });
  run(context);
  if (failed) return broken("TLS handshake: " + failed.message());
  return exchange(context, stream, url, request);
}

}  // namespace

result<http_client_reply> http_post_json(const http_client_request& request) {
  const auto url = split_url(request.url);
  if (!url) return url.error();
  try {
    return post(request, *url);
  } catch (const std::exception& e) {
    return broken(e.what());
  }
}

}  // namespace waggle
