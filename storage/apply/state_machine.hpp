#pragma once
// The replicated state machine of one group: committed log entries in, one key-value batch and the outcomes out.
//
//   committed entries ──▶ apply ──▶ points, change index, counters, catalog, dedup window, applied index: ONE batch
//                            ├────▶ outcomes (one per entry, for whoever waits)
//                            └────▶ deltas (what live shards and catalogs have to do in memory)
//
// Where tenants have databases of their own (apply_apart.cpp) it is one batch for each: a tenant's with its own applied
// index, then the shared one with mirrors of the accounts and the totals. A crash may keep any of them, so the log is
// applied again from where all were known to be durable, and each tenant skips what its database has.
//
// Deterministic: no clock, no randomness, only the entries and the store. Idempotent by index: an entry at or below
// `applied()` changes nothing. Owned by the replication group; one call at a time, on any thread (it reads the disk).
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/error.hpp"
#include "storage/apply/keyspace.hpp"
#include "storage/apply/records.hpp"
#include "storage/apply/write_overlay.hpp"
#include "storage/kv/kv_store.hpp"

namespace waggle {

struct committed_entry {
  log_index index;
  std::string bytes;  ///< encode_entry's
};

/// What one shard does in memory after a batch: insert the rows (seq ascending), then mark the tombstones.
struct shard_delta {
  struct tombstone {
    seq_no victim;
    seq_no at;
  };
  shard_key key;
  std::vector<row> rows;
  std::vector<tombstone> tombstones;
  shard_counters counters;
};

struct catalog_change {
  collection_record record;
  bool dropped = false;
};

struct account_change {
  tenant_id owner;
  tenant_record account;
};

/// A record of the node itself was written, or erased.
struct record_change {
  std::string space;
  std::string key;
  std::optional<std::string> value;  ///< none: erased
  std::uint64_t version = 0;         ///< log index of the change
};

struct applied_batch {
  std::vector<write_outcome> outcomes;  ///< one per entry, in order
  std::vector<shard_delta> shards;
  std::vector<catalog_change> catalog;
  std::vector<account_change> accounts;  ///< of the tenants that an entry was about
  std::vector<record_change> records;
};

/// Of all tenants of the group, exact; kept in the batch of the write that changes them.
struct group_totals {
  std::uint64_t collections = 0;
  std::uint64_t points = 0;
};

class state_machine {
 public:
  static result<std::unique_ptr<state_machine>> open(kv_store& kv, group_id group);

  /// All entries up to here are done, and durable in every database when the machine has just been opened.
  log_index applied() const { return applied_; }
  const group_totals& totals() const { return totals_; }
  /// Applies in order and writes one batch (unsynced: the log is the durable copy). On failure nothing was written and
  /// the same entries may be applied again.
  result<applied_batch> apply(const std::vector<committed_entry>& entries);
  /// Makes durable what tenants' databases hold of the entries up to `upto`, which have been applied: say it before they
  /// leave the log, and at the end of an orderly stop. Nothing to do where all share one database.
  static result<void> make_durable(kv_store& kv, group_id group, log_index upto);

 private:
  state_machine(kv_store& kv, group_id group) : kv_(kv), group_(group) {}
  struct transaction;
  class runner;
  result<write_outcome> apply_one(transaction& tx, log_index index, const log_entry& entry);
  result<void> remember(transaction& tx, const log_entry& entry, const write_outcome& outcome);
  // apply_apart.cpp
  /// An entry that its owner's database may have already, or can't take.
  result<write_outcome> apply_apart(transaction& tx, log_index index, const log_entry& entry);
  result<bool> may_count(transaction& tx, const tenant_id& tenant);
  result<void> write_apart(transaction& tx, const std::vector<tenant_id>& owners, log_index last, applied_batch& done);
  void forget_lost(const std::vector<tenant_id>& lost, const std::vector<tenant_id>& owners, applied_batch& done);
  result<std::shared_ptr<const collection_record>> find_collection(transaction& tx, const tenant_id& owner,
                                                                   collection_id id);

  kv_store& kv_;
  group_id group_;
  log_index applied_;
  log_index shared_applied_;  ///< what the shared database holds: ahead of `applied_` while the log is applied again
  group_totals totals_;
  std::unordered_map<std::string, std::shared_ptr<const collection_record>> collections_;  ///< cache by record key
};

}  // namespace waggle
