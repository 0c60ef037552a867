#pragma once
// The state of one `apply` call: the overlay, the shards touched so far, the catalog changes. Private to storage/apply.
#include <map>

#include "storage/apply/shard_writer.hpp"
#include "storage/apply/state_machine.hpp"

namespace waggle {

struct state_machine::transaction {
  explicit transaction(const kv_store& kv) : overlay(kv) {}

  /// The writer of a shard; its counters are loaded on first use.
  result<shard_writer*> shard(const std::shared_ptr<const collection_record>& collection, shard_id id) {
    const shard_key key{collection->owner, collection->id, id};
    if (const auto it = shards.find(key); it != shards.end()) return &it->second;
    auto [it, fresh] = shards.emplace(key, shard_writer(overlay, collection, id));
    if (auto loaded = it->second.load(); !loaded) return loaded.error();
    return &it->second;
  }

  write_overlay overlay;
  std::map<shard_key, shard_writer> shards;
  std::vector<catalog_change> catalog;
  std::vector<record_change> records;
  log_index index;  ///< of the entry that runs
  group_totals totals;
};

}  // namespace waggle
