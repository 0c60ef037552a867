#pragma once
// One group's consensus: C-raft 0.15 driven as a deterministic core. No threads, no clock of its own, no I/O but
// through raft_storage and raft_transport; the same code runs in the node and in the simulators.
//
//   propose ──▶ C-raft ──▶ storage.append ─ ─ ─▶ on_append_done ──▶ C-raft commits ──▶ apply(index, data) in order
//                 │ ▲                                                        │
//                 ▼ │                                                        └─ or lost(first, last, why)
//           transport.send / on_message                      set_applied ──▶ bounds what a snapshot may trim
//
// Owned by a replication group, which calls every member on one thread. Callbacks run inside the call that caused them
// and must not call back into the core, except for set_applied and the const members (`lost` may also propose).
//
// Every proposal has exactly one outcome: its index is applied, or it is in a lost range. Lost means unknown: the entry
// may be committed later, or found on disk by the next core; whoever waited must be told so or ask again by request id.
//
// A storage failure ends the core: `failed()`, all open proposals lost, no call does anything more. The owner heals the
// storage, drops the core and makes a new one from the same storage, the same path as boot. (C-raft's own answer to a
// failed append is to truncate its log, which corrupts it when several appends are under way; it never hears of one.)
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"
#include "base/limits.hpp"
#include "cluster/raft/raft_storage.hpp"
#include "cluster/raft/raft_transport.hpp"

namespace waggle {

struct raft_options {
  std::uint64_t self_id = 1;      ///< > 0, unique in the group
  std::string address = "local";  ///< of this node, kept in the group's configuration; not empty
  group_id group;
  /// Voters of a group that begins with this start; empty: this node alone. Must hold self when not empty, and be the
  /// same on all of them. Ignored when the storage has a log.
  std::vector<raft_member> bootstrap;
  int election_timeout_ms = 1000;  ///< randomised up to twice that
  int heartbeat_ms = 100;          ///< call tick() this often
  /// Above this the log is trimmed to half of it, as far as set_applied allows; at twice this, proposals are refused.
  std::size_t log_memory_bytes_max = limits::raft_log_memory_bytes_max;
  std::uint64_t seed = 1;  ///< of election timeouts
};

class raft_core final : public raft_storage_listener {
 public:
  using options = raft_options;
  /// `data` is valid during the call. Indexes ascend but skip raft's own entries. After a restart, entries from the
  /// last trim on are delivered again: the state machine ignores those at or below its applied index.
  using apply_fn = std::function<void(std::uint64_t index, std::string_view data)>;
  using lost_fn = std::function<void(std::uint64_t first, std::uint64_t last, const failure& why)>;

  /// Storage, transport and time outlive the core.
  raft_core(options opts, raft_storage& storage, raft_transport& transport, const clock& time);
  ~raft_core();
  raft_core(const raft_core&) = delete;
  raft_core& operator=(const raft_core&) = delete;

  void set_apply(apply_fn apply);
  void set_lost(lost_fn lost);
  /// The state machine's batch for everything up to `index` is written: durable, or earlier in the WAL that the log
  /// uses too. Only such entries are trimmed. Say it before start (what the state machine holds) or the first time soon
  /// after: a log that begins later than that ends the core with corrupt_data.
  void set_applied(std::uint64_t index);

  /// Loads, begins a new group when there is nothing, delivers committed entries. A single voter leads at once.
  result<void> start();
  /// Ends the core in order: open proposals are lost with shutting_down. Also done by the destructor.
  void stop();

  /// Appends `entries` as one batch at consecutive indexes and returns the first, which is last_index() + 1. (Their
  /// outcome comes later, unless the storage completes inside append: then before this returns.) On error nothing was
  /// proposed and no outcome follows: no_quorum (not the leader), queue_full (apply lags), payload_too_large,
  /// validation_error (none or more than limits::proposal_batch_entries_max), shutting_down, or why the core failed.
  result<std::uint64_t> propose(std::vector<std::string> entries);
  /// Elections, heartbeats and trims. Call every heartbeat_ms.
  void tick();
  /// Entries up to `index` leave the log (memory and disk) with the next ticks as soon as the state machine holds them, however
  /// small the log is; first_index() says when. Forgotten at a restart.
  void forget(std::uint64_t index);
  /// What a peer's transport sent. Malformed bytes are dropped and reported.
  result<void> on_message(std::uint64_t peer, std::string_view message);

  void on_append_done(std::uint64_t token, result<void> done) override;
  void on_snapshot_done(std::uint64_t token, result<void> done) override;

  bool running() const;
  bool failed() const;
  const failure& why_failed() const;  ///< only when failed()
  bool is_leader() const;
  bool writing() const;             ///< an append is under way: proposals made now share the next one
  std::uint64_t leader_id() const;  ///< 0: none known
  std::uint64_t term() const;
  std::uint64_t commit_index() const;
  std::uint64_t last_applied() const;  ///< delivered to apply
  std::uint64_t first_index() const;   ///< of the log in memory
  std::uint64_t last_index() const;
  std::size_t log_bytes() const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace waggle
