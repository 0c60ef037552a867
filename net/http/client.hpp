#pragma once
// A small blocking HTTP client for calls to other services (embedding endpoints): one request, one connection, a
// deadline for the whole. Verifies TLS certificates against the system's store. Call from the blocking pool; any
// thread.
#include <string>
#include <vector>

#include "base/error.hpp"
#include "net/http/types.hpp"

namespace waggle {

struct http_client_request {
  std::string url;  ///< http://host[:port]/path or https://…
  std::string body;
  std::vector<http_header> headers;
  int timeout_ms = 10000;
  std::size_t answer_bytes_max = std::size_t{64} << 20;
};
struct http_client_reply {
  int status = 0;
  std::string body;
};

/// POST with Content-Type application/json. Errors: io_error with log_text, validation_error for a bad URL.
result<http_client_reply> http_post_json(const http_client_request& request);

}  // namespace waggle
