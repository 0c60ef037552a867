#include "storage/payload/predicate.hpp"

#include <algorithm>

namespace waggle {

std::optional<json_integer> json_integer::read(const json_value& value) {
  if (!value.is_integer()) return {};
  if (std::int64_t v = 0; value.get_int64(v)) return json_integer{v < 0, static_cast<std::uint64_t>(v)};
  std::uint64_t v = 0;
  value.get_uint64(v);
  return json_integer{false, v};
}

bool value_set::insert(const json_value& value) {
  if (value.is_string())
    strings_.emplace_back(value.as_string());
  else if (const auto integer = json_integer::read(value))
    integers_.push_back(*integer);
  else if (value.is_bool())
    has_[value.as_bool()] = true;
  else
    return false;
  return true;
}

void value_set::seal() {
  std::sort(strings_.begin(), strings_.end());
  std::sort(integers_.begin(), integers_.end());
}

bool value_set::contains(const json_value& value) const {
  if (value.is_string()) return std::binary_search(strings_.begin(), strings_.end(), value.as_string(), std::less<>{});
  if (const auto integer = json_integer::read(value))
    return std::binary_search(integers_.begin(), integers_.end(), *integer);
  return value.is_bool() && has_[value.as_bool()];
}

bool has_words::holds(const json_value& value) const {
  if (!value.is_string() || words.empty()) return false;
  const auto found = tokens(value.as_string());
  if (how == mode::phrase) return std::search(found.begin(), found.end(), words.begin(), words.end()) != found.end();
  std::vector<bool> seen(words.size());
  std::size_t missing = how == mode::any ? 1 : words.size();
  for (const auto& token : found) {
    const auto at = std::lower_bound(words.begin(), words.end(), token);
    if (at == words.end() || *at != token || seen[at - words.begin()]) continue;
    seen[at - words.begin()] = true;
    if (--missing == 0) return true;
  }
  return false;
}

bool has_text::holds(const json_value& value) const {
  if (!value.is_string()) return false;
  const auto stored = value.as_string();
  switch (how) {
    case mode::exact: return stored == text;
    case mode::prefix: return stored.starts_with(text);
    case mode::suffix: return stored.ends_with(text);
    case mode::contains: return stored.find(text) != stored.npos;
  }
  return false;
}

long double exact_number(const json_value& value) {
  if (std::int64_t v = 0; value.is_integer() && value.get_int64(v)) return static_cast<long double>(v);
  if (std::uint64_t v = 0; value.is_integer() && value.get_uint64(v)) return static_cast<long double>(v);
  return value.as_double();
}

bool in_number_range::holds(const json_value& value) const {
  return value.is_number() && range.hold(exact_number(value));
}

bool in_time_range::holds(const json_value& value) const {
  if (!value.is_string()) return false;
  const auto at = parse_instant(value.as_string());
  return at && range.hold(*at);
}

}  // namespace waggle
