#pragma once
// The collection actor: binds writes to shards and the log, hands out readers, wakes shards. Spawned by its tenant on
// first use, runs in its tenant's queue.
#include <memory>

#include "actors/data/collection_reader.hpp"
#include "actors/protocol/interfaces.hpp"
#include "actors/protocol/services.hpp"

namespace waggle {

collection_actor spawn_collection(node_services& node, replication_group_actor group,
                                  std::shared_ptr<const collection_record> record);

/// The request id of a client's idempotency key, in the tenant's own space; nil for "".
request_id request_id_of(const tenant_id& owner, std::string_view key);

}  // namespace waggle
