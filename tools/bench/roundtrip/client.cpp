#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <vector>

#include "roundtrip.hpp"

namespace roundtrip {

namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using steady = std::chrono::steady_clock;

// The answers of our own server end with the one '}' they have.
asio::awaitable<void> ask_on(tcp::socket socket, steady::time_point end, std::vector<float>& latencies_us) {
  static const std::string request = "GET / HTTP/1.1\r\nHost: bench\r\n\r\n";
  std::string buffer;
  boost::system::error_code ec;
  for (auto sent = steady::now(); sent < end && !ec; sent = steady::now()) {
    co_await asio::async_write(socket, asio::buffer(request), asio::redirect_error(asio::use_awaitable, ec));
    if (ec) break;
    const auto n = co_await asio::async_read_until(socket, asio::dynamic_buffer(buffer), '}',
                                                   asio::redirect_error(asio::use_awaitable, ec));
    buffer.erase(0, n);
    latencies_us.push_back(std::chrono::duration<float, std::micro>(steady::now() - sent).count());
  }
}

}  // namespace

load_result load(std::uint16_t port, int connections, double seconds) {
  asio::io_context context{1};
  std::vector<float> all;
  const auto end =
      steady::now() + std::chrono::duration_cast<steady::duration>(std::chrono::duration<double>(seconds));
  for (int i = 0; i < connections; ++i) {
    tcp::socket socket(context);
    socket.connect({asio::ip::address_v4::loopback(), port});
    socket.set_option(tcp::no_delay(true));
    asio::co_spawn(context, ask_on(std::move(socket), end, all), asio::detached);
  }
  context.run();
  if (all.empty()) return {};
  std::sort(all.begin(), all.end());
  return {static_cast<double>(all.size()) / seconds, all[all.size() / 2], all[all.size() * 99 / 100]};
}

}  // namespace roundtrip
