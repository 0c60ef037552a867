#pragma once
// The node's HTTP/1.1 server on io_contexts that it is given, one per worker thread; it starts no threads. A connection
// is accepted on the first context, then lives on one of them for good, so nothing about it is shared or locked.
//
//   acceptor ──round robin──▶ shard (one per context): connections, ticker, response writer, zlib state
//                                 └ session: read → checks → handler → write → next
//
// Owned by the node. Start, drain, stop, reload and stats may be called from any thread. The contexts and the handler
// must outlive every run of the contexts; the server object itself may go earlier.
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "net/http/site_policy.hpp"
#include "net/http/tls.hpp"
#include "net/http/types.hpp"

namespace waggle {

struct http_options {
  std::string host = "127.0.0.1";  ///< address or name; the first address of a name is used
  std::uint16_t port = 0;          ///< 0 = any free one
  http_tls_options tls;
  /// Open loopback mode checks Host, and refuses to listen anywhere but on loopback.
  site_policy site;
  std::size_t header_bytes_max = limits::header_bytes_max;
  std::size_t target_bytes_max = limits::target_bytes_max;
  std::size_t body_bytes_max = limits::body_mib_max_default << 20;
  std::size_t buffered_body_bytes_max = std::size_t{1} << 30;  ///< of all requests together; more: 503
  std::size_t unproven_body_bytes_max = std::size_t{256} << 20;  ///< of those on their way from nobody known; more: 503
  std::size_t connections_max = limits::connections_max_default;
  std::size_t pipelined_requests_max = limits::pipelined_requests_max;  ///< answers gathered into one write
  int request_timeout_ms = limits::request_timeout_ms_default;
  int header_read_timeout_ms = limits::header_read_timeout_ms;  ///< first byte to end of head; TLS handshake
  int body_stall_timeout_ms = 15000;                            ///< longest silence inside a body
  int write_stall_timeout_ms = 30000;       ///< for an answer, plus its size at `bytes_per_second_min`
  std::size_t bytes_per_second_min = 1024;  ///< a body or an answer that moves slower is cut off
  int keepalive_ms = limits::keepalive_seconds_default * 1000;
  int linger_ms = 5000;                   ///< after the last answer: how long the peer's unread bytes are thrown away
  std::size_t compress_bytes_min = 1024;  ///< larger answers are packed when the client accepts it
  std::size_t compress_bytes_max = 8u << 20;  ///< packing more would hold up the thread's other connections
};

struct http_stats {
  std::uint64_t connections_open = 0;
  std::uint64_t connections_accepted = 0;
  std::uint64_t connections_refused = 0;  ///< over connections_max
  std::uint64_t requests = 0;             ///< answered, errors of the server itself included
  std::uint64_t requests_in_flight = 0;   ///< inside the handler now
  std::uint64_t ip_denied = 0;            ///< refused for the client's address
  std::uint64_t bytes_in = 0;             ///< as received, after TLS
  std::uint64_t bytes_out = 0;
};

class http_server {
 public:
  http_server(http_options options, std::vector<boost::asio::io_context*> contexts, http_handler& handler);
  /// As `stop`.
  ~http_server();
  http_server(const http_server&) = delete;
  http_server& operator=(const http_server&) = delete;

  /// Binds and listens; requests are served as soon as the contexts run. Fails with the reason when the address is
  /// taken, not loopback in open mode, or a certificate can't be used.
  result<void> start();
  /// The bound port, after start.
  std::uint16_t port() const;
  /// Stops accepting, closes idle connections, lets requests in flight finish with `Connection: close`, and cuts off
  /// what is left after `limit`. `done` is called once, on the first context's thread, when no connection is left, or
  /// one second after the cut when a handler still hangs.
  void drain(std::chrono::milliseconds limit, std::function<void()> done);
  /// Closes everything now, on the contexts' threads. A drain under way ends without calling its `done`.
  void stop();
  /// Takes TLS (certificates are read again; it may be turned on or off) and the site policy from `options` for
  /// connections and requests that come from now on. On failure nothing has changed.
  result<void> reload(const http_options& options);
  http_stats stats() const;

 private:
  struct core;
  std::shared_ptr<core> core_;
};

}  // namespace waggle
