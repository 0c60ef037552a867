#include "tools/mock-hub/event_sender.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

namespace waggle::mock {
namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;

namespace {
constexpr auto send_time_max = std::chrono::seconds(10);

struct node_address {
  std::string host, port;
};

/// "http://host:port"; nothing when it is something else.
std::optional<node_address> parse_node(std::string_view url) {
  constexpr std::string_view scheme = "http://";
  if (!url.starts_with(scheme)) return std::nullopt;
  url.remove_prefix(scheme.size());
  const auto colon = url.rfind(':');
  if (colon == url.npos || url.find('/') != url.npos) return std::nullopt;
  return node_address{std::string(url.substr(0, colon)), std::string(url.substr(colon + 1))};
}

asio::awaitable<json::object> post(const node_address& to, const event_push& push) {
  const auto executor = co_await asio::this_coro::executor;
  tcp::resolver resolver(executor);
  const auto found = co_await resolver.async_resolve(to.host, to.port, asio::use_awaitable);
  boost::beast::tcp_stream stream(executor);
  stream.expires_after(send_time_max);
  co_await stream.async_connect(found, asio::use_awaitable);
  http::request<http::string_body> out(http::verb::post, "/hub/events", 11);
  out.set(http::field::host, to.host + ":" + to.port);
  out.set(http::field::content_type, "application/json");
  for (const auto& [name, value] : push.headers) out.set(name, value);
  out.body() = push.body;
  out.prepare_payload();
  co_await http::async_write(stream, out, asio::use_awaitable);
  boost::beast::flat_buffer buffer;
  http::response<http::string_body> in;
  co_await http::async_read(stream, buffer, in, asio::use_awaitable);
  json::object outcome;
  outcome["status"] = in.result_int();
  json::error_code code;
  auto body = json::parse(in.body(), code);
  outcome["body"] = code ? json::value(in.body()) : body;
  co_return outcome;
}
}  // namespace

asio::awaitable<json::object> send_events(event_push push) {
  json::array sent;
  for (const auto& node : push.nodes) {
    json::object outcome;
    const auto address = parse_node(node);
    if (!address) {
      outcome["error"] = "a node is http://host:port";
    } else {
      try {
        outcome = co_await post(*address, push);
      } catch (const boost::system::system_error& problem) {
        outcome["error"] = problem.code().message();
      }
    }
    outcome["node"] = node;
    sent.emplace_back(std::move(outcome));
  }
  json::object out;
  out["sent"] = std::move(sent);
  co_return out;
}

}  // namespace waggle::mock
