#pragma once
// One keep-alive connection to a node, used synchronously. The door to Boost.Beast, Asio and OpenSSL.
// Owned by a command or an import sender; one thread at a time.
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tools/wagglectl/endpoint.hpp"
#include "tools/wagglectl/outcome.hpp"

namespace waggle::ctl {

struct client_options {
  std::string token;       ///< sent as `Authorization: Bearer`; empty = none; never printed
  std::string ca_cert;     ///< PEM file; empty = the system's store
  int timeout_ms = 30000;  ///< for connect + handshake, and again for each request and its response
};

struct http_request {
  std::string method = "GET";
  std::string target;  ///< path and query below the endpoint's base path; begins with '/'
  std::string body;    ///< JSON or empty
  std::vector<std::pair<std::string, std::string>> headers;
  bool send_token = true;
  /// True when sending it twice does no harm: then a keep-alive connection that the node has closed is replaced
  /// silently.
  bool repeatable = false;
};

struct http_response {
  int status = 0;
  std::string body;
  std::optional<int> retry_after_seconds;
  std::optional<std::int64_t> date_unix_seconds;
};

inline constexpr std::size_t response_bytes_max = 256u << 20;

class http_client {
 public:
  http_client(endpoint where, client_options options);
  ~http_client();
  http_client(http_client&&) noexcept;
  http_client& operator=(http_client&&) noexcept;

  /// Any HTTP status is a success here. Failure: exit_code::unreachable (resolve, connect, TLS, timeout, broken answer)
  /// or exit_code::usage (an unreadable --ca-cert).
  outcome<http_response> send(const http_request& request);
  const endpoint& where() const;

 private:
  class connection;
  std::unique_ptr<connection> connection_;
};

/// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 IMF-fixdate) to unix seconds.
std::optional<std::int64_t> parse_http_date(std::string_view text);

}  // namespace waggle::ctl
