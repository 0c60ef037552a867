#pragma once
// An in-process server on a free port with its own threads, and a raw socket client that says exactly what a test wants
// said.
#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "net/http/server.hpp"

namespace waggle::test {

inline bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// What came back on a raw connection.
struct reply {
  int status = 0;  ///< 0 = the connection closed before a complete answer
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  /// First value, name in any case; "" when absent.
  std::string header(const std::string& name) const;
  int count(const std::string& name) const;
};

/// A blocking client. Reads give up after `wait_seconds`, which only a broken server reaches.
class raw_client {
 public:
  explicit raw_client(std::uint16_t port);
  virtual ~raw_client();
  raw_client(const raw_client&) = delete;
  raw_client& operator=(const raw_client&) = delete;
  virtual bool send(std::string_view bytes);
  /// One answer. `head` = it answers HEAD: no body follows whatever Content-Length says.
  reply read(bool head = false);
  reply ask(std::string_view bytes) {
    send(bytes);
    return read();
  }
  /// True when the server closes without sending anything more.
  bool closed();
  /// True when nothing arrives within `ms`.
  bool silent(int ms);
  void finish_sending();
  int descriptor() const { return fd_; }
  static constexpr int wait_seconds = 20;

 protected:
  virtual long receive(char* to, std::size_t size);
  int fd_ = -1;
  std::string buffer_;
};

/// "GET path" with a Host header and whatever lines are given, each without line end.
std::string get(const std::string& path, const std::vector<std::string>& lines = {});
std::string post(const std::string& path, const std::string& body, const std::vector<std::string>& lines = {});

/// Answers by first path segment; see http_support.cpp. Thread-safe.
class test_handler final : public http_handler {
 public:
  boost::asio::awaitable<http_response> handle(http_request& request) override;
  void answered_by_server(const http_request& request, int status, ec why) override;
  /// "431 HEADERS_TOO_LARGE GET", … of what the server answered by itself.
  std::vector<std::string> refusals();
  /// Lets every "/wait" in flight, and those to come, answer.
  void release();
  int waiting() const { return waiting_; }

 private:
  std::atomic<bool> released_{false};
  std::atomic<int> waiting_{0};
  std::mutex mutex_;
  std::vector<std::string> refusals_;
};

/// A running server. Stops and joins in the destructor.
class test_server {
 public:
  explicit test_server(std::function<void(http_options&)> change = {}, int threads = 2);
  ~test_server();
  std::uint16_t port() const { return server->port(); }
  void join();

  test_handler handler;
  http_options options;
  std::vector<std::unique_ptr<boost::asio::io_context>> contexts;
  std::unique_ptr<http_server> server;

 private:
  std::vector<std::thread> threads_;
};

/// Waits until `done()`; false after wait_seconds.
bool eventually(const std::function<bool()>& done);

std::string gzip(const std::string& text);
std::string deflate(const std::string& text, bool raw);
std::string gunzip(const std::string& bytes);

}  // namespace waggle::test
