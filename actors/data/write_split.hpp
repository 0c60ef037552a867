#pragma once
// Splits a write over the shards of its collection and puts the outcomes together again. Pure; the collection's thread.
#include <vector>

#include "actors/protocol/messages.hpp"

namespace waggle {

/// A command's operations by shard, and where the item outcomes of these, in that order, stand in the client's answer.
struct sharded_write {
  std::vector<shard_ops> parts;
  std::vector<std::size_t> places;  ///< empty: as they come
};
/// An operation on the whole collection (delete, rename, …) goes to shard 0 alone, a snapshot to every shard. What a filter found
/// for a request that may be retried has no places: the retry finds other points, and gets the first outcome as it is.
sharded_write split_write(write_command&& command, std::uint32_t shard_count);

/// Puts the items of an outcome in the client's order.
void restore_order(write_outcome& outcome, const std::vector<std::size_t>& places);

/// True when the command can make the data larger.
bool grows(const std::vector<operation>& ops);

}  // namespace waggle
