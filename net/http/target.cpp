#include "net/http/target.hpp"

#include <algorithm>
#include <charconv>

#include "base/limits.hpp"
#include "base/names.hpp"
#include "base/uuid.hpp"

namespace waggle {
namespace {
int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

failure bad_target(std::string_view why) { return failure(ec::bad_request, std::string(why)); }

/// Cuts "scheme://authority" off an absolute form. RFC 9112 §3.2.2: servers must accept it.
result<void> strip_absolute_form(std::string_view& path, std::string_view& authority) {
  const auto scheme = path.find("://");
  const auto name = path.substr(0, scheme == std::string_view::npos ? 0 : scheme);
  if (!equals_ignoring_case(name, "http") && !equals_ignoring_case(name, "https"))
    return bad_target("The request target must begin with '/'");
  path.remove_prefix(scheme + 3);
  const auto end = std::min(path.find_first_of("/?"), path.size());
  authority = path.substr(0, end);
  path.remove_prefix(end);
  if (authority.empty()) return bad_target("The request target has no host");
  return {};
}

/// "/api/v1/x" → "/v1/x" for "/api". Only whole segments count.
void strip_prefix(std::string_view& path, std::string_view prefix) {
  if (path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/'))
    path.remove_prefix(prefix.size());
}

/// Reuses the strings that an earlier request left in `out`.
result<void> read_segments(std::string_view path, std::vector<std::string>& out) {
  strip_prefix(path, "/api");
  strip_prefix(path, "/v1");
  if (path.starts_with('/')) path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  std::size_t count = 0;
  while (!path.empty()) {
    const auto end = std::min(path.find('/'), path.size());
    if (count == out.size()) out.emplace_back();
    if (!percent_decode(path.substr(0, end), false, out[count++])) return bad_target("The path is not well encoded");
    // "a//b" holds an empty segment, and so does a second trailing slash.
    if (end + 1 == path.size()) {
      if (count == out.size()) out.emplace_back();
      out[count++].clear();
    }
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  out.resize(count);
  return {};
}

result<void> read_parameters(std::string_view query, std::vector<http_parameter>& out) {
  std::size_t count = 0;
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto item = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (item.empty()) continue;
    const auto equals = std::min(item.find('='), item.size());
    if (count == out.size()) out.emplace_back();
    auto& parameter = out[count++];
    if (!percent_decode(item.substr(0, equals), true, parameter.name) ||
        !percent_decode(item.substr(std::min(equals + 1, item.size())), true, parameter.value))
      return bad_target("The query is not well encoded");
  }
  out.resize(count);
  return {};
}
}  // namespace

bool is_header_id(std::string_view text, std::size_t bytes_max) {
  if (text.empty() || text.size() > bytes_max) return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i] != b[i] && ascii_lower(a[i]) != ascii_lower(b[i])) return false;
  return true;
}

std::optional<std::string_view> http_request::header(std::string_view name) const {
  for (const auto& h : headers)
    if (equals_ignoring_case(h.name, name)) return h.value;
  return std::nullopt;
}

std::optional<std::string_view> http_request::parameter(std::string_view name) const {
  for (const auto& p : parameters)
    if (p.name == name) return p.value;
  return std::nullopt;
}

bool percent_decode(std::string_view text, bool plus_is_space, std::string& out) {
  out.clear();
  bool ascii = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return false;
      const int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return false;
      c = static_cast<char>(high << 4 | low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if (c == '\0') return false;
    ascii = ascii && static_cast<unsigned char>(c) < 0x80;
    out += c;
  }
  return ascii || is_utf8(out);
}

result<void> read_target(http_request& request, std::string_view& authority) {
  std::string_view path = request.target;
  authority = {};
  if (path == "*") {
    request.raw_path = "*";
    request.raw_query.clear();
    request.parameters.clear();
    request.segments.assign(1, "*");
    return {};
  }
  if (!path.starts_with('/')) {
    if (auto cut = strip_absolute_form(path, authority); !cut) return cut;
  }
  const auto question = std::min(path.find('?'), path.size());
  const auto query = path.substr(std::min(question + 1, path.size()));
  path = path.substr(0, question);
  if (path.find('#') != std::string_view::npos || query.find('#') != std::string_view::npos)
    return bad_target("The request target has a fragment");
  request.raw_path.assign(path.empty() ? std::string_view("/") : path);
  request.raw_query.assign(query);
  if (auto read = read_segments(path, request.segments); !read) return read;
  return read_parameters(query, request.parameters);
}

void choose_correlation_id(http_request& request) {
  for (const std::string_view name : {"X-Correlation-ID", "X-Request-Id"}) {
    const auto given = request.header(name);
    if (!given || !is_header_id(*given, limits::correlation_id_bytes_max)) continue;
    request.correlation_id.assign(*given);
    return;
  }
  request.correlation_id = new_uuid_v7();
}

result<void> set_deadline(http_request& request, std::int64_t now_us, int timeout_ms) {
  request.arrived_steady_us = now_us;
  request.deadline_steady_us = now_us + std::int64_t{timeout_ms} * 1000;
  const auto given = request.header("X-Request-Timeout-Ms");
  if (!given) return {};
  std::int64_t ms = 0;
  const auto [end, error] = std::from_chars(given->data(), given->data() + given->size(), ms);
  const bool whole = end == given->data() + given->size();
  if (error == std::errc::result_out_of_range && whole && !given->starts_with('-')) return {};  // higher than any limit
  if (error != std::errc() || !whole || ms < 1)
    return failure::validation("X-Request-Timeout-Ms", "must be a whole number of milliseconds, at least 1");
  if (ms < timeout_ms) request.deadline_steady_us = now_us + ms * 1000;
  return {};
}

}  // namespace waggle
