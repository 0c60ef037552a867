#pragma once
// What the connections of one io_context share. Everything here is used on that context's thread only, except the
// counters, which other threads may read, and `gate`, which is the server's.
#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <limits>
#include <memory>
#include <vector>

#include "net/http/body_coding.hpp"
#include "net/http/response_writer.hpp"
#include "net/http/server.hpp"

namespace waggle {

using tcp_socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

/// Counted over all shards.
struct connection_gate {
  std::atomic<std::uint64_t> open{0};
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> refused{0};
  std::atomic<std::uint64_t> buffered_body_bytes{0};
  std::atomic<std::uint64_t> unproven_body_bytes{0};  ///< the part of it that came from nobody known, and is not whole
};

/// A number that one thread writes and any thread reads.
class own_counter {
 public:
  void add(std::uint64_t n) { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  void subtract(std::uint64_t n) {
    value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed);
  }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

inline constexpr std::int64_t no_deadline = std::numeric_limits<std::int64_t>::max();

/// A connection as its shard sees it. One deadline per connection, looked at by the shard's ticker: no timer is armed
/// or cancelled per request.
class connection {
 public:
  virtual ~connection() = default;
  virtual void expire() = 0;       ///< its deadline has passed
  virtual void begin_drain() = 0;  ///< close if idle
  virtual void abort() = 0;        ///< close now
  std::int64_t deadline_us = no_deadline;
  std::size_t slot = 0;  ///< where it stands in its shard's list
};

struct shard {
  shard(boost::asio::io_context& c, http_handler& h, const http_options& o, std::shared_ptr<connection_gate> g)
      : context(c),
        handler(h),
        options(o),
        gate(std::move(g)),
        site(std::make_shared<const site_policy>(o.site)),
        ticker(c) {}

  boost::asio::io_context& context;
  http_handler& handler;
  const http_options options;
  std::shared_ptr<connection_gate> gate;
  std::shared_ptr<const site_policy> site;
  response_writer writer;
  body_deflater deflater;
  boost::asio::basic_waitable_timer<std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>,
                                    boost::asio::io_context::executor_type>
      ticker;
  std::vector<connection*> connections;
  std::array<char, 16 * 1024> thrown_away;  ///< where connections read what nobody wants; never looked at
  bool draining = false;
  bool stopped = false;
  own_counter requests, in_flight, ip_denied, bytes_in, bytes_out;

  void add(connection& c) {
    c.slot = connections.size();
    connections.push_back(&c);
  }
  void remove(connection& c) {
    connections[c.slot] = connections.back();
    connections[c.slot]->slot = c.slot;
    connections.pop_back();
  }
};

inline std::int64_t steady_now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace waggle
