#pragma once
// Where a raft core keeps its log. Implemented by rocks_raft_storage and by the simulators of the tests.
//
// Owned beside the core, outlives it, and may serve one core after another: attach, load, …, detach. All calls and all
// completions happen on the core's thread. A completion may come before the call that asked for it has returned.
#include <cstdint>
#include <span>

#include "base/error.hpp"
#include "cluster/raft/types.hpp"

namespace waggle {

class raft_storage_listener {
 public:
  /// Appends complete in the order in which they were asked for. After the first failure nothing else is reported.
  virtual void on_append_done(std::uint64_t token, result<void> done) = 0;
  virtual void on_snapshot_done(std::uint64_t token, result<void> done) = 0;

 protected:
  ~raft_storage_listener() = default;
};

class raft_storage {
 public:
  virtual ~raft_storage() = default;

  /// Who hears of completions. Null detaches: writes that haven't begun are dropped, those under way end unheard.
  virtual void attach(raft_storage_listener* listener) = 0;

  /// Everything durable. corrupt_data names what is damaged or missing; not_ready while a write is still under way.
  virtual result<raft_loaded_state> load() = 0;

  /// Durable on return. Blocks; rare (elections).
  virtual result<void> set_hard_state(const raft_hard_state& hard) = 0;
  /// The first entry of an empty log together with its hard state. Durable on return.
  virtual result<void> bootstrap(const raft_hard_state& hard, const raft_record_view& first) = 0;

  /// Makes entries first_index, first_index + 1, … durable, then completes `token`. Views are valid during the call.
  virtual void append(std::uint64_t token, std::uint64_t first_index, std::span<const raft_record_view> entries) = 0;
  /// Forgets entries from `from_index` on. Takes effect before any later append; becomes durable with the next one.
  virtual void truncate(std::uint64_t from_index) = 0;
  /// Replaces the descriptor and forgets the entries below its first_index, atomically; then completes `token`.
  /// It needn't be synced: losing it is losing the trim only.
  virtual void save_snapshot(std::uint64_t token, const raft_snapshot_descriptor& descriptor) = 0;
};

}  // namespace waggle
