#pragma once
// Building an HNSW graph over a block. Long and CPU-bound: for a background thread, never for a runtime thread.
#include <atomic>
#include <cstdint>

#include "base/error.hpp"
#include "storage/index/graph_view.hpp"
#include "storage/index/vector_block.hpp"
#include "storage/types.hpp"

namespace waggle {

/// Links every row of `block` (which stays where it is; nothing is copied). `params.m` in 2..512, `ef_construction`
/// >= 1. One thread gives the same graph for the same input every time; more give an equally good one. `cancel` is
/// looked at before each insertion; then the result is `shutting_down`. Other errors: `validation_error`,
/// `internal_error`.
result<graph_data> build_graph(const vector_block& block, const hnsw_params& params, const std::atomic<bool>& cancel,
                               unsigned threads = 1);

}  // namespace waggle
