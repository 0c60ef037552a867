#pragma once
// THE MAP: every typed actor interface, one sentence per message.
//
//   session ──▶ tenant_directory ──▶ tenant ──▶ collection ──▶ shard × n        (the only road to data)
//                                       │            │            ▲
//                                       └────────────┴─▶ replication_group      (every write; sends deltas to live shards)
#include <caf/typed_actor.hpp>
#include <concepts>

#include "actors/protocol/messages.hpp"

namespace waggle {

class collection_reader;
class view_cell;
struct collection_summary;

/// A message on a tenant's behalf carries its identity first.
template <class M>
concept names_its_tenant = requires(const M& m) {
  { m.who } -> std::convertible_to<const tenant_context&>;
};
template <class M, class Reply>
using asks = typename caf::replies_to<M>::template with<result<Reply>>;
template <class M, class Reply>
  requires names_its_tenant<M>
using asks_as_tenant = asks<M, Reply>;
template <class M>
using tells = typename caf::reacts_to<M>;

using shard_actor = caf::typed_actor<
    /// Loads the rows if they are not in memory; the cell shows the newest view from then on.
    asks_as_tenant<wake_shard, std::shared_ptr<const view_cell>>,
    /// Seals what is in memory into segment files.
    asks_as_tenant<flush_shard, bool>,
    /// Takes over what the state machine has written; acked when searches see it.
    asks<apply_delta, bool>,
    /// Deletes the shard's files and ends.
    tells<drop_shard>,
    /// From the background: rows loaded, a segment built, a manifest on disk; time to see whether a build is due.
    tells<shard_loaded>, tells<segment_built>, tells<manifest_recorded>, tells<look_for_builds>>;

using collection_actor = caf::typed_actor<
    /// Gives what reading needs; with views, after waking the shards.
    asks_as_tenant<open_reader, std::shared_ptr<const collection_reader>>,
    /// Binds the command to shards and the log; answered when it is durable, applied and visible.
    asks_as_tenant<write_points, write_outcome>,
    asks_as_tenant<flush_points, bool>,
    /// The catalog's news about this collection.
    tells<catalog_changed>>;

using tenant_actor = caf::typed_actor<
    asks_as_tenant<create_collection, write_outcome>,
    /// All collections by name.
    asks_as_tenant<list_collections, std::shared_ptr<const std::vector<std::shared_ptr<const collection_reader>>>>,
    asks_as_tenant<open_collection, std::shared_ptr<const collection_reader>>,
    asks_as_tenant<write_collection, write_outcome>,
    asks_as_tenant<flush_collection, bool>,
    /// From the replication group: a collection was made, changed or dropped; acked before the writer is answered.
    asks<catalog_changed, bool>,
    tells<tenant_loaded>>;

using tenant_directory_actor = caf::typed_actor<
    /// The tenant's actor, activated if it slept.
    asks_as_tenant<open_tenant, tenant_actor>>;

/// From now on the shard gets every delta of its key; sent by the shard itself before it reads the store.
struct attach_shard {
  shard_key key;
  shard_actor shard;
};
struct detach_shard {
  shard_key key;
};
struct attach_tenant {
  tenant_id owner;
  tenant_actor tenant;
};

using replication_group_actor = caf::typed_actor<
    /// Durable on a quorum, committed, applied, visible: then answered.
    asks<propose, write_outcome>,
    asks<attach_shard, bool>,
    asks<attach_tenant, bool>,
    tells<detach_shard>,
    /// From the background: a log batch is stored, a batch applied, the gathering window over, time for raft, a core open.
    tells<storage_done>, tells<batch_applied>, tells<commit_window>, tells<raft_tick>, tells<group_opened>>;

}  // namespace waggle

WAGGLE_MESSAGE(waggle::attach_shard)
WAGGLE_MESSAGE(waggle::detach_shard)
WAGGLE_MESSAGE(waggle::attach_tenant)
