#pragma once
// Applies point operations to one shard inside an apply batch: points, change index, tombstones, parents, counters, and
// the delta for the live shard. Owned by the state machine's transaction; one thread.
#include "storage/apply/state_machine.hpp"

namespace waggle {

class shard_writer {
 public:
  shard_writer(write_overlay& overlay, std::shared_ptr<const collection_record> collection, shard_id shard);
  /// Reads the counters; call once before use.
  result<void> load();

  result<item_outcome> upsert(point&& p, write_outcome& out);
  /// `only_version` 0 = any version.
  result<item_outcome> erase(const std::string& id, seq_no only_version, write_outcome& out);
  result<item_outcome> update(const update_point_op& op, write_outcome& out);
  result<item_outcome> patch(const std::string& id, seq_no only_version, std::string_view merge_patch,
                             write_outcome& out);
  result<void> replace_text(const replace_text_op& op, write_outcome& out);
  result<std::optional<point_record>> read(const std::string& id) const;
  result<snapshot_record> create_snapshot(const std::string& id, std::int64_t now_ms);
  result<void> restore_snapshot(const std::string& id, write_outcome& out);

  /// Where it stands; `roll_back` takes what came after out of the counters and the delta.
  struct place {
    shard_counters counters;
    std::size_t rows = 0;
    std::size_t tombstones = 0;
  };
  place mark() const { return {counters_, delta_.rows.size(), delta_.tombstones.size()}; }
  void roll_back(const place& to);

  /// Writes the counters into the batch and hands over the delta. The writer is empty afterwards.
  shard_delta finish();
  const collection_record& collection() const { return *collection_; }
  const shard_counters& counters() const { return counters_; }

 private:
  result<void> count_parent(const std::string& payload, int change);
  void add_row(point&& p);
  /// Takes the old version out of index and counters; the change at `at` replaces it.
  result<void> retire(const point_record& old, seq_no at);
  seq_no next_seq() { return seq_no(++counters_.last_seq.value); }

  write_overlay& overlay_;
  std::shared_ptr<const collection_record> collection_;
  tenant_keyspace keys_;
  shard_id shard_;
  shard_counters counters_;
  shard_delta delta_;
};

}  // namespace waggle
