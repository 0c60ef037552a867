#pragma once
// The blocking half of a shard's life: reading its rows from the store and its files, recording its manifest.
// Called on the blocking pool; no actor state.
#include <memory>

#include "actors/protocol/services.hpp"
#include "storage/apply/keyspace.hpp"
#include "storage/shard/shard_core.hpp"

namespace waggle {

/// What a wake-up found. `core` is null when `status` failed.
struct loaded_shard {
  result<void> status;
  std::unique_ptr<shard_core> core;
  seq_no loaded_to;            ///< deltas up to here are in the rows already
  std::size_t rejected = 0;    ///< segment files that did not hold and were rebuilt from points
};

/// Opens the recorded segments and completes them from the store as of now:
///   manifest → files → rows of what is missing and of what is newer (by the change index) → tombstones.
/// A file that does not hold is replaced by its points. Files on no list are deleted.
loaded_shard load_shard(kv_store& kv, shard_config config);

/// A manifest to record, and the tombstones of `rewritten` that nothing needs any more.
struct manifest_update {
  shard_key key;
  std::string directory;
  shard_manifest manifest;
  std::optional<seq_range> rewritten;          ///< the range of the segment just built
  std::shared_ptr<const segment> built;        ///< its file; null when no row lived
};
struct recorded_manifest {
  result<void> status;
  std::vector<std::string> deleted;  ///< obsolete files that are gone
};
/// Records durably, then deletes obsolete files.
recorded_manifest record_manifest(kv_store& kv, const manifest_update& update);

}  // namespace waggle
