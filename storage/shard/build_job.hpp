#pragma once
// One segment to be built from neighbouring runs of a shard: made by `shard_core` on the shard's thread, run on a
// background thread, its result installed on the shard's thread again. It shares only rows that never change and
// liveness that is atomic.
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "storage/shard/row_run.hpp"
#include "storage/shard/shard_config.hpp"

namespace waggle {

/// A finished build. `file` is null when no row was alive: the runs vanish without a successor.
struct built_segment {
  std::shared_ptr<const segment> file;
  segment_ref ref;
  std::vector<std::shared_ptr<const row_run>> sources;
};

class build_job {
 public:
  struct source {
    std::shared_ptr<const row_run> run;
    std::size_t rows = 0;
  };
  build_job(shard_config config, segment_ref target, std::vector<source> sources)
      : config_(std::move(config)), target_(std::move(target)), sources_(std::move(sources)) {}

  const segment_ref& target() const { return target_; }
  std::size_t rows() const;
  /// Blocking: picks the rows that live, writes the file (with a graph if they are enough), opens it. Rows deleted
  /// meanwhile are carried over by `shard_core::install`. May be run again after a failure. Errors: storage_full,
  /// io_error, corrupt_data (what was written did not read back), shutting_down (cancelled).
  result<built_segment> run(const std::atomic<bool>& cancel) const;

 private:
  shard_config config_;
  segment_ref target_;
  std::vector<source> sources_;
};

}  // namespace waggle
