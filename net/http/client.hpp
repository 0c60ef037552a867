#pragma once
// An HTTP/1.1 client for calls to other services (embedding endpoints). A call is a coroutine on its caller's
// io_context: nothing blocks, one deadline covers name look-up, connecting, TLS, sending and the whole answer, and
// connections are kept open and used again. TLS certificates are checked against the system's store (or SSL_CERT_FILE).
// Redirects are not followed. Any thread; destroy it before the io_contexts that its calls ran on.
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "net/http/types.hpp"

namespace waggle {

struct http_client_url {
  bool tls = false;
  std::string host;    ///< without brackets
  std::string port;
  std::string target;  ///< path and query
};
/// http://host[:port][/path] or https://…, without user name; validation_error otherwise.
result<http_client_url> parse_http_url(std::string_view url);

struct http_client_request {
  std::string_view method = "POST";  ///< static storage; POST with a JSON body, or GET
  http_client_url url;
  std::string body;
  std::vector<http_header> headers;
  int timeout_ms = 10000;
  std::size_t answer_bytes_max = std::size_t{1} << 20;
};
struct http_client_reply {
  int status = 0;
  std::string body;
};

class http_client {
 public:
  http_client();
  ~http_client();
  http_client(const http_client&) = delete;
  http_client& operator=(const http_client&) = delete;

  /// Any status is a success. Errors: deadline_exceeded, io_error; their
  /// `message` says what happened without naming an address, `log_text` has the detail.
  /// A request on a kept connection that the peer has closed is sent again on a new one, so it must be safe to repeat.
  boost::asio::awaitable<result<http_client_reply>> call(http_client_request request);

 private:
  struct core;
  std::unique_ptr<core> core_;
};

}  // namespace waggle
