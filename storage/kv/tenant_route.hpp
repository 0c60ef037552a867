#pragma once
// Which database a key belongs to when tenants have databases of their own, and the keys by which the shared one knows of
// them. Keys of tenants begin with the owner (storage/apply/keyspace); sixteen 0xff bytes and the nil tenant are the
// node's. Pure; any thread.
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/ids.hpp"
#include "storage/kv/kv_batch.hpp"

namespace waggle::tenant_route {

/// Whose database holds the key; none: the shared one.
std::optional<tenant_id> owner_of(kv_family family, std::string_view key);

// In the shared database, family `meta`:
/// A copy of the tenant's account. Where it is, the tenant's database must be too, unless it was dropped.
std::string mirror_key(const tenant_id& owner);
/// The database is rightly not there; what lies in its directory is a leftover. The value says up to which log index
/// (8 bytes, big-endian) the tenant's entries have been applied.
std::string dropped_key(const tenant_id& owner);
/// First key, and first key after, of all mirrors, or of all dropped.
std::pair<std::string, std::string> mirrors();
std::pair<std::string, std::string> dropped();
/// Of a mirror's or dropped one's key.
tenant_id owner_in(std::string_view key);

}  // namespace waggle::tenant_route
