#pragma once
// What a shard is told when it is opened, and what it tells its owner to remember. Pure values; any thread.
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "storage/segment/segment_format.hpp"
#include "storage/types.hpp"

namespace waggle {

/// When rows are sealed and segments merged.
struct build_bounds {
  std::size_t seal_rows = limits::seal_rows;
  std::size_t seal_bytes = limits::seal_bytes;
  std::size_t graph_rows_min = limits::graph_rows_min;
  std::size_t segments_max = limits::segments_per_shard_max;
  std::size_t dead_percent_max = 30;         ///< a segment with more dead rows is rewritten without them
  std::size_t segment_rows_max = 4'000'000;  ///< no build makes a larger one from several
};

struct shard_config {
  shard_key key;
  metric measure = metric::cosine;
  std::uint32_t dimension = 0;
  hnsw_params hnsw;
  std::string directory;  ///< exists; its segment files belong to this shard alone
  build_bounds bounds;
};

/// A segment file that the owner has on record. `file` is a name inside the shard's directory.
struct segment_ref {
  std::string file;
  seq_range range;
  bool operator==(const segment_ref&) const = default;
};

/// What must be on record for the shard to open again as it is. Order: `segments` is recorded durably first, then
/// `obsolete` files are deleted. A file in the directory that is on no list is left over from a crash and may be
/// deleted.
struct shard_manifest {
  std::vector<segment_ref> segments;  ///< by range
  std::vector<std::string> obsolete;
};

/// A segment that did not open, and why.
struct rejected_segment {
  segment_ref ref;
  failure why;
};

}  // namespace waggle
