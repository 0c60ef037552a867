#pragma once
// Writes a segment file from rows of any sources. Blocking and CPU-bound (graph): for a background thread.
#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/error.hpp"
#include "storage/segment/row_source.hpp"
#include "storage/segment/segment_format.hpp"

namespace waggle {

/// A row to be written. The source outlives the call.
struct picked_row {
  const row_source* source;
  std::uint32_t number;
};

struct segment_plan {
  shard_key key;
  metric measure = metric::cosine;
  std::uint32_t dimension = 0;
  seq_range range;                   ///< every row's seq lies in it
  std::optional<hnsw_params> graph;  ///< absent: no graph
};

/// Rows by ascending seq, all of one dimension and metric. The file appears under `path` whole and durable, or not at
/// all. The same rows and plan give the same bytes. Errors: storage_full, io_error, shutting_down (cancelled).
result<void> write_segment(const std::string& path, const segment_plan& plan, std::span<const picked_row> rows,
                           const std::atomic<bool>& cancel);

}  // namespace waggle
