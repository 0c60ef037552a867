#pragma once
// The inside of raft_core: C-raft's instance, the callbacks it asks for, and what is under way. Private to the core.
#include <algorithm>
#include <deque>
#include <optional>
#include <random>

#include "cluster/raft/craft.hpp"
#include "cluster/raft/log_window.hpp"
#include "cluster/raft/raft_core.hpp"

namespace waggle {

/// Copies into memory that C-raft may free.
raft_buffer copy_buffer(std::string_view data);
/// False when an id or address is not valid or not unique; `out` is to be closed either way.
bool to_craft(const std::vector<raft_member>& members, raft_configuration& out);
std::vector<raft_member> from_craft(const raft_configuration& configuration);

struct raft_core::impl {
  struct append_under_way {
    std::uint64_t token;
    raft_io_append* request;
  };
  struct snapshot_under_way {
    std::uint64_t token;
    raft_io_snapshot_put* request;
    std::uint64_t trim_index;
  };
  struct completion {
    std::uint64_t token;
    bool snapshot;
  };
  struct range {
    std::uint64_t first, last;
  };

  options opts;
  raft_storage& storage;
  raft_transport& transport;
  const clock& time;
  apply_fn apply = [](std::uint64_t, std::string_view) {};
  lost_fn lost = [](std::uint64_t, std::uint64_t, const failure&) {};

  raft_io io{};
  raft_fsm fsm{};
  struct raft raft {};
  raft_io_tick_cb on_tick = nullptr;
  raft_io_recv_cb on_recv = nullptr;
  raft_loaded_state loaded;
  raft_hard_state hard;
  log_window window;
  std::mt19937_64 random;

  bool running = false;
  int depth = 0;                           ///< > 0: C-raft is on the stack
  bool settling = false;                   ///< settle() is on the stack
  std::optional<failure> pending_failure;  ///< happened inside C-raft; acted on once it has returned
  std::optional<failure> failed;

  std::uint64_t next_token = 1;
  std::deque<append_under_way> appends;  ///< oldest first
  std::optional<snapshot_under_way> snapshot;
  std::deque<completion> completions;    ///< arrived, not yet told to C-raft
  std::deque<raft_io_send*> sent;        ///< their callbacks are due: C-raft must have returned from send first
  std::deque<range> proposals;           ///< without an outcome, ascending
  std::optional<std::uint64_t> applied;  ///< unknown until the owner says; then nothing is trimmed
  std::uint64_t restored = 0;            ///< the log on disk began after this command
  std::uint64_t last_command = 0;        ///< the last one delivered, now or before the trim
  std::uint64_t snapshot_index = 0;      ///< what the snapshot being taken covers
  std::uint64_t forget_to = 0;           ///< these entries shall go

  impl(options o, raft_storage& s, raft_transport& t, const clock& c)
      : opts(std::move(o)), storage(s), transport(t), time(c), random(opts.seed) {}

  static impl& of(raft_io* io) { return *static_cast<impl*>(io->impl); }
  static impl& of(raft_fsm* fsm) { return *static_cast<impl*>(fsm->data); }

  /// Runs `f`, which calls into C-raft, then whatever that made due.
  template <class F>
  void enter(F&& f) {
    ++depth;
    f();
    --depth;
    settle();
  }
  void settle();
  void deliver(const completion& c);
  void report_lost(const failure& why);
  void close(const failure& why);
  void set_up_io();
  void set_up_fsm();
  result<void> check_applied() const;
  result<void> begin(raft_storage_listener* self);
  result<void> bootstrap();
  result<void> open_new_term();

  int save_hard_state(const raft_hard_state& next);
  int load(raft_snapshot** snapshot, raft_entry** entries, std::size_t* n);
  void append(raft_io_append* request, const raft_entry* entries, unsigned n);
  int put_snapshot(raft_io_snapshot_put* request, const raft_snapshot* taken);
  int send(raft_io_send* request, const raft_message& message);
  int plan_snapshot(raft_buffer** buffers, unsigned* n);
  void apply_command(std::string_view data);
  void fire_pending();

  bool leads() const { return running && raft.state == RAFT_LEADER; }
  /// The state machine holds everything up to here, given that C-raft has delivered everything up to `delivered`.
  std::uint64_t held_by_state_machine(std::uint64_t delivered) const {
    if (!applied) return 0;
    return *applied >= last_command ? delivered : std::min(*applied, delivered);
  }
  /// Entry `held` itself stays: a follower that continues behind it is asked for its term.
  log_window::trim plan_trim(std::uint64_t held) const {
    if (held < 2) return {0, 0};
    const auto plan = window.plan_trim(opts.log_memory_bytes_max / 2, held - 1);
    return forgets() && forget_to > plan.index ? window.plan_trim(0, std::min(forget_to, held - 1)) : plan;
  }
  /// A trim frees at least 1/8 of the limit: no snapshot per commit.
  bool worth_it(const log_window::trim& plan) const {
    return plan.freed_bytes > 0 && (forgets() || plan.freed_bytes >= opts.log_memory_bytes_max / 8);
  }
  bool forgets() const { return window.first_index() <= forget_to && window.bytes() > 0; }
  bool to_be_trimmed() const { return window.bytes() > opts.log_memory_bytes_max || forgets(); }
};

}  // namespace waggle
