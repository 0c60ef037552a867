#pragma once
// The state of one `apply` call: the overlay, the shards and tenants touched so far, the catalog changes; and how it was before
// the entry that runs, which may be refused when most of it is done. Private to storage/apply.
#include <map>

#include "storage/apply/shard_writer.hpp"
#include "storage/apply/state_machine.hpp"

namespace waggle {

struct state_machine::transaction {
  explicit transaction(const kv_store& kv) : overlay(kv) {}

  /// The writer of a shard; its counters are loaded on first use.
  result<shard_writer*> shard(const std::shared_ptr<const collection_record>& collection, shard_id id);
  /// What a shard holds, the batch included.
  result<shard_counters> counters(const collection_record& collection, shard_id id) const;
  /// A tenant's account; of one never seen: an empty one.
  result<tenant_record*> tenant(const tenant_id& owner);

  /// Where a tenant stands whose database may be ahead of the shared one, or behind it.
  struct tenant_place {
    log_index applied;     ///< its entries up to here are done
    group_totals counted;  ///< what the group's totals hold of it
    bool written = false;  ///< an entry of this batch changed it
  };
  result<tenant_place*> place(const tenant_id& owner);

  void begin_entry();
  void roll_back_entry();

  write_overlay overlay;
  std::map<shard_key, shard_writer> shards;
  std::map<tenant_id, tenant_record> tenants;
  std::vector<catalog_change> catalog;
  std::vector<record_change> records;
  std::map<tenant_id, tenant_place> tenant_places;
  log_index index;  ///< of the entry that runs
  log_index shared_applied;  ///< what the shared database holds
  group_totals totals;

 private:
  std::map<shard_key, shard_writer::place> places_;  ///< of the shards that the entry touched
  std::map<tenant_id, tenant_record> accounts_;      ///< as they were, of those
  std::size_t catalog_before_ = 0;
  std::size_t records_before_ = 0;
  group_totals totals_before_;
};

}  // namespace waggle
