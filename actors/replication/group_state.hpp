#pragma once
// The replication group: one raft core, its log, its state machine. Every write of its tenants goes through here.
//
//   propose ─▶ pending ─(one log write at a time; what arrives meanwhile is the next batch)─▶ raft log, fsync
//                                                                                               │ commit
//   writer ◀── outcome ◀── shards and catalogs have taken the deltas ◀── state machine, one batch ◀┘
//
// Runs on the runtime; log writes and applies run on the blocking pool, one of each at a time.
#include "actors/protocol/interfaces.hpp"
#include "actors/protocol/services.hpp"

namespace waggle {

/// What others may watch of a group. Thread-safe.
struct group_status {
  std::atomic<bool> ready{false};       ///< leader, log replayed
  std::atomic<bool> disk_full{false};   ///< growth is refused
  std::atomic<bool> failed{false};      ///< writes are refused until the store recovers
  std::atomic<std::uint64_t> term{0};
  std::atomic<std::uint64_t> applied{0};
  std::atomic<std::uint64_t> log_bytes{0};
  std::atomic<std::uint64_t> batches{0};
  std::atomic<std::uint64_t> entries{0};
  std::atomic<std::uint64_t> waiting{0};  ///< proposals that wait for a log write
  std::atomic<std::uint64_t> collections{0};  ///< of all tenants
  std::atomic<std::uint64_t> points{0};
};

replication_group_actor spawn_replication_group(node_services& node, group_id group,
                                                std::shared_ptr<group_status> status);

}  // namespace waggle
