#pragma once
// Which neighbouring runs of a shard are built into one segment next. Pure; any thread.
#include <cstddef>
#include <optional>
#include <span>

#include "storage/shard/shard_config.hpp"

namespace waggle {

struct planned_run {
  bool sealed = false;  ///< else frozen in memory
  std::size_t rows = 0;
  std::size_t live = 0;
};

/// Runs `first .. last-1`.
struct planned_build {
  std::size_t first = 0;
  std::size_t last = 0;
  bool operator==(const planned_build&) const = default;
};

/// In this order: rows in memory only (the leftmost stretch of frozen runs), a segment with too many dead rows, too
/// many segments. What is chosen takes in neighbouring segments that are no larger than itself: so a row is rewritten
/// only into a segment at least twice as large as its last one, n rows cost O(n log n) in all, and few large graphs
/// remain.
std::optional<planned_build> plan_build(std::span<const planned_run> runs, const build_bounds& bounds);

}  // namespace waggle
