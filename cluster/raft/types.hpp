#pragma once
// What a raft log is made of, as the core and its storage exchange it. Plain values; any thread.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace waggle {

/// Numbers are on disk and on the wire; they are C-raft's.
enum class raft_record_type : std::uint8_t { command = 1, barrier = 2, change = 3 };

/// One log entry that belongs to somebody else; valid during the call that it is an argument of.
struct raft_record_view {
  std::uint64_t term = 0;
  raft_record_type type = raft_record_type::command;
  std::string_view data;
};

struct raft_record {
  std::uint64_t term = 0;
  raft_record_type type = raft_record_type::command;
  std::string data;
  bool operator==(const raft_record&) const = default;
};

/// What a voter must never forget. `voted_for` 0: nobody in this term.
struct raft_hard_state {
  std::uint64_t term = 0;
  std::uint64_t voted_for = 0;
  bool operator==(const raft_hard_state&) const = default;
};

enum class raft_role : std::uint8_t { standby = 0, voter = 1, spare = 2 };

struct raft_member {
  std::uint64_t id = 0;  ///< > 0
  std::string address;
  raft_role role = raft_role::voter;
  bool operator==(const raft_member&) const = default;
};

/// The state machine holds everything up to `index`, so the log may begin at `first_index` <= index + 1. The state
/// itself is no part of it: that lies in the key-value store already.
struct raft_snapshot_descriptor {
  std::uint64_t index = 0;
  std::uint64_t term = 0;  ///< of the entry at `index`
  std::uint64_t first_index = 1;
  std::uint64_t state_index = 0;    ///< the last command up to `index`: what the state machine must have applied
  std::uint64_t members_index = 0;  ///< the entry that made `members`
  std::vector<raft_member> members;
  bool operator==(const raft_snapshot_descriptor&) const = default;
};

struct raft_loaded_state {
  raft_hard_state hard;
  std::optional<raft_snapshot_descriptor> snapshot;
  std::uint64_t first_index = 1;  ///< of `entries`, which are contiguous
  std::vector<raft_record> entries;
  bool empty() const { return hard == raft_hard_state{} && !snapshot && entries.empty(); }
};

}  // namespace waggle
