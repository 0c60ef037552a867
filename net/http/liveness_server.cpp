#include "net/http/liveness_server.hpp"

#include <sys/un.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <filesystem>
#include <optional>

namespace waggle {
namespace asio = boost::asio;
namespace http = boost::beast::http;
using stream_protocol = asio::generic::stream_protocol;
using error_code = boost::system::error_code;

namespace {
constexpr std::size_t connections_max = 32;
constexpr int backlog = 32;
constexpr std::size_t head_bytes_max = 4096;
constexpr auto patience = std::chrono::seconds(5);
constexpr auto accept_pause = std::chrono::milliseconds(100);
constexpr std::string_view unix_begin = "unix:";

/// Nothing: it is no address, or too long for a socket.
std::optional<stream_protocol::endpoint> endpoint_of(const std::string& listen) {
  if (listen.starts_with(unix_begin)) {
    const auto path = listen.substr(unix_begin.size());
    if (path.size() >= sizeof(sockaddr_un::sun_path)) return std::nullopt;
    return stream_protocol::endpoint(asio::local::stream_protocol::endpoint(path));
  }
  const auto colon = listen.rfind(':');
  auto host = listen.substr(0, colon);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  error_code code;
  const auto address = asio::ip::make_address(host, code);
  if (code || colon == listen.npos) return std::nullopt;
  const auto port = static_cast<std::uint16_t>(std::stoi(listen.substr(colon + 1)));
  return stream_protocol::endpoint(asio::ip::tcp::endpoint(address, port));
}
}  // namespace

struct liveness_server::core : std::enable_shared_from_this<core> {
  core(asio::io_context& c, std::function<bool()> r) : context(c), ready(std::move(r)), acceptor(c), pause(c) {}

  result<void> bind(const std::string& listen);
  asio::awaitable<void> accept_all();
  asio::awaitable<void> converse(stream_protocol::socket socket);
  http::response<http::string_body> answer(const http::request<http::empty_body>& request) const;

  asio::io_context& context;
  const std::function<bool()> ready;
  std::string socket_path;
  // On the context's thread from here on.
  asio::basic_socket_acceptor<stream_protocol> acceptor;
  asio::steady_timer pause;
  std::size_t open = 0;
};

result<void> liveness_server::core::bind(const std::string& listen) {
  const auto failed = [&](const std::string& why) {
    failure f(ec::io_error, "server.liveness.listen '" + listen + "': " + why);
    f.log_text = f.message;
    return f;
  };
  const auto endpoint = endpoint_of(listen);
  if (!endpoint) return failed("no address to listen on");
  std::error_code ignored;
  if (listen.starts_with(unix_begin)) {
    socket_path = listen.substr(unix_begin.size());
    if (std::filesystem::is_socket(socket_path, ignored)) std::filesystem::remove(socket_path, ignored);
  }
  error_code code;
  if (acceptor.open(endpoint->protocol(), code)) return failed(code.message());
  if (socket_path.empty() && acceptor.set_option(asio::socket_base::reuse_address(true), code)) return failed(code.message());
  if (acceptor.bind(*endpoint, code)) return failed(code.message());
  if (acceptor.listen(backlog, code)) return failed(code.message());
  return {};
}

asio::awaitable<void> liveness_server::core::accept_all() {
  const auto self = shared_from_this();
  while (acceptor.is_open()) {
    error_code code;
    stream_protocol::socket socket(context);
    co_await acceptor.async_accept(socket, asio::redirect_error(asio::use_awaitable, code));
    if (code == asio::error::operation_aborted) co_return;
    if (code) {
      // Out of descriptors: trying again at once would spin.
      pause.expires_after(accept_pause);
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, code));
      continue;
    }
    if (open >= connections_max) continue;
    auto conversation = converse(std::move(socket));
    asio::co_spawn(context, std::move(conversation), asio::detached);
  }
}

http::response<http::string_body> liveness_server::core::answer(const http::request<http::empty_body>& request) const {
  const auto path = request.target();
  const bool known = path == "/livez" || path == "/readyz";
  const bool asked = request.method() == http::verb::get;
  http::response<http::string_body> out(http::status::ok, 11);
  if (!known)
    out.result(http::status::not_found);
  else if (!asked)
    out.result(http::status::method_not_allowed);
  else if (path == "/readyz" && !ready())
    out.result(http::status::service_unavailable);
  if (known && asked) out.body() = out.result() == http::status::ok ? "ok" : "unavailable";
  if (known && !asked) out.set(http::field::allow, "GET");
  out.set(http::field::content_type, "text/plain; charset=utf-8");
  out.set(http::field::cache_control, "no-store");
  out.set("X-Content-Type-Options", "nosniff");
  out.keep_alive(false);
  out.prepare_payload();
  return out;
}

asio::awaitable<void> liveness_server::core::converse(stream_protocol::socket socket) {
  const auto self = shared_from_this();
  ++open;
  boost::beast::basic_stream<stream_protocol> stream(std::move(socket));
  boost::beast::flat_buffer buffer(head_bytes_max);
  http::request_parser<http::empty_body> parser;
  parser.header_limit(head_bytes_max);
  error_code code;
  stream.expires_after(patience);
  co_await http::async_read_header(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, code));
  if (!code) {
    const auto response = answer(parser.get());
    co_await http::async_write(stream, response, asio::redirect_error(asio::use_awaitable, code));
    stream.socket().shutdown(asio::socket_base::shutdown_both, code);
  }
  --open;
}

result<std::unique_ptr<liveness_server>> liveness_server::start(asio::io_context& context, const std::string& listen,
                                                                std::function<bool()> ready) {
  auto made = std::make_shared<core>(context, std::move(ready));
  if (auto bound = made->bind(listen); !bound) return bound.error();
  asio::co_spawn(context, made->accept_all(), asio::detached);
  return std::unique_ptr<liveness_server>(new liveness_server(std::move(made)));
}

liveness_server::~liveness_server() {
  std::error_code ignored;
  if (!core_->socket_path.empty()) std::filesystem::remove(core_->socket_path, ignored);
  asio::post(core_->context, [core = core_] {
    error_code code;
    core->acceptor.close(code);
    core->pause.cancel();
  });
}

}  // namespace waggle
