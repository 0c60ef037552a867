#include "net/bridge/request_scope.hpp"

#include <algorithm>

#include "base/checksum.hpp"
#include "base/clock.hpp"

namespace waggle {

int request_scope::deadline_ms() const {
  const auto left = (http_.deadline_steady_us - system_clock().steady_us()) / 1000;
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1 << 30));
}

namespace {
struct canonical_name {
  tenant_id owner;
  std::string_view bare;
};
std::optional<canonical_name> read_canonical_name(std::string_view name) {
  constexpr std::string_view user = "user_";
  if (name.starts_with(user)) name.remove_prefix(user.size());
  const auto colon = name.find(':');
  canonical_name read;
  if (colon == name.npos || !parse_uuid(name.substr(0, colon), read.owner.bytes)) return std::nullopt;
  read.bare = name.substr(colon + 1);
  return read;
}
}  // namespace

bool is_canonical_name(std::string_view name) { return read_canonical_name(name).has_value(); }

std::string request_scope::bare_name(std::string_view name) const {
  const auto canonical = read_canonical_name(name);
  const bool own = canonical && !who_.standalone() && canonical->owner == who_.tenant();
  return std::string(own ? canonical->bare : name);
}

result<void> request_scope::may_use(const std::string& bare_name) const {
  if (!access_.scopes) return {};
  for (const auto& scope : *access_.scopes)
    if (scope.collection == bare_name)
      return check_rights(scope.may, access_.permission_class, access_.function, access_.read_write_manages_collections);
  return failure(ec::collection_not_found, "Collection '" + bare_name + "' not found");
}

std::string_view request_scope::request_key() const { return http_.header("x-waggle-request-id").value_or(""); }

std::uint64_t request_scope::fingerprint() const {
  std::string text(http_.method);
  text += ' ';
  for (const auto& segment : http_.segments) text.append(segment).push_back('/');
  text += http_.body;
  return content_hash(text);
}

}  // namespace waggle
