#include "base/json.hpp"

#include <cmath>
#include <limits>

#include "base/limits.hpp"
#include "base/text_out.hpp"

namespace waggle {
namespace {
using simdjson::dom::element_type;

/// A double stays one: without fraction or exponent it would read back as an integer, or, beyond 64 bits, not at all.
void append_double(std::string& out, double v) {
  const auto start = out.size();
  append_number(out, v);
  if (out.find_first_of(".e", start) == out.npos) out += ".0";
}

void append_element(std::string& out, const simdjson::dom::element& e) {
  switch (e.type()) {
    case element_type::OBJECT: {
      out += '{';
      bool first = true;
      for (const auto member : simdjson::dom::object(e)) {
        if (!first) out += ',';
        first = false;
        append_json_string(out, member.key);
        out += ':';
        append_element(out, member.value);
      }
      out += '}';
      break;
    }
    case element_type::ARRAY: {
      out += '[';
      bool first = true;
      for (const auto item : simdjson::dom::array(e)) {
        if (!first) out += ',';
        first = false;
        append_element(out, item);
      }
      out += ']';
      break;
    }
    case element_type::STRING: append_json_string(out, std::string_view(e)); break;
    case element_type::INT64: append_number(out, std::int64_t(e)); break;
    case element_type::UINT64: append_number(out, std::uint64_t(e)); break;
    case element_type::DOUBLE: append_double(out, double(e)); break;
    case element_type::BOOL: out += bool(e) ? "true" : "false"; break;
    case element_type::NULL_VALUE: out += "null"; break;
  }
}
/// simdjson refuses a value at its maximum depth itself (an empty array or object it does not count).
constexpr std::size_t parser_depth = limits::json_depth_max + 1;

failure parse_failure(simdjson::error_code code) {
  if (code == simdjson::DEPTH_ERROR) return failure(ec::parse_error, "The body is nested deeper than 64 levels");
  std::string text = "The body is not valid JSON: ";
  text += simdjson::error_message(code);
  return failure(ec::parse_error, std::move(text));
}
}  // namespace

json_value json_value::operator[](std::string_view name) const {
  if (!is_object()) return {};
  simdjson::dom::element found;
  if (element_.get_object().value_unsafe().at_key(name).get(found)) return {};
  return json_value(found);
}
std::string_view json_value::as_string() const {
  std::string_view text;
  if (element_.get_string().get(text)) return {};
  return text;
}
bool json_value::as_bool() const {
  bool v = false;
  if (element_.get_bool().get(v)) return false;
  return v;
}
double json_value::as_double() const {
  double v = 0;
  if (element_.get_double().get(v)) return 0;
  return v;
}
bool json_value::get_uint64(std::uint64_t& out) const { return present_ && !element_.get_uint64().get(out); }
bool json_value::get_int64(std::int64_t& out) const { return present_ && !element_.get_int64().get(out); }
simdjson::dom::object json_value::as_object() const { return element_.get_object().value_unsafe(); }
simdjson::dom::array json_value::as_array() const { return element_.get_array().value_unsafe(); }
std::size_t json_value::size() const {
  if (is_array()) {
    std::size_t n = 0;
    for ([[maybe_unused]] const auto item : as_array()) ++n;
    return n;
  }
  if (is_object()) {
    std::size_t n = 0;
    for ([[maybe_unused]] const auto member : as_object()) ++n;
    return n;
  }
  return 0;
}
std::string json_value::to_text() const {
  std::string out;
  append_text(out);
  return out;
}
void json_value::append_text(std::string& out) const {
  if (present_)
    append_element(out, element_);
  else
    out += "null";
}

namespace {
/// simdjson does not count an empty container at the last level: only then is the depth counted by hand.
bool empty_container_too_deep(std::string_view text) {
  if (text.find("[]") == text.npos && text.find("{}") == text.npos) return false;
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > limits::json_depth_max) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}
}  // namespace

result<json_value> json_parser::parse(std::string_view text) {
  if (parser_.max_depth() != parser_depth)
    if (const auto error = parser_.allocate(text.size() + 1, parser_depth)) return parse_failure(error);
  simdjson::dom::element root;
  if (const auto error = parser_.parse(text.data(), text.size(), true).get(root)) return parse_failure(error);
  if (empty_container_too_deep(text)) return parse_failure(simdjson::DEPTH_ERROR);
  return json_value(root);
}

result<json_value> json_parser::parse_padded(std::string_view text) {
  if (parser_.max_depth() != parser_depth)
    if (const auto error = parser_.allocate(text.size() + 1, parser_depth)) return parse_failure(error);
  simdjson::dom::element root;
  if (const auto error = parser_.parse(text.data(), text.size(), false).get(root)) return parse_failure(error);
  return json_value(root);
}

result<void> read_floats(const json_value& value, std::string_view field, std::vector<float>& out) {
  out.clear();
  if (!value.is_array()) return failure::validation(field, "must be an array of numbers");
  const auto array = value.as_array();
  out.reserve(array.size());
  for (const auto item : array) {
    double v;
    if (item.get_double().get(v)) return failure::validation(field, "must hold numbers only");
    const auto f = static_cast<float>(v);
    if (!std::isfinite(f)) return failure::validation(field, "holds a number that does not fit a 32-bit float");
    out.push_back(f);
  }
  return {};
}

}  // namespace waggle
