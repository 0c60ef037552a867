#pragma once
// What the HTTP server hands to the node and gets back. A request is decoded before the handler sees it; a response is
// data, the server adds every header that the contract asks of all answers (auth.md §12) and writes it. A request
// belongs to its connection and is reused for the next one: the handler may move from it, but must not keep a reference
// after its coroutine ended. Connections stay on the thread of their io_context.
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "net/auth/ip_address.hpp"

namespace waggle {

struct http_header {
  std::string name;
  std::string value;
};
struct http_header_view {
  std::string_view name;
  std::string_view value;
};
struct http_parameter {
  std::string name;
  std::string value;
};

/// From whom a body is taken.
enum class sender : std::uint8_t {
  known,
  unproven,  ///< all such bodies that are on their way have a bound of their own
};

/// The rest of a request whose head alone has been read.
class http_body_source {
 public:
  /// Reads the body into the request. After a failure (400, 408, 413, 415, 503) the connection ends with the answer.
  virtual boost::asio::awaitable<result<void>> read(sender from) = 0;

 protected:
  ~http_body_source() = default;
};

struct http_request {
  std::string_view method;  ///< as sent, but "GET" for HEAD
  bool head = false;        ///< the client asked with HEAD: answer as for GET, the server drops the body
  std::string target;       ///< request target as sent: path and query
  std::string raw_path;     ///< path as sent, without query and prefix stripping (request signing needs it)
  std::string raw_query;    ///< query as sent, without '?'
  /// Path split at '/', then each part percent-decoded once; a leading "api", then a leading "v1" and one trailing '/'
  /// are gone. Well-formed UTF-8 without NUL.
  std::vector<std::string> segments;
  std::vector<http_parameter> parameters;  ///< decoded ('+' is a space), in order
  std::vector<http_header_view> headers;   ///< in order; views live as long as the request
  std::string body;                        ///< decoded; `json_parser::padding` bytes of capacity follow it
  http_body_source* unread = nullptr;      ///< gives `body`, once; null: it is here already
  std::string correlation_id;              ///< the client's, or a fresh UUIDv7
  ip_address peer;                         ///< TCP peer; with a proxy in between, the proxy
  ip_address client;                       ///< whose request it is (contract auth.md §8)
  std::string client_address;              ///< `client` as text
  bool tls = false;
  std::int64_t arrived_steady_us = 0;   ///< when the head was complete; of an incomplete one, when it began
  std::int64_t deadline_steady_us = 0;  ///< the handler answers DEADLINE_EXCEEDED when this passes

  /// First header of that name, any case.
  std::optional<std::string_view> header(std::string_view name) const;
  /// First query parameter of exactly that name.
  std::optional<std::string_view> parameter(std::string_view name) const;

  std::string head_bytes;  ///< what `method` and `headers` point into; the reader's
};

struct http_response {
  int status = 200;
  std::string_view content_type = "application/json";  ///< static storage; empty = no Content-Type
  std::string body;
  std::vector<http_header> headers;  ///< in addition to the standard ones; control characters in values are dropped
  bool no_store = false;             ///< add `Cache-Control: no-store` (authenticated answers)
};

/// The node behind the server: routing, pipeline, everything from the path on. Called on the connection's thread, one
/// request per connection at a time. An exception becomes 500 INTERNAL_ERROR.
class http_handler {
 public:
  virtual ~http_handler() = default;
  /// Called with the head: nobody's body is taken before the handler asks for it. One that it leaves unread is thrown
  /// away when it is small, and else ends the connection.
  virtual boost::asio::awaitable<http_response> handle(http_request& request) = 0;
  /// The server has answered by itself: why, or a CORS preflight (`ec::ok`). Of a malformed head the request holds what
  /// was understood; path and parameters may be missing.
  virtual void answered_by_server(const http_request&, int /*status*/, ec /*why*/) {}
};

/// Header names and Host values compare without regard to ASCII case.
bool equals_ignoring_case(std::string_view a, std::string_view b);

}  // namespace waggle
