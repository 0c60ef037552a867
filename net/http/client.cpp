#include "net/http/client.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <chrono>
#include <map>
#include <mutex>
#include <tuple>

#include "net/http/chunk_end_guard.hpp"

namespace waggle {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using beast::error_code;

namespace {
using steady = std::chrono::steady_clock;
constexpr std::size_t idle_connections_max = 16;            ///< per origin and io_context
constexpr auto idle_connection_max = std::chrono::seconds(20);  ///< services commonly close after 30 to 60
constexpr std::size_t answer_head_bytes_max = 16 * 1024;

/// One connection. The TLS stream wraps the same socket type; exactly one of the two exists.
struct connection {
  connection(asio::any_io_executor executor, asio::ssl::context* tls) {
    if (tls)
      secure.emplace(std::move(executor), *tls);
    else
      plain.emplace(std::move(executor));
  }
  beast::tcp_stream& tcp() { return secure ? secure->next_layer() : *plain; }

  std::optional<beast::tcp_stream> plain;
  std::optional<beast::ssl_stream<beast::tcp_stream>> secure;
  beast::flat_buffer buffer;
  steady::time_point idle_since;
};
using connection_ptr = std::unique_ptr<connection>;

failure failed(const char* phase, const error_code& code, const char* message) {
  failure f(ec::io_error, message);
  if (code == beast::error::timeout) f = failure(ec::deadline_exceeded, "no answer in time");
  f.log_text = std::string(phase) + ": " + code.message();
  return f;
}

http::request<http::string_body> compose(const http_client_request& in) {
  http::request<http::string_body> out{http::string_to_verb(in.method), in.url.target, 11};
  const bool usual_port = in.url.port == (in.url.tls ? "443" : "80");
  const auto host = in.url.host.find(':') == std::string::npos ? in.url.host : "[" + in.url.host + "]";
  out.set(http::field::host, usual_port ? host : host + ":" + in.url.port);
  out.set(http::field::user_agent, "waggle");
  if (in.method == "POST") out.set(http::field::content_type, "application/json");
  out.set(http::field::accept, "application/json");
  for (const auto& h : in.headers) out.set(h.name, h.value);
  out.body() = in.body;
  out.prepare_payload();
  return out;
}

/// What one try came to.
struct attempt {
  result<http_client_reply> outcome = failure(ec::internal_error);
  bool answered = false;    ///< some of the answer has arrived
  bool keep_alive = false;
};

/// Reads one answer. Not by Beast's async_read, which aborts the process where a chunked body arrives in small pieces.
template <class Stream>
asio::awaitable<error_code> read_answer(Stream& stream, connection& c, http::response_parser<http::string_body>& parser) {
  constexpr std::size_t read_bytes = 16 * 1024;
  chunk_end_guard guard;
  error_code code;
  bool more = c.buffer.size() == 0;
  while (!parser.is_done()) {
    if (more || guard.offers_too_little(c.buffer.size())) {
      const auto n = co_await stream.async_read_some(c.buffer.prepare(read_bytes),
                                                     asio::redirect_error(asio::use_awaitable, code));
      c.buffer.commit(n);
      if (code == asio::error::eof || code == asio::ssl::error::stream_truncated) {
        if (!parser.got_some()) co_return http::error::end_of_stream;
        code = {};
        parser.put_eof(code);
        co_return code;
      }
      if (code) co_return code;
      if (guard.offers_too_little(c.buffer.size())) continue;
    }
    const auto taken = parser.put(c.buffer.data(), code);
    c.buffer.consume(taken);
    more = code == http::error::need_more || c.buffer.size() == 0;
    guard.parsed(code == http::error::need_more, parser.is_header_done() && parser.chunked());
    if (code && code != http::error::need_more) co_return code;
    code = {};
  }
  co_return code;
}

template <class Stream>
asio::awaitable<attempt> exchange(Stream& stream, connection& c, const http_client_request& in) {
  attempt made;
  error_code code;
  const auto request = compose(in);
  co_await http::async_write(stream, request, asio::redirect_error(asio::use_awaitable, code));
  // A service that refuses a body early answers and closes: its answer says more than our broken pipe.
  if (code && code != asio::error::broken_pipe && code != asio::error::connection_reset) {
    made.outcome = failed("send", code, "the connection broke");
    co_return made;
  }
  http::response_parser<http::string_body> parser;
  parser.header_limit(answer_head_bytes_max);
  parser.body_limit(in.answer_bytes_max);
  code = co_await read_answer(stream, c, parser);
  made.answered = parser.got_some();
  if (code) {
    const bool large = code == http::error::body_limit || code == http::error::header_limit;
    made.outcome = failed("answer", code, large ? "the answer is too large" : "the connection broke");
    co_return made;
  }
  auto response = parser.release();
  made.keep_alive = response.keep_alive();
  http_client_reply reply{static_cast<int>(response.result_int()), std::move(response.body())};
  made.outcome = std::move(reply);
  co_return made;
}

asio::awaitable<result<void>> open(connection& c, const http_client_url& url) {
  error_code code;
  tcp::resolver resolver(co_await asio::this_coro::executor);
  const auto found =
      co_await resolver.async_resolve(url.host, url.port, asio::redirect_error(asio::use_awaitable, code));
  if (code) co_return failed("name look-up", code, "it can't be reached");
  co_await c.tcp().async_connect(found, asio::redirect_error(asio::use_awaitable, code));
  if (code) co_return failed("connect", code, "it can't be reached");
  c.tcp().socket().set_option(tcp::no_delay(true), code);
  if (!c.secure) co_return result<void>{};
  SSL_set_tlsext_host_name(c.secure->native_handle(), url.host.c_str());
  c.secure->set_verify_callback(asio::ssl::host_name_verification(url.host));
  co_await c.secure->async_handshake(asio::ssl::stream_base::client, asio::redirect_error(asio::use_awaitable, code));
  if (code) co_return failed("TLS handshake", code, "its TLS certificate is not accepted, or it speaks no TLS");
  co_return result<void>{};
}

}  // namespace

result<http_client_url> parse_http_url(std::string_view url) {
  http_client_url parts;
  if (url.starts_with("https://"))
    parts.tls = true, url.remove_prefix(8);
  else if (url.starts_with("http://"))
    url.remove_prefix(7);
  else
    return failure::validation("url", "must begin with http:// or https://");
  for (const unsigned char c : url)
    if (c <= ' ' || c == 127) return failure::validation("url", "must not hold spaces or control characters");
  const auto slash = url.find_first_of("/?#");
  const auto authority = url.substr(0, slash);
  parts.target = slash == url.npos ? "/" : std::string(url.substr(slash, url.find('#') - slash));
  if (!parts.target.starts_with('/')) parts.target.insert(0, "/");
  if (authority.find('@') != authority.npos) return failure::validation("url", "must not hold a user name");
  const auto colon = authority.rfind(':');
  const bool has_port = colon != authority.npos && authority.find(']', colon) == authority.npos;
  parts.host = has_port ? authority.substr(0, colon) : authority;
  parts.port = has_port ? std::string(authority.substr(colon + 1)) : parts.tls ? "443" : "80";
  if (parts.port.empty() || parts.port.find_first_not_of("0123456789") != std::string::npos)
    return failure::validation("url", "has a port that is no number");
  if (parts.host.starts_with('[') && parts.host.ends_with(']')) parts.host = parts.host.substr(1, parts.host.size() - 2);
  if (parts.host.empty()) return failure::validation("url", "has no host");
  return parts;
}

struct http_client::core {
  /// A connection may only be used on the context that it was made on.
  using origin = std::tuple<asio::execution_context*, bool, std::string, std::string>;

  core() {
    tls.set_default_verify_paths();
    tls.set_verify_mode(asio::ssl::verify_peer);
    SSL_CTX_set_min_proto_version(tls.native_handle(), TLS1_2_VERSION);
  }

  connection_ptr take(const origin& o) {
    const std::lock_guard lock(mutex);
    auto& list = idle[o];
    if (list.empty()) return nullptr;
    auto newest = std::move(list.back());
    list.pop_back();
    if (steady::now() - newest->idle_since > idle_connection_max) list.clear(), newest.reset();
    return newest;
  }
  void give(const origin& o, connection_ptr c) {
    const std::lock_guard lock(mutex);
    c->idle_since = steady::now();
    c->tcp().expires_never();
    if (auto& list = idle[o]; list.size() < idle_connections_max) list.push_back(std::move(c));
  }

  asio::ssl::context tls{asio::ssl::context::tls_client};
  std::mutex mutex;
  std::map<origin, std::vector<connection_ptr>> idle;
};

http_client::http_client() : core_(std::make_unique<core>()) {}
http_client::~http_client() = default;

asio::awaitable<result<http_client_reply>> http_client::call(http_client_request request) {
  const auto deadline = steady::now() + std::chrono::milliseconds(request.timeout_ms);
  const auto executor = co_await asio::this_coro::executor;
  const auto& url = request.url;
  const core::origin origin(&asio::query(executor, asio::execution::context), url.tls, url.host, url.port);
  for (auto c = core_->take(origin);; c = nullptr) {
    const bool used_before = c != nullptr;
    if (!c) c = std::make_unique<connection>(executor, url.tls ? &core_->tls : nullptr);
    c->tcp().expires_at(deadline);
    if (!used_before)
      if (auto opened = co_await open(*c, url); !opened) co_return opened.error();
    attempt made;
    if (c->secure)
      made = co_await exchange(*c->secure, *c, request);
    else
      made = co_await exchange(*c->plain, *c, request);
    if (made.outcome && made.keep_alive) core_->give(origin, std::move(c));
    const bool stale = used_before && !made.answered && !made.outcome && made.outcome.error().code == ec::io_error;
    if (!stale) co_return std::move(made.outcome);
  }
}

}  // namespace waggle
