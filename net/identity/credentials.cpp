#include "net/identity/credentials.hpp"

#include <algorithm>

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

result<std::optional<std::string_view>> find_key(const http_request& request) {
  std::optional<std::string_view> found;
  for (const auto& [name, value] : request.headers) {
    std::string_view key;
    if (equals_ignoring_case(name, "authorization"))
      key = authorization_key(value);
    else if (equals_ignoring_case(name, "x-api-key") || equals_ignoring_case(name, "api-key"))
      key = value;
    else
      continue;
    if (key.empty()) return failure(ec::auth_invalid_format);
    if (found && *found != key) return failure(ec::bad_request, "The request carries two different keys");
    found = key;
  }
  return found;
}

}  // namespace waggle
