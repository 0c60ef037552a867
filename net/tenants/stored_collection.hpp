#pragma once
// Collections of any owner, read straight from the store: nobody is woken, nothing is made. For the node's own work only; what
// a client asks for goes through its tenant's actor. Blocking: call from a pool.
#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "storage/apply/records.hpp"
#include "storage/kv/kv_store.hpp"

namespace waggle {

struct stored_collection {
  collection_record record;
  std::uint64_t points = 0;
  std::uint64_t bytes = 0;  ///< logical
  std::uint64_t snapshots = 0;
};
/// By name.
result<std::vector<stored_collection>> stored_collections(const kv_store& kv, const tenant_id& owner);
/// COLLECTION_NOT_FOUND.
result<stored_collection> measure_stored(const kv_store& kv, const tenant_id& owner, collection_id id);
result<std::optional<collection_record>> find_stored(const kv_store& kv, const tenant_id& owner, collection_id id);
result<std::optional<collection_record>> find_stored(const kv_store& kv, const tenant_id& owner, std::string_view name);

/// The next points of a shard behind the id `after`, by id: at most a page's bytes, but one at least. None: that was all.
result<std::vector<point>> next_points(const kv_store& kv, const collection_record& of, shard_id shard,
                                       const std::optional<std::string>& after);
/// The largest id.
result<std::optional<std::string>> last_id(const kv_store& kv, const collection_record& of, shard_id shard);

struct point_digest {
  std::uint64_t points = 0;
  std::string sha256;  ///< of id, vector, payload and sparse part of each, by shard and id; "" of none
  bool operator==(const point_digest&) const = default;
};
/// ec::shutting_down once `stop` says so.
result<point_digest> digest_of(const kv_store& kv, const collection_record& of, const std::atomic<bool>& stop);

}  // namespace waggle
