#include "tools/wagglectl/http_client.hpp"

#include <openssl/ssl.h>
#include <time.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <charconv>

namespace waggle::ctl {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;

std::optional<std::int64_t> parse_http_date(std::string_view text) {
  tm parts{};
  const std::string copy(text);
  const char* end = ::strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return static_cast<std::int64_t>(::timegm(&parts));
}

namespace {
std::optional<int> parse_retry_after(std::string_view text) {
  int seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc{} || end != text.data() + text.size() || seconds < 0) return std::nullopt;
  return seconds;
}
std::string tls_remedy(bool own_ca) {
  return own_ca ? "check that --ca-cert is the CA that signed the node's certificate and that the host name matches"
                : "if the node's certificate is signed by its own CA, pass it with --ca-cert";
}
}  // namespace

/// The operations are asynchronous inside because only those honour a deadline; `wait` runs the loop until the one
/// outstanding operation has ended.
class http_client::connection {
 public:
  connection(endpoint where, client_options options) : where_(std::move(where)), options_(std::move(options)) {}

  const endpoint& where() const { return where_; }

  outcome<http_response> send(const http_request& request) {
    const bool reused = open_;
    auto first = send_once(request);
    if (first || !reused || !request.repeatable || answered_) return first;
    return send_once(request);
  }

 private:
  outcome<http_response> send_once(const http_request& request) {
    answered_ = false;
    if (!open_)
      if (auto opened = open(); !opened) return opened.error();
    auto response = where_.tls ? exchange(*tls_, request) : exchange(*plain_, request);
    if (!response) close();
    return response;
  }

  void close() {
    open_ = false;
    tls_.reset();
    plain_.reset();
  }

  command_failure unreachable(std::string_view phase, const error_code& error, std::string remedy = {}) const {
    std::string why = error == beast::error::timeout ? "no answer within " + std::to_string(options_.timeout_ms) + " ms"
                                                     : error.message();
    if (remedy.empty()) remedy = "check that waggled is running there and that --endpoint is right";
    return {exit_code::unreachable, "Cannot reach " + where_.text() + " (" + std::string(phase) + ": " + why + ")",
            std::move(remedy)};
  }

  template <class Start>
  error_code wait(Start start) {
    error_code out = asio::error::would_block;
    start([&out](error_code error, auto&&...) { out = error; });
    loop_.restart();
    loop_.run();
    return out;
  }

  outcome<void> open() {
    const auto limit = std::chrono::milliseconds(options_.timeout_ms);
    error_code error;
    tcp::resolver resolver(loop_);
    const auto addresses = resolver.resolve(where_.host, where_.port, error);
    if (error) return unreachable("name lookup", error);
    if (where_.tls) {
      if (auto ready = prepare_tls(); !ready) return ready;
      tls_.emplace(loop_, *context_);
      SSL_set_tlsext_host_name(tls_->native_handle(), where_.host.c_str());
      tls_->set_verify_callback(asio::ssl::host_name_verification(where_.host));
    } else {
      plain_.emplace(loop_);
    }
    auto& socket = where_.tls ? tls_->next_layer() : *plain_;
    socket.expires_after(limit);
    error = wait([&](auto done) { socket.async_connect(addresses, done); });
    if (error) return unreachable("connect", error);
    socket.socket().set_option(tcp::no_delay(true), error);
    if (where_.tls) {
      socket.expires_after(limit);
      error = wait([&](auto done) { tls_->async_handshake(asio::ssl::stream_base::client, done); });
      if (error) return unreachable("TLS", error, tls_remedy(!options_.ca_cert.empty()));
    }
    buffer_.clear();
    open_ = true;
    return {};
  }

  outcome<void> prepare_tls() {
    if (context_) return {};
    asio::ssl::context context(asio::ssl::context::tls_client);
    error_code error;
    SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
    context.set_verify_mode(asio::ssl::verify_peer, error);
    if (options_.ca_cert.empty())
      context.set_default_verify_paths(error);
    else
      context.load_verify_file(options_.ca_cert, error);
    if (error)
      return command_failure(exit_code::usage,
                             "Cannot use the CA certificate " + options_.ca_cert + ": " + error.message(),
                             "--ca-cert must name a PEM file");
    context_.emplace(std::move(context));
    return {};
  }

  http::request<http::string_body> compose(const http_request& in) const {
    http::request<http::string_body> out;
    out.version(11);
    out.method_string(in.method);
    out.target(where_.base_path + in.target);
    out.set(http::field::host, where_.authority());
    out.set(http::field::user_agent, "wagglectl/" WAGGLE_VERSION);
    out.set(http::field::accept, "application/json");
    if (in.send_token && !options_.token.empty()) out.set(http::field::authorization, "Bearer " + options_.token);
    for (const auto& [name, value] : in.headers) out.set(name, value);
    if (!in.body.empty()) {
      out.set(http::field::content_type, "application/json");
      out.body() = in.body;
    }
    out.prepare_payload();
    return out;
  }

  template <class Stream>
  outcome<http_response> exchange(Stream& stream, const http_request& in) {
    const auto request = compose(in);
    auto& socket = beast::get_lowest_layer(stream);
    socket.expires_after(std::chrono::milliseconds(options_.timeout_ms));
    auto error = wait([&](auto done) { http::async_write(stream, request, done); });
    // A node that refuses a body early answers and closes; its answer is worth more than our broken pipe.
    if (error && error != asio::error::broken_pipe && error != asio::error::connection_reset)
      return unreachable("send", error);
    http::response_parser<http::string_body> parser;
    parser.body_limit(response_bytes_max);
    parser.skip(in.method == "HEAD");
    error = wait([&](auto done) { http::async_read(stream, buffer_, parser, done); });
    answered_ = parser.got_some();
    if (error) return unreachable("answer", error);
    socket.expires_never();
    auto response = parser.release();
    if (!response.keep_alive()) close();
    http_response out;
    out.status = static_cast<int>(response.result_int());
    out.body = std::move(response.body());
    if (const auto field = response.find(http::field::retry_after); field != response.end())
      out.retry_after_seconds = parse_retry_after({field->value().data(), field->value().size()});
    if (const auto field = response.find(http::field::date); field != response.end())
      out.date_unix_seconds = parse_http_date({field->value().data(), field->value().size()});
    return out;
  }

  endpoint where_;
  client_options options_;
  asio::io_context loop_{1};
  std::optional<asio::ssl::context> context_;
  std::optional<beast::tcp_stream> plain_;
  std::optional<beast::ssl_stream<beast::tcp_stream>> tls_;
  beast::flat_buffer buffer_;
  bool open_ = false;
  bool answered_ = false;
};

http_client::http_client(endpoint where, client_options options)
    : connection_(std::make_unique<connection>(std::move(where), std::move(options))) {}
http_client::~http_client() = default;
http_client::http_client(http_client&&) noexcept = default;
http_client& http_client::operator=(http_client&&) noexcept = default;
outcome<http_response> http_client::send(const http_request& request) { return connection_->send(request); }
const endpoint& http_client::where() const { return connection_->where(); }

}  // namespace waggle::ctl
