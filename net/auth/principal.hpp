#pragma once
// Who asks (contract auth.md §4). Immutable once an authenticator has made it; shared by the requests of one key. Any thread.
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.hpp"
#include "net/auth/ip_rules.hpp"
#include "net/auth/permissions.hpp"
#include "net/auth/rate_windows.hpp"

namespace waggle {

enum class principal_kind : std::uint8_t { local, hub_key, service, local_key, jwt };
inline std::string_view to_string(principal_kind kind) {
  constexpr std::array<std::string_view, 5> names{"local", "hub_key", "service", "local_key", "jwt"};
  return names[static_cast<std::size_t>(kind)];
}

/// A key that is limited to some collections, and what it may do in this one; others are not there for it.
struct collection_scope {
  std::string collection;
  rights may;
};

struct principal {
  principal_kind kind = principal_kind::local;
  rights may;
  std::optional<tenant_id> tenant;  ///< none: operator scope, acting for nobody
  bool on_behalf = false;           ///< `tenant` is not its own: it acts for it
  std::string tenant_name;
  std::string key_id;
  std::string key_prefix;
  rate_limits rate_limits_of_key;  ///< below the tenant's, where set
  std::shared_ptr<rate_gate> own_rate;  ///< counts this key's requests only; none: not limited
  std::optional<std::vector<collection_scope>> scopes;
  std::string user_id, username;  ///< of a local user, or of whoever made a local key
  std::string token_id;           ///< of a JWT
  std::int64_t token_expires = 0;
  std::shared_ptr<const tenant_ip_lists> ip_lists;  ///< of the tenant, by HiveHub's word; none: it said nothing
  bool is_test = false;
  bool suspended = false;
  std::string expires_at;  ///< "2026-01-01T00:00:00", UTC; "" = never
  /// The key is being rotated out; RFC 3339, "" when unknown.
  bool deprecated = false;
  std::string deprecated_until;
};
using principal_ptr = std::shared_ptr<const principal>;

/// What logs and records may show of a key.
inline std::string_view prefix_of_key(std::string_view key) { return key.substr(0, 8); }

}  // namespace waggle
