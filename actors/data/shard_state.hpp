#pragma once
// The shard actor: single writer of one shard's rows. Spawned by its collection, runs in its tenant's queue.
//
//   wake ──▶ attach to the group ──▶ load on the pool ──▶ publish ──▶ deltas … ──▶ publish
//                                                            └─▶ build on the pool ──▶ install ──▶ record manifest
#include <memory>
#include <vector>

#include "actors/data/collection_reader.hpp"
#include "actors/data/shard_loader.hpp"
#include "actors/protocol/interfaces.hpp"
#include "actors/protocol/services.hpp"

namespace waggle {

struct finished_build {
  seq_range range;
  result<built_segment> outcome;
};

/// `record` gives the shard's measure, dimension and index parameters.
shard_actor spawn_shard(node_services& node, replication_group_actor group,
                        std::shared_ptr<const collection_record> record, shard_id shard);

}  // namespace waggle
