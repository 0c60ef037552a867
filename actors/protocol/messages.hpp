#pragma once
// One struct per message, named for the act. They stay inside the process: none of them can be serialised, so identity
// and memory never cross a wire by accident. Handlers take them by const&; what must be moved travels in a shared_ptr.
// Every message on a tenant's behalf begins with `who`, which has no default: a sender can't leave it out.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actors/runtime/message.hpp"
#include "base/error.hpp"
#include "base/names.hpp"
#include "base/tenant_context.hpp"
#include "storage/apply/records.hpp"
#include "storage/apply/state_machine.hpp"

namespace waggle {

/// A write as a front end asks for it: operations on one collection, not yet bound to ids, shards or the log.
struct write_command {
  std::vector<operation> ops;
  std::string request_key;          ///< the client's idempotency key; "" = none
  std::uint64_t fingerprint = 0;    ///< hash of the client's request
  std::uint32_t source_shards = 1;  ///< for copy_points_op: shards of the collection that the points come from
  /// The items were found by a filter, so a retry finds others: the request is remembered even if it found none, and the
  /// outcome lists its items with their ids, by shard.
  bool by_filter = false;
  quota_limits limits;  ///< the tenant's
};

// → tenant_directory
struct open_tenant {
  tenant_context who;
};

/// What the node does with a tenant, on nobody's behalf.
struct hibernate_tenant {
  tenant_id owner;
};
struct wake_tenant {
  tenant_id owner;
};
struct which_are_awake {
  std::shared_ptr<const std::vector<tenant_id>> tenants;
};
struct bar_tenant {
  tenant_id owner;
};
struct end_tenant {
  tenant_id owner;
};
struct admit_tenant {
  tenant_id owner;
};

// → tenant
struct create_collection {
  tenant_context who;
  std::shared_ptr<const collection_config> config;
  std::string request_key;
  std::uint64_t fingerprint = 0;
  quota_limits limits;
};
struct list_collections {
  tenant_context who;
};
struct open_collection {
  tenant_context who;
  std::string name;
  bool views = true;  ///< false: catalog and points only, the shards stay asleep
};
struct write_collection {
  tenant_context who;
  std::string name;
  std::shared_ptr<write_command> command;
};
struct flush_collection {
  tenant_context who;
  std::string name;
};
struct catalog_changed {
  std::shared_ptr<const catalog_change> change;
};
struct tenant_loaded {
  std::shared_ptr<result<std::vector<collection_record>>> catalog;
};

struct hibernate {};
struct close_door {};
struct look_at_idleness {};

// → collection
struct open_reader {
  tenant_context who;
  bool views = true;
};
struct write_points {
  tenant_context who;
  std::shared_ptr<write_command> command;
};
struct flush_points {
  tenant_context who;
};
struct is_at_rest {};

// → shard
struct wake_shard {
  tenant_context who;
};
struct flush_shard {
  tenant_context who;
};
struct apply_delta {
  std::shared_ptr<shard_delta> delta;
};
struct drop_shard {};  ///< the collection is gone: release the files
struct shard_loaded {
  std::shared_ptr<struct loaded_shard> shard;
};
struct segment_built {
  std::shared_ptr<struct finished_build> build;
};
struct manifest_recorded {
  std::shared_ptr<struct recorded_manifest> manifest;
};
struct look_for_builds {};

// → replication_group
/// One encoded entry that wants to be durable, committed and applied.
struct propose {
  tenant_id owner;
  std::shared_ptr<std::string> entry;
  bool grows = true;  ///< false for deletes: allowed on a full disk
};
struct forget_log {};
/// A completion from the pool that must run on the group's own thread.
struct storage_done {
  std::shared_ptr<std::function<void()>> run;
};
struct batch_applied {
  std::shared_ptr<result<applied_batch>> outcome;
};
struct commit_window {
  std::uint64_t number = 0;  ///< that is over
};
struct raft_tick {};
struct group_opened {
  std::shared_ptr<struct opened_group> group;
};

}  // namespace waggle

WAGGLE_MESSAGE(waggle::open_tenant)
WAGGLE_MESSAGE(waggle::hibernate_tenant)
WAGGLE_MESSAGE(waggle::wake_tenant)
WAGGLE_MESSAGE(waggle::which_are_awake)
WAGGLE_MESSAGE(waggle::bar_tenant)
WAGGLE_MESSAGE(waggle::end_tenant)
WAGGLE_MESSAGE(waggle::admit_tenant)
WAGGLE_MESSAGE(waggle::create_collection)
WAGGLE_MESSAGE(waggle::list_collections)
WAGGLE_MESSAGE(waggle::open_collection)
WAGGLE_MESSAGE(waggle::write_collection)
WAGGLE_MESSAGE(waggle::flush_collection)
WAGGLE_MESSAGE(waggle::catalog_changed)
WAGGLE_MESSAGE(waggle::tenant_loaded)
WAGGLE_MESSAGE(waggle::hibernate)
WAGGLE_MESSAGE(waggle::close_door)
WAGGLE_MESSAGE(waggle::look_at_idleness)
WAGGLE_MESSAGE(waggle::open_reader)
WAGGLE_MESSAGE(waggle::write_points)
WAGGLE_MESSAGE(waggle::flush_points)
WAGGLE_MESSAGE(waggle::is_at_rest)
WAGGLE_MESSAGE(waggle::wake_shard)
WAGGLE_MESSAGE(waggle::flush_shard)
WAGGLE_MESSAGE(waggle::apply_delta)
WAGGLE_MESSAGE(waggle::drop_shard)
WAGGLE_MESSAGE(waggle::shard_loaded)
WAGGLE_MESSAGE(waggle::segment_built)
WAGGLE_MESSAGE(waggle::manifest_recorded)
WAGGLE_MESSAGE(waggle::look_for_builds)
WAGGLE_MESSAGE(waggle::propose)
WAGGLE_MESSAGE(waggle::forget_log)
WAGGLE_MESSAGE(waggle::storage_done)
WAGGLE_MESSAGE(waggle::batch_applied)
WAGGLE_MESSAGE(waggle::commit_window)
WAGGLE_MESSAGE(waggle::raft_tick)
WAGGLE_MESSAGE(waggle::group_opened)
