// How one log line looks. Pure; the queue and the sink are in log.cpp.
#include <array>

#include "base/clock.hpp"
#include "base/names.hpp"
#include "base/text_out.hpp"
#include "base/log.hpp"

namespace waggle {
namespace {
constexpr std::array<std::string_view, 6> level_names{"trace", "debug", "info", "warn", "error", "off"};
constexpr std::array<std::string_view, 6> level_labels{"TRACE", "DEBUG", "INFO ", "WARN ", "ERROR", "OFF  "};
constexpr std::array<std::string_view, 8> secret_names{"api_key",       "password",   "secret",      "token",
                                                       "authorization", "jwt_secret", "service_key", "private_key"};
constexpr std::size_t value_bytes_max = 4096;

bool is_secret(std::string_view name) {
  for (const auto& s : secret_names)
    if (name == s) return true;
  return false;
}

/// A JSON string even when `text` is not UTF-8: such bytes become U+FFFD.
void append_quoted(std::string& out, std::string_view text) {
  const bool cut = text.size() > value_bytes_max;
  text = text.substr(0, value_bytes_max);
  const bool clean = is_utf8(text) && text.find('\x7f') == std::string_view::npos;
  std::string safe;
  if (!clean || cut) {
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte < 0x7f)
        safe += c;
      else
        safe += "\xEF\xBF\xBD";
    }
    if (cut) safe += "...";
    text = safe;
  }
  append_json_string(out, text);
}

bool is_bare(std::string_view text) {
  if (text.empty() || text.size() > value_bytes_max) return false;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                       c == '_' || c == '.' || c == ':' || c == '/' || c == '+' || c == '@';
    if (!plain) return false;
  }
  return true;
}
}  // namespace

bool parse_log_level(std::string_view text, log_level& out) {
  for (std::size_t i = 0; i < level_names.size(); ++i)
    if (text == level_names[i]) {
      out = static_cast<log_level>(i);
      return true;
    }
  return false;
}

std::string_view to_string(log_level level) { return level_names[static_cast<std::size_t>(level)]; }

void log_field::append_value(std::string& out, bool json) const {
  if (is_secret(name_)) {
    out += json ? "\"***\"" : "***";
    return;
  }
  switch (kind_) {
    case kind::text:
      if (!json && is_bare(text_))
        out += text_;
      else
        append_quoted(out, text_);
      break;
    case kind::integer: append_number(out, integer_); break;
    case kind::natural: append_number(out, unsigned_); break;
    case kind::real: append_number(out, real_); break;
    case kind::boolean: out += unsigned_ ? "true" : "false"; break;
  }
}

std::string format_log_line(log_format format, std::int64_t unix_ms, log_level level, std::string_view component,
                            std::string_view message, std::initializer_list<log_field> fields) {
  std::string line;
  line.reserve(160);
  if (format == log_format::json) {
    line.append("{\"ts\":\"").append(format_rfc3339(unix_ms)).append("\",\"level\":\"").append(to_string(level));
    line += "\",\"component\":";
    append_quoted(line, component);
    line += ",\"message\":";
    append_quoted(line, message);
    for (const auto& field : fields) {
      line += ',';
      append_quoted(line, field.name());
      line += ':';
      field.append_value(line, true);
    }
    line += '}';
    return line;
  }
  line.append(format_rfc3339(unix_ms)).append(" ").append(level_labels[static_cast<std::size_t>(level)]);
  line.append(" ").append(component).append(" ");
  // The message is ours, but a fault's text may come from a library: keep it on one line.
  for (const char c : message) line += static_cast<unsigned char>(c) < 0x20 || c == '\x7f' ? ' ' : c;
  for (const auto& field : fields) {
    line.append(" ").append(field.name()).append("=");
    field.append_value(line, false);
  }
  return line;
}

}  // namespace waggle
