#include "net/http/response_writer.hpp"

#include <algorithm>
#include <boost/beast/http/status.hpp>
#include <charconv>
#include <ctime>
#include <iterator>

namespace waggle {
namespace {
void append_status_line(std::string& out, int status) {
  namespace http = boost::beast::http;
  const auto known = http::int_to_status(static_cast<unsigned>(status));
  out.append("HTTP/1.1 ").append(std::to_string(status)).append(" ");
  // RFC 9112 §4: the reason phrase may be empty.
  if (known != http::status::unknown) out.append(http::obsolete_reason(known));
  out.append("\r\n");
}

/// RFC 9110 §5.5: no CR, LF, NUL or other control character may reach the wire, whatever a handler was given.
void append_header(std::string& out, std::string_view name, std::string_view value) {
  const auto keep = [&](std::string_view text, bool is_name) {
    const auto barred = [is_name](char c) {
      const auto byte = static_cast<unsigned char>(c);
      return byte < 0x20 || byte == 0x7f || (is_name && (c == ':' || c == ' '));
    };
    if (std::none_of(text.begin(), text.end(), barred)) return void(out += text);
    std::remove_copy_if(text.begin(), text.end(), std::back_inserter(out), barred);
  };
  keep(name, true);
  out += ": ";
  keep(value, false);
  out += "\r\n";
}

void append_size(std::string& out, std::size_t n) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, n).ptr);
}

constexpr std::string_view security_headers =
    "X-Content-Type-Options: nosniff\r\n"
    "X-Frame-Options: SAMEORIGIN\r\n"
    "X-XSS-Protection: 1; mode=block\r\n"
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
    "Referrer-Policy: strict-origin-when-cross-origin\r\n"
    "Permissions-Policy: geolocation=(), microphone=(), camera=(), payment=()\r\n";
constexpr std::string_view exposed_headers =
    "Access-Control-Expose-Headers: X-Correlation-ID, X-Tenant-ID, X-RateLimit-Limit, X-RateLimit-Remaining, "
    "X-RateLimit-Reset, X-Storage-Used, X-Storage-Quota, Retry-After, Mcp-Session-Id\r\n";
}  // namespace

void response_writer::set_time(std::int64_t unix_seconds) {
  if (unix_seconds == time_) return;
  time_ = unix_seconds;
  const std::time_t t = unix_seconds;
  std::tm tm{};
  gmtime_r(&t, &tm);
  char date[64];
  // The C locale's names are the ones RFC 9110 §5.6.7 asks for; the process never calls setlocale.
  const auto size = std::strftime(date, sizeof date, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
  standard_.assign(date, size).append(security_headers);
}

void response_writer::append_head(std::string& out, const http_response& response, const response_facts& facts) const {
  append_status_line(out, response.status);
  out += standard_;
  if (facts.tls) out += "Strict-Transport-Security: max-age=31536000\r\n";
  out.append("X-Correlation-ID: ").append(facts.correlation_id).append("\r\n");
  const bool bodiless = response.status == 204 || response.status == 304;
  if (!response.content_type.empty() && !bodiless)
    out.append("Content-Type: ").append(response.content_type).append("\r\n");
  if (!bodiless) {
    out += "Content-Length: ";
    append_size(out, facts.body_bytes);
    out += "\r\n";
  }
  if (facts.coding != body_coding::identity)
    out.append("Content-Encoding: ").append(to_string(facts.coding)).append("\r\n");
  if (facts.vary_encoding) out += "Vary: Accept-Encoding\r\n";
  if (!facts.cors_origin.empty()) {
    append_header(out, "Access-Control-Allow-Origin", facts.cors_origin);
    if (facts.cors_origin != "*") out += "Vary: Origin\r\n";
    out += exposed_headers;
  }
  if (response.no_store) out += "Cache-Control: no-store\r\n";
  for (const auto& h : response.headers) append_header(out, h.name, h.value);
  if (!facts.keep_alive)
    out += "Connection: close\r\n";
  else if (facts.http10)
    out += "Connection: keep-alive\r\n";
  out += "\r\n";
}

body_coding choose_answer_coding(const http_request& request, const http_response& response, std::size_t bytes_min,
                                 std::size_t bytes_max, bool& vary) {
  const auto size = response.body.size();
  if (size <= bytes_min || size > bytes_max || !is_compressible(response.content_type)) return body_coding::identity;
  for (const auto& h : response.headers)
    if (equals_ignoring_case(h.name, "Content-Encoding")) return body_coding::identity;
  vary = true;
  const auto accept = request.header("Accept-Encoding");
  return accept ? choose_response_coding(*accept) : body_coding::identity;
}

http_response preflight_response() {
  http_response response;
  response.status = 204;
  response.headers = {
      {"Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE"},
      {"Access-Control-Allow-Headers",
       "Authorization, Content-Type, Content-Encoding, X-API-Key, api-key, X-Correlation-ID, X-Request-Id, "
       "X-Request-Timeout-Ms, X-Waggle-Collection, Mcp-Session-Id, Mcp-Protocol-Version, Last-Event-ID, traceparent"},
      {"Access-Control-Max-Age", "600"},
  };
  return response;
}

bool is_preflight(const http_request& request) {
  return request.method == "OPTIONS" && request.header("Origin") && request.header("Access-Control-Request-Method");
}

}  // namespace waggle
