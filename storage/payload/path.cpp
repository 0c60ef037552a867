#include "storage/payload/path.hpp"

#include <charconv>

namespace waggle {
namespace {

/// Reads one segment from the front of `rest`; false when there is none.
bool take_segment(std::string_view& rest, std::string& name) {
  name.clear();
  if (rest.empty()) return false;
  if (rest.front() != '"') {
    const auto end = std::min(rest.find_first_of(".[]\""), rest.size());
    name = rest.substr(0, end);
    rest.remove_prefix(end);
    return !name.empty();
  }
  rest.remove_prefix(1);
  while (!rest.empty() && rest.front() != '"') {
    if (rest.front() == '\\') {
      rest.remove_prefix(1);
      if (rest.empty() || (rest.front() != '"' && rest.front() != '\\')) return false;
    }
    name += rest.front();
    rest.remove_prefix(1);
  }
  if (rest.empty()) return false;
  rest.remove_prefix(1);
  return true;
}

}  // namespace

result<payload_path> payload_path::parse(std::string_view key, std::string_view field) {
  const auto refuse = [&] {
    return failure::validation(field, "is not a payload key: write a, a.b, a[].b, a[0] or \"a.b\"");
  };
  payload_path path;
  std::string name;
  if (!take_segment(key, name)) return refuse();
  path.steps_.push_back({step_kind::member, name, 0});
  while (!key.empty()) {
    if (key.front() == '.') {
      key.remove_prefix(1);
      if (!take_segment(key, name)) return refuse();
      path.steps_.push_back({step_kind::member, name, 0});
      continue;
    }
    const auto close = key.find(']');
    if (key.front() != '[' || close == key.npos) return refuse();
    const auto digits = key.substr(1, close - 1);
    key.remove_prefix(close + 1);
    step next{step_kind::every_element, {}, 0};
    if (!digits.empty()) {
      next.kind = step_kind::element;
      const auto* end = digits.data() + digits.size();
      const auto [at, error] = std::from_chars(digits.data(), end, next.index);
      if (error != std::errc{} || at != end) return refuse();
    }
    path.steps_.push_back(std::move(next));
  }
  return path;
}

payload_path payload_path::every_element() const {
  auto path = *this;
  if (path.steps_.back().kind != step_kind::every_element) path.steps_.push_back({step_kind::every_element, {}, 0});
  return path;
}

}  // namespace waggle
