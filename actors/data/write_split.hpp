#pragma once
// Splits a write over the shards of its collection and puts the outcomes together again. Pure; the collection's thread.
#include <vector>

#include "actors/protocol/messages.hpp"

namespace waggle {

/// One log entry per shard that the command touches.
struct shard_write {
  shard_id shard;
  std::vector<operation> ops;
  std::vector<std::size_t> items;  ///< place of each of its item outcomes in the whole answer; empty = at the end
};
/// An operation on the whole collection (delete, rename, …) goes to shard 0 alone; snapshots, and what a filter found for
/// a request that may be retried, go to every shard.
std::vector<shard_write> split_write(write_command&& command, std::uint32_t shard_count);

/// Adds one shard's outcome to the whole.
void merge_outcome(write_outcome& whole, const shard_write& part, write_outcome&& outcome);

/// True when the command can make the data larger.
bool grows(const std::vector<operation>& ops);

}  // namespace waggle
