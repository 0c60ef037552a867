#pragma once
// THE MAP: every typed actor interface, one sentence per message.
//
//   session ──▶ tenant_directory ──▶ tenant ──▶ collection ──▶ shard × n        (the only road to data)
//                                       │            │            ▲
//                                       └────────────┴─▶ replication_group      (every write; sends deltas to live shards)
#include <caf/actor_addr.hpp>
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
    /// Whether it may end now; from then on it begins nothing by itself until it is used again.
    asks<is_at_rest, bool>,
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
    /// Whether it and its shards may end now.
    asks<is_at_rest, bool>,
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
    /// Ends, with all that is awake below it, if nothing is under way; the next request finds a new one.
    asks<hibernate, bool>,
    /// Refuses every request from now on as if the tenant were not there, and goes on hearing the catalog.
    asks<close_door, bool>,
    tells<tenant_loaded>, tells<look_at_idleness>>;

using tenant_directory_actor = caf::typed_actor<
    /// The tenant's actor, activated if it slept.
    asks_as_tenant<open_tenant, tenant_actor>,
    /// True when it sleeps now; false while something is under way.
    asks<hibernate_tenant, bool>,
    asks<wake_tenant, bool>,
    asks<which_are_awake, std::vector<bool>>,
    /// No request gets in from now on: TENANT_NOT_FOUND.
    asks<bar_tenant, bool>,
    /// Answered when the tenant's actor is gone.
    asks<end_tenant, bool>,
    asks<admit_tenant, bool>>;

/// From now on the shard gets every delta of its key; sent by the shard itself before it reads the store.
struct attach_shard {
  shard_key key;
  shard_actor shard;
};
struct detach_shard {
  shard_key key;
  caf::actor_addr shard;  ///< another one may have taken its place
};
struct attach_tenant {
  tenant_id owner;
  tenant_actor tenant;
};
struct detach_tenant {
  tenant_id owner;
  caf::actor_addr tenant;
};

using replication_group_actor = caf::typed_actor<
    /// Durable on a quorum, committed, applied, visible: then answered.
    asks<propose, write_outcome>,
    asks<attach_shard, bool>,
    asks<attach_tenant, bool>,
    tells<detach_shard>, tells<detach_tenant>,
    /// Answered when nothing of what was applied by now is left in the log, in memory or as keys of the store.
    asks<forget_log, bool>,
    /// From the background: a log batch is stored, a batch applied, the gathering window over, time for raft, a core open.
    tells<storage_done>, tells<batch_applied>, tells<commit_window>, tells<raft_tick>, tells<group_opened>>;

}  // namespace waggle

WAGGLE_MESSAGE(waggle::attach_shard)
WAGGLE_MESSAGE(waggle::detach_shard)
WAGGLE_MESSAGE(waggle::attach_tenant)
WAGGLE_MESSAGE(waggle::detach_tenant)
