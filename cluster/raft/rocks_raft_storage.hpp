#pragma once
// A group's raft log in the node's key-value store.
//
//   core thread                                    pool thread
//   append ─▶ encode into the next batch
//             no commit under way? ──── work ────▶ kv_store::write, synced (one fsync for all that waited)
//   on_append_done × n ◀── done ──────────────────┘
//             next batch not empty? ──── work ───▶ …
//
// At most one commit is under way per group: entries reach the disk in order, and what is appended during an fsync
// shares the next one. Owned by the replication group, used on its thread only; the kv_store and the executor outlive
// it. Trims are written without a sync of their own: the log and the state machine share one WAL, whose crash contract
// (a prefix in order) makes a trim that survived imply the state that justified it. State that lies in other databases is
// made durable first: `before_trim`.
#include <functional>
#include <memory>
#include <vector>

#include "base/ids.hpp"
#include "cluster/raft/raft_storage.hpp"
#include "storage/kv/kv_store.hpp"

namespace waggle {

class rocks_raft_storage final : public raft_storage {
 public:
  /// Runs `work` where blocking is allowed, then `done` with its result on the core's thread. May do both at once,
  /// inside the call. `done` is called exactly once, or never when the owner has given this storage up; it may come
  /// late and find nobody. Must not destroy the core or the storage inside the call: report trouble through `done`.
  using executor = std::function<void(std::function<result<void>()> work, std::function<void(result<void>)> done)>;

  /// Makes the state machine's entries up to `state_index` durable where the log's WAL doesn't; called like work.
  using before_trim = std::function<result<void>(std::uint64_t state_index)>;

  rocks_raft_storage(kv_store& kv, group_id group, executor run, before_trim prepare = {});
  ~rocks_raft_storage() override;

  void attach(raft_storage_listener* listener) override;
  result<raft_loaded_state> load() override;
  result<void> set_hard_state(const raft_hard_state& hard) override;
  result<void> bootstrap(const raft_hard_state& hard, const raft_record_view& first) override;
  void append(std::uint64_t token, std::uint64_t first_index, std::span<const raft_record_view> entries) override;
  void truncate(std::uint64_t from_index) override;
  void save_snapshot(std::uint64_t token, const raft_snapshot_descriptor& descriptor) override;

  /// A commit is under way. (load() knows it too, whichever object began it, and answers not_ready.)
  bool busy() const { return busy_; }

 private:
  struct completion {
    std::uint64_t token;
    bool snapshot;
  };
  struct commit {
    kv_batch batch;
    kv_sync sync = kv_sync::no;
    std::uint64_t trimmed_state = 0;  ///< what is erased was needed for the state up to here; 0: nothing is
    std::vector<completion> completions;
  };
  void start_commit();
  void finish_commit(const commit& done, const result<void>& outcome);
  result<void> load_entries(raft_loaded_state& state) const;

  kv_store& kv_;
  const group_id group_;
  const executor run_;
  const before_trim prepare_;
  raft_storage_listener* listener_ = nullptr;
  std::uint64_t first_index_ = 1;  ///< of the entries on disk
  std::shared_ptr<commit> next_ = std::make_shared<commit>();
  bool busy_ = false;
  bool failed_ = false;
  std::shared_ptr<rocks_raft_storage*> self_;  ///< dies with this object: a late `done` finds nobody
};

}  // namespace waggle
