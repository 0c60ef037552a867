#pragma once
// Reading a tenant's account. Any thread that may read the disk.
#include <functional>

#include "storage/apply/keyspace.hpp"
#include "storage/apply/records.hpp"
#include "storage/apply/write_overlay.hpp"

namespace waggle {

/// None for a tenant that never wrote. What a version without accounts left is counted from its shards' counters.
result<std::optional<tenant_record>> load_account(const write_overlay& store, const tenant_id& owner);

/// Every tenant that has an account, in the order of their ids; false from `visit` ends it. One seek per tenant.
result<void> for_each_account(const kv_store& store, const std::function<bool(const tenant_id&, const tenant_record&)>& visit);

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
