#pragma once
// The door to simdjson: parse a body or a stored payload and walk it. No exceptions leave this file.
// A `json_parser` owns the memory of the document it parsed last; values point into it. One thread at a time per parser.
#include <simdjson.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace waggle {

/// A parsed JSON value (a cheap handle into its parser's document).
class json_value {
 public:
  using element = simdjson::dom::element;
  json_value() = default;
  explicit json_value(element e) : element_(e), present_(true) {}

  /// False for "no such member".
  bool present() const { return present_; }
  bool is_null() const { return present_ && element_.is_null(); }
  /// Absent or null.
  bool missing() const { return !present_ || element_.is_null(); }
  bool is_object() const { return present_ && element_.is_object(); }
  bool is_array() const { return present_ && element_.is_array(); }
  bool is_string() const { return present_ && element_.is_string(); }
  bool is_bool() const { return present_ && element_.is_bool(); }
  bool is_number() const { return present_ && element_.is_number(); }
  /// A JSON integer within int64 or uint64.
  bool is_integer() const { return present_ && (element_.is_int64() || element_.is_uint64()); }

  /// Member by exact name; a missing member or a non-object gives a value that is not present().
  json_value operator[](std::string_view name) const;
  /// Valid only when the kind was checked.
  std::string_view as_string() const;
  bool as_bool() const;
  double as_double() const;
  /// False when the value is no integer or does not fit.
  bool get_uint64(std::uint64_t& out) const;
  bool get_int64(std::int64_t& out) const;

  simdjson::dom::object as_object() const;  ///< empty-safe only when is_object()
  simdjson::dom::array as_array() const;    ///< only when is_array()
  std::size_t size() const;                 ///< members or elements; 0 for scalars
  const element& raw() const { return element_; }

  /// Compact JSON text of this value; numbers keep their integer precision.
  std::string to_text() const;
  void append_text(std::string& out) const;

 private:
  element element_{};
  bool present_ = false;
};

class json_parser {
 public:
  /// Parses a copy of `text`. Nesting deeper than limits::json_depth_max or bad JSON: PARSE_ERROR.
  result<json_value> parse(std::string_view text);
  /// Parses in place: at least `padding` readable bytes must follow `text`.
  result<json_value> parse_padded(std::string_view text);
  static constexpr std::size_t padding = simdjson::SIMDJSON_PADDING;

 private:
  simdjson::dom::parser parser_;
};

/// Reads an array of finite numbers that fit float32. `field` names the member in the error.
result<void> read_floats(const json_value& value, std::string_view field, std::vector<float>& out);

}  // namespace waggle
