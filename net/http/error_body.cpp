#include "net/http/error_body.hpp"

#include <algorithm>

#include "base/names.hpp"
#include "base/text_out.hpp"

namespace waggle {
namespace {
bool inside_only(ec code) { return code == ec::corrupt_data || code == ec::io_error || code == ec::not_found; }
}  // namespace

std::string error_type_of(ec code) {
  std::string text(info(code).name);
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

http_response error_response(const failure& why, std::string_view correlation_id, error_style style) {
  const auto code = inside_only(why.code) || why.code == ec::ok ? ec::internal_error : why.code;
  const auto& row = info(code);
  // Echoed input in a message may be any bytes; JSON must stay UTF-8.
  const bool own_text = code == why.code && !why.message.empty() && is_utf8(why.message);
  const std::string_view message = own_text ? std::string_view(why.message) : row.text;
  const bool upper_type = style == error_style::hub || code == ec::quota_exceeded;
  const std::string error_type = upper_type ? std::string(row.name) : error_type_of(code);
  int retry_after = why.retry_after_seconds;
  if (row.http_status == 429) retry_after = std::max(retry_after, 1);

  http_response response;
  response.status = row.http_status;
  json_writer w(response.body);
  w.begin_object().member("error_type", error_type).member("code", row.name);
  w.member("error", style == error_style::auth ? std::string_view(error_type) : message).member("message", message);
  w.member("status_code", row.http_status).member("request_id", correlation_id);
  w.member_raw("details", code == why.code && !why.details.empty() ? std::string_view(why.details) : "{}");
  if (retry_after > 0) w.member("retry_after_seconds", retry_after);
  if (code == why.code && !why.extra_members.empty()) response.body.append(",").append(why.extra_members);
  w.end_object();

  if (retry_after > 0) response.headers.push_back({"Retry-After", std::to_string(retry_after)});
  if (row.http_status == 401) response.headers.push_back({"WWW-Authenticate", "Bearer"});
  if (row.http_status == 415) response.headers.push_back({"Accept-Encoding", "gzip, deflate"});
  return response;
}

}  // namespace waggle
