#pragma once
// An HTTP/1.1 listener on one io_context that one thread runs: plain or TLS, one coroutine per connection, requests of
// a connection one after the other. It knows no path; a door answers. Outlives the run of the context.
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <set>

#include "tools/mock-hub/doors.hpp"

namespace waggle::mock {

using door = std::function<boost::asio::awaitable<reply>(request)>;

class http_listener {
 public:
  /// Throws boost::system::system_error when the address can't be bound.
  http_listener(boost::asio::io_context& context, const boost::asio::ip::tcp::endpoint& at, door to,
                std::shared_ptr<boost::asio::ssl::context> tls = nullptr);
  void start();
  boost::asio::ip::tcp::endpoint endpoint() const { return endpoint_; }
  std::string url() const;

  /// Connections are refused and the open ones cut off, for so long (0 = until told otherwise); nothing = no longer.
  /// The port stays ours.
  void refuse(std::optional<std::int64_t> ms);

  /// Asked before each TLS handshake whether it is to fail.
  std::function<bool()> handshake_fails = [] { return false; };

 private:
  using socket_set = std::set<boost::asio::ip::tcp::socket*>;
  void bind();
  void accept_next();

  boost::asio::io_context& context_;
  boost::asio::ip::tcp::endpoint endpoint_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer refusal_end_, accept_pause_;
  bool refusing_ = false;
  door door_;
  std::shared_ptr<boost::asio::ssl::context> tls_;
  std::shared_ptr<socket_set> open_ = std::make_shared<socket_set>();  ///< sessions may outlive the listener
};

}  // namespace waggle::mock
