#pragma once
// The measured JSON writer: appends to a std::string, no model in between. Any thread.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace waggle {

/// Appends `text` as a JSON string with quotes; escapes control characters; `text` is UTF-8.
void append_json_string(std::string& out, std::string_view text);
/// Shortest decimal that reads back as the same float; non-finite values become null.
void append_number(std::string& out, float v);
void append_number(std::string& out, double v);
void append_number(std::string& out, std::uint64_t v);
void append_number(std::string& out, std::int64_t v);
inline void append_number(std::string& out, std::uint32_t v) { append_number(out, std::uint64_t{v}); }
inline void append_number(std::string& out, std::int32_t v) { append_number(out, std::int64_t{v}); }
inline void append_number(std::string& out, unsigned long long v) { append_number(out, static_cast<std::uint64_t>(v)); }
/// "[0.1,2]".
void append_floats(std::string& out, std::span<const float> values);
/// "2026-01-01T00:00:00.000Z" from unix milliseconds.
std::string format_rfc3339(std::int64_t unix_ms);
/// "1.5 MiB".
std::string format_bytes(std::uint64_t bytes);

/// Writes one JSON value into `out` with commas placed for you. Nesting is the caller's: begin/end must match.
/// Example: json_writer w(out); w.begin_object().key("a").value(1u).key("b").value("x").end_object();
class json_writer {
 public:
  explicit json_writer(std::string& out) : out_(out) {}
  json_writer& begin_object() { return open('{'); }
  json_writer& end_object() { return close('}'); }
  json_writer& begin_array() { return open('['); }
  json_writer& end_array() { return close(']'); }
  json_writer& key(std::string_view name);
  json_writer& value(std::string_view text);
  json_writer& value(const char* text) { return value(std::string_view(text)); }
  json_writer& value(const std::string& text) { return value(std::string_view(text)); }
  json_writer& value(bool v) { return raw(v ? "true" : "false"); }
  template <class N>
    requires(std::is_arithmetic_v<N> && !std::is_same_v<N, bool>)
  json_writer& value(N v) {
    comma();
    append_number(out_, v);
    return *this;
  }
  json_writer& value(std::span<const float> v);
  json_writer& value(const std::vector<std::string>& texts) { return value_of_texts(texts); }
  json_writer& value(const std::vector<std::string_view>& texts) { return value_of_texts(texts); }
  json_writer& null() { return raw("null"); }
  /// Appends text that is already JSON.
  json_writer& raw(std::string_view json);
  template <class V>
  json_writer& member(std::string_view name, const V& v) {
    return key(name).value(v);
  }
  json_writer& member_raw(std::string_view name, std::string_view json) { return key(name).raw(json); }

 private:
  void comma() {
    if (need_comma_) out_ += ',';
    need_comma_ = true;
  }
  template <class Texts>
  json_writer& value_of_texts(const Texts& texts) {
    begin_array();
    for (const auto& text : texts) value(std::string_view(text));
    return end_array();
  }
  json_writer& open(char c);
  json_writer& close(char c);
  std::string& out_;
  bool need_comma_ = false;
};

}  // namespace waggle
