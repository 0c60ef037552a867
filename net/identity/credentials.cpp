#include "net/identity/credentials.hpp"

#include <algorithm>
#include <vector>

namespace waggle {
namespace {
/// `Bearer <key>`, or the key alone.
std::string_view authorization_key(std::string_view value) {
  const auto space = value.find(' ');
  if (space == value.npos) return value;
  if (!equals_ignoring_case(value.substr(0, space), "bearer")) return {};
  value.remove_prefix(std::min(value.find_first_not_of(' ', space), value.size()));
  return value.find(' ') == value.npos ? value : std::string_view{};
}
}  // namespace

result<std::optional<std::string_view>> find_key(const http_request& request, bool in_query) {
  std::vector<std::string_view> shown;
  for (const auto& [name, value] : request.headers) {
    if (equals_ignoring_case(name, "authorization")) shown.push_back(authorization_key(value));
    if (equals_ignoring_case(name, "x-api-key") || equals_ignoring_case(name, "api-key")) shown.push_back(value);
  }
  if (in_query)
    for (const auto& parameter : request.parameters)
      if (parameter.name == "api_key") shown.push_back(parameter.value);
  if (shown.empty()) return std::optional<std::string_view>();
  for (const auto key : shown) {
    if (key.empty()) return failure(ec::auth_invalid_format);
    if (key != shown.front()) return failure(ec::bad_request, "The request carries two different keys");
  }
  return std::optional(shown.front());
}

}  // namespace waggle
