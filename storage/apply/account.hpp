#pragma once
// Reading a tenant's account. Any thread that may read the disk.
#include <functional>
#include <optional>
#include <vector>

#include "storage/apply/keyspace.hpp"
#include "storage/apply/records.hpp"
#include "storage/apply/write_overlay.hpp"

namespace waggle {

/// None for a tenant that never wrote. What a version without accounts left is counted from its shards' counters.
result<std::optional<tenant_record>> load_account(const write_overlay& store, const tenant_id& owner);
/// The same, as the shared database knows it: opens no tenant's own, and answers for a quarantined tenant too.
result<std::optional<tenant_record>> known_account(const write_overlay& store, const tenant_id& owner);

/// Every known account, by id, those up to `after` left out; `visit` says whether to go on. Seeks from tenant to tenant, so
/// what a tenant holds costs nothing.
using account_visitor = std::function<bool(const tenant_id& owner, const tenant_record& account)>;
result<void> visit_accounts(const kv_store& kv, const std::optional<tenant_id>& after, const account_visitor& visit);

/// By id.
result<std::vector<collection_record>> collections_of(const write_overlay& store, const tenant_keyspace& keys);

/// Of all snapshots of a shard.
result<std::uint64_t> snapshot_bytes(const write_overlay& store, const tenant_keyspace& keys, collection_id c, shard_id s);

/// What the points and snapshots themselves say, one by one: the account must say the same.
struct recounted {
  std::uint64_t collections = 0;
  std::uint64_t points = 0;
  std::uint64_t bytes = 0;
};
result<recounted> recount_points(const write_overlay& store, const tenant_id& owner);

}  // namespace waggle
