#include "tools/mock-hub/server.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <sstream>

namespace waggle::mock {
namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using error_code = boost::system::error_code;
using tls_stream = asio::ssl::stream<tcp::socket&>;

namespace {
constexpr std::size_t body_bytes_max = 64 << 20;

request to_request(const http::request<http::string_body>& in) {
  auto call = make_request(std::string(in.method_string()), std::string(in.target()));
  for (const auto& field : in) {
    std::string name(field.name_string());
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    call.headers[name] = field.value();
  }
  call.body = in.body();
  return call;
}

std::string to_bytes(const reply& from, bool keep_alive, bool head_only) {
  http::response<http::string_body> out(static_cast<http::status>(from.status), 11);
  out.set(http::field::content_type, "application/json");
  if (from.retry_after_seconds) out.set(http::field::retry_after, std::to_string(*from.retry_after_seconds));
  out.keep_alive(keep_alive);
  out.content_length(from.body.size());
  std::ostringstream bytes;
  bytes << out.base();
  return bytes.str() + (head_only ? "" : from.body);
}

void reset_connection(tcp::socket& socket) {
  error_code ignored;
  socket.set_option(asio::socket_base::linger(true, 0), ignored);
  socket.close(ignored);
}

/// Until the peer gives up.
asio::awaitable<void> stay_silent(tcp::socket& socket) {
  char dropped[4096];
  error_code code;
  while (!code) co_await socket.async_read_some(asio::buffer(dropped), asio::redirect_error(asio::use_awaitable, code));
}

/// Whether the connection can go on.
template <class Stream>
asio::awaitable<bool> write_reply(Stream& stream, const reply& from, std::string bytes) {
  const bool slow = from.manner && from.manner->kind == fault_kind::slow;
  const bool truncated = from.manner && from.manner->kind == fault_kind::truncated;
  if (truncated) bytes.resize(bytes.size() - (from.body.size() + 1) / 2);
  const auto piece = slow ? static_cast<std::size_t>(from.manner->bytes) : bytes.size();
  // The head goes at once: a slow body is one whose head was seen.
  std::size_t begin = 0;
  std::size_t end = slow ? bytes.find("\r\n\r\n") + 4 : bytes.size();
  error_code code;
  while (begin < bytes.size() && !code) {
    co_await asio::async_write(stream, asio::buffer(bytes.data() + begin, end - begin),
                               asio::redirect_error(asio::use_awaitable, code));
    begin = end;
    end = std::min(end + piece, bytes.size());
    if (slow && !code && begin < bytes.size()) {
      asio::steady_timer timer(stream.get_executor());
      timer.expires_after(std::chrono::milliseconds(from.manner->ms));
      co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, code));
    }
  }
  co_return !code && !truncated;
}

template <class Stream>
asio::awaitable<void> serve_requests(Stream& stream, tcp::socket& socket, door& to) {
  boost::beast::flat_buffer buffer;
  for (bool go_on = true; go_on;) {
    http::request_parser<http::string_body> parser;
    parser.body_limit(body_bytes_max);
    error_code code;
    co_await http::async_read(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, code));
    if (code) co_return;
    auto call = to_request(parser.get());
    const bool keep_alive = parser.get().keep_alive();
    const bool head_only = parser.get().method() == http::verb::head;
    const auto said = co_await to(std::move(call));
    if (said.end == reply::ending::reset) co_return reset_connection(socket);
    if (said.end == reply::ending::silence) co_return co_await stay_silent(socket);
    auto bytes = to_bytes(said, keep_alive, head_only);
    const bool written = co_await write_reply(stream, said, std::move(bytes));
    go_on = written && keep_alive;
  }
}

/// Fails as a server does that has nothing in common with its client: alert handshake_failure.
asio::awaitable<void> refuse_handshake(tcp::socket& socket) {
  static constexpr unsigned char alert[] = {21, 3, 3, 0, 2, 2, 40};
  char hello[4096];
  error_code code;
  co_await socket.async_read_some(asio::buffer(hello), asio::redirect_error(asio::use_awaitable, code));
  co_await asio::async_write(socket, asio::buffer(alert), asio::redirect_error(asio::use_awaitable, code));
}

asio::awaitable<void> serve_connection(tcp::socket accepted, std::shared_ptr<std::set<tcp::socket*>> open, door& to,
                                       std::shared_ptr<asio::ssl::context> tls, bool handshake_fails) {
  tcp::socket socket = std::move(accepted);
  open->insert(&socket);
  const auto forget = [&](void*) { open->erase(&socket); };
  const std::unique_ptr<void, decltype(forget)> while_open(&socket, forget);
  error_code code;
  socket.set_option(tcp::no_delay(true), code);
  if (!tls) {
    co_await serve_requests(socket, socket, to);
  } else if (handshake_fails) {
    co_await refuse_handshake(socket);
  } else {
    tls_stream stream(socket, *tls);
    co_await stream.async_handshake(asio::ssl::stream_base::server, asio::redirect_error(asio::use_awaitable, code));
    if (!code) co_await serve_requests(stream, socket, to);
  }
  socket.shutdown(tcp::socket::shutdown_both, code);
}
}  // namespace

http_listener::http_listener(asio::io_context& context, const tcp::endpoint& at, door to,
                             std::shared_ptr<asio::ssl::context> tls)
    : context_(context),
      endpoint_(at),
      acceptor_(context),
      refusal_end_(context),
      accept_pause_(context),
      door_(std::move(to)),
      tls_(std::move(tls)) {
  bind();
}

std::string http_listener::url() const {
  std::ostringstream out;
  out << (tls_ ? "https://" : "http://") << endpoint_;
  return out.str();
}

void http_listener::bind() {
  acceptor_ = tcp::acceptor(context_);
  acceptor_.open(endpoint_.protocol());
  acceptor_.set_option(tcp::acceptor::reuse_address(true));
  acceptor_.bind(endpoint_);
  endpoint_ = acceptor_.local_endpoint();
}

void http_listener::start() {
  acceptor_.listen();
  accept_next();
}

void http_listener::accept_next() {
  acceptor_.async_accept([this](const error_code& code, tcp::socket socket) {
    if (code == asio::error::operation_aborted || refusing_) return;
    if (!code) {
      asio::co_spawn(context_, serve_connection(std::move(socket), open_, door_, tls_, tls_ && handshake_fails()),
                     asio::detached);
      return accept_next();
    }
    // Out of descriptors: trying again at once would spin.
    accept_pause_.expires_after(std::chrono::milliseconds(100));
    accept_pause_.async_wait([this](const error_code& cancelled) {
      if (!cancelled && !refusing_) accept_next();
    });
  });
}

void http_listener::refuse(std::optional<std::int64_t> ms) {
  refusal_end_.cancel();
  if (!ms) {
    if (std::exchange(refusing_, false)) start();
    return;
  }
  if (!std::exchange(refusing_, true)) bind();  // bound, but nobody listens
  for (auto* socket : socket_set(*open_)) reset_connection(*socket);
  if (*ms == 0) return;
  refusal_end_.expires_after(std::chrono::milliseconds(*ms));
  refusal_end_.async_wait([this](const error_code& code) {
    if (!code) refuse(std::nullopt);
  });
}

}  // namespace waggle::mock
