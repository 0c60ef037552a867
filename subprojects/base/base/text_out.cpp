#include "base/text_out.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>

#include "base/float_text.hpp"
#include "base/hex.hpp"

namespace waggle {
namespace {
template <class N>
void append_chars(std::string& out, N v) {
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, v).ptr;
  out.append(buffer, end);
}
/// What a JSON text can't hold as it is.
constexpr auto escaped = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0; c < 0x20; ++c) table[c] = true;
  table['"'] = table['\\'] = true;
  return table;
}();

void append_escaped(std::string& out, unsigned char c) {
  switch (c) {
    case '"': out += "\\\""; break;
    case '\\': out += "\\\\"; break;
    case '\n': out += "\\n"; break;
    case '\r': out += "\\r"; break;
    case '\t': out += "\\t"; break;
    default:
      out += "\\u00";
      append_hex(out, {&c, 1});
  }
}
}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t start = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (!escaped[c]) continue;
    out.append(text, start, i - start);
    start = i + 1;
    append_escaped(out, c);
  }
  out.append(text, start, text.size() - start);
  out += '"';
}

void append_number(std::string& out, float v) {
  if (!std::isfinite(v)) return void(out += "null");
  char buffer[float_text_max];
  out.append(buffer, write_float(buffer, v));
}
void append_number(std::string& out, double v) {
  if (!std::isfinite(v))
    out += "null";
  else if (v == 0 && std::signbit(v))
    out += "-0.0";  // "-0" is an integer to many readers, and those lose the sign
  else
    append_chars(out, v);
}
void append_number(std::string& out, std::uint64_t v) { append_chars(out, v); }
void append_number(std::string& out, std::int64_t v) { append_chars(out, v); }

void append_floats(std::string& out, std::span<const float> values) {
  char buffer[64 * float_text_max];
  char* end = buffer;
  *end++ = '[';
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (buffer + sizeof buffer - end < static_cast<std::ptrdiff_t>(float_text_max + 2)) {
      out.append(buffer, end);
      end = buffer;
    }
    if (i > 0) *end++ = ',';
    end = std::isfinite(values[i]) ? write_float(end, values[i]) : std::copy_n("null", 4, end);
  }
  *end++ = ']';
  out.append(buffer, end);
}

std::string format_rfc3339(std::int64_t unix_ms) {
  std::int64_t seconds = unix_ms / 1000, ms = unix_ms % 1000;
  if (ms < 0) ms += 1000, --seconds;
  const std::time_t t = seconds;
  std::tm tm{};
  gmtime_r(&t, &tm);
  char date[32], text[48];
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
  std::snprintf(text, sizeof text, "%s.%03dZ", date, static_cast<int>(ms));
  return text;
}

std::string format_bytes(std::uint64_t bytes) {
  static constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  double v = static_cast<double>(bytes);
  int u = 0;
  for (; v >= 1024 && u < 5; ++u) v /= 1024;
  char text[32];
  std::snprintf(text, sizeof text, u == 0 ? "%.0f %s" : "%.1f %s", v, units[u]);
  return text;
}

json_writer& json_writer::key(std::string_view name) {
  comma();
  append_json_string(out_, name);
  out_ += ':';
  need_comma_ = false;
  return *this;
}
json_writer& json_writer::value(std::string_view text) {
  comma();
  append_json_string(out_, text);
  return *this;
}
json_writer& json_writer::value(std::span<const float> v) {
  comma();
  append_floats(out_, v);
  return *this;
}
json_writer& json_writer::raw(std::string_view json) {
  comma();
  out_.append(json);
  return *this;
}
json_writer& json_writer::open(char c) {
  comma();
  out_ += c;
  need_comma_ = false;
  return *this;
}
json_writer& json_writer::close(char c) {
  out_ += c;
  need_comma_ = true;
  return *this;
}

}  // namespace waggle
