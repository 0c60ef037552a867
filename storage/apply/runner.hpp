#pragma once
// Runs the operations of one log entry inside an apply batch, one overload per operation. A refused item or entry is part
// of the outcome; only the store's failures are errors. Private to storage/apply.
#include "storage/apply/transaction.hpp"

namespace waggle {

class state_machine::runner {
 public:
  runner(state_machine& machine, transaction& tx, const log_entry& entry)
      : machine_(machine), tx_(tx), entry_(entry), keys_(tenant_keyspace::of_verified_owner(entry.owner)) {}

  result<write_outcome> run();

  // The catalog: apply_catalog.cpp.
  result<void> operator()(const create_collection_op& op);
  result<void> operator()(const update_collection_op& op);
  result<void> operator()(const rename_collection_op& op);
  result<void> operator()(const delete_collection_op& op);
  result<void> operator()(const erase_tenant_op& op);
  // One shard's points: apply_points.cpp.
  result<void> operator()(const upsert_points_op& op);
  result<void> operator()(const replace_text_op& op);
  result<void> operator()(const delete_points_op& op);
  result<void> operator()(const update_point_op& op);
  result<void> operator()(const patch_payloads_op& op);
  result<void> operator()(const copy_points_op& op);
  result<void> operator()(const create_snapshot_op& op);
  result<void> operator()(const restore_snapshot_op& op);
  // Records of the node: apply_records.cpp.
  result<void> operator()(const put_record_op& op);
  result<void> operator()(const erase_record_op& op);
  // Usage: apply_usage.cpp.
  result<void> operator()(const count_reads_op& op);
  result<void> operator()(const begin_report_op& op);
  result<void> operator()(const end_report_op& op);

 private:
  result<void> run_parts();
  bool about_records() const;
  /// Refused as a whole when it is about anything else too, or is somebody's.
  result<void> run_records();
  result<std::uint64_t> version_of(const put_record_op& op);
  /// Refuses what grows beyond the entry's limits; enters the rest into the owner's account.
  void settle();
  /// What the owner's collections hold now, the batch included.
  result<reported_collections> collections_held();
  void refuse_growth(quota_type type, std::uint64_t limit, std::uint64_t used, std::uint64_t requested);
  result<void> refuse(ec code, std::string message = {});
  result<void> name_taken(const std::string& name, bool& taken);
  /// What it held goes into the outcome.
  result<void> drop_collection(const std::shared_ptr<const collection_record>& record, bool only_empty);
  /// Writes the changed record, and tells the live catalog.
  void put_collection(collection_record record);
  /// The writer of the entry's shard.
  result<shard_writer*> shard() { return tx_.shard(collection_, shard_); }
  result<void> keep(const result<item_outcome>& item, const std::string& id);
  result<item_outcome> copy_one(shard_writer& from, shard_writer& to, const std::string& id, bool remove);

  state_machine& machine_;
  transaction& tx_;
  const log_entry& entry_;
  const tenant_keyspace keys_;
  std::shared_ptr<const collection_record> collection_;  ///< null where the entry is about none
  shard_id shard_;                                       ///< the part's that runs
  tenant_record* tenant_ = nullptr;                      ///< the owner's
  write_outcome out_;
};

}  // namespace waggle
