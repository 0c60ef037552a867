#pragma once
// What the node's actors share: threads, store, time, places on disk. Made by the node before the first actor, outlives
// the last. Members are thread-safe or constant.
#include <filesystem>
#include <functional>

#include "actors/protocol/account_board.hpp"
#include "actors/protocol/build_pool.hpp"
#include "actors/protocol/index_figures.hpp"
#include "actors/runtime/runtime.hpp"
#include "base/clock.hpp"
#include "base/limits.hpp"
#include "storage/apply/state_machine.hpp"
#include "storage/kv/kv_store.hpp"
#include "storage/types.hpp"

namespace waggle {

struct node_services {
  runtime& rt;
  kv_store& kv;
  const clock& time;
  std::filesystem::path data_dir;
  build_pool& builds;
  index_figures& index;
  account_board& accounts;
  int group_commit_us = limits::group_commit_us_default;
  std::size_t write_queue_max = limits::write_queue_entries_max_default;
  int idle_hibernate_seconds = limits::idle_hibernate_seconds_default;  ///< without a request; 0: tenants never sleep
  int queue_retry_seconds = 2;  ///< Retry-After of QUEUE_FULL
  /// Who holds the records of the node in memory. Called on the group's thread, before the writer is answered.
  std::function<void(const std::vector<record_change>&)> take_records = [](const auto&) {};
};

/// {data_dir}/{tenant uuid}/{collection}/{shard}
inline std::filesystem::path shard_directory(const node_services& node, const shard_key& key) {
  return node.data_dir / to_string(key.owner) / to_string(key.collection) / std::to_string(key.shard.value);
}

}  // namespace waggle
