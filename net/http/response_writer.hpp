#pragma once
// Writes a response head by hand into one buffer: the standard headers are one prepared block, so a small answer costs
// a few appends and no allocation. Pure; one per io_context.
#include <cstdint>
#include <string>
#include <string_view>

#include "net/http/body_coding.hpp"
#include "net/http/site_policy.hpp"
#include "net/http/types.hpp"

namespace waggle {

/// What the connection knows about the answer.
struct response_facts {
  std::string_view correlation_id;
  bool keep_alive = true;
  bool http10 = false;
  bool tls = false;
  body_coding coding = body_coding::identity;  ///< how `body_bytes` are packed
  bool vary_encoding = false;                  ///< the same answer would be packed for another client
  std::size_t body_bytes = 0;
  std::string_view cors_origin;  ///< "" = no CORS headers, "*" or the request's origin
};

class response_writer {
 public:
  response_writer() { set_time(0); }
  /// The Date header, refreshed by the owner about once a second.
  void set_time(std::int64_t unix_seconds);
  /// Appends status line and headers up to and including the empty line.
  void append_head(std::string& out, const http_response& response, const response_facts& facts) const;

 private:
  std::string standard_;  ///< "Date: …\r\n" and every constant header
  std::int64_t time_ = -1;
};

/// How to pack this answer for this client: identity when it is small, huge, packed already or no text. `vary` tells
/// whether another client would get it otherwise.
body_coding choose_answer_coding(const http_request& request, const http_response& response, std::size_t bytes_min,
                                 std::size_t bytes_max, bool& vary);

/// 204 with the CORS permissions; the caller has judged the origin.
http_response preflight_response();
/// A preflight: OPTIONS with Origin and Access-Control-Request-Method.
bool is_preflight(const http_request& request);

}  // namespace waggle
