// The door to faiss: its HNSW finds the links, through our distances over our vectors. Nothing of faiss stays.
#include "storage/index/graph_build.hpp"

#include <faiss/impl/AuxIndexStructures.h>
#include <faiss/impl/DistanceComputer.h>
#include <faiss/impl/HNSW.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>
#include <mutex>
#include <new>
#include <numeric>
#include <random>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/limits.hpp"
#include "storage/index/kernels.hpp"

namespace waggle {
namespace {

/// Distances between rows of the block, as faiss asks for them. One per thread.
class row_distances final : public faiss::DistanceComputer {
 public:
  explicit row_distances(const vector_block& block)
      : block_(block), pair_(block.measure == metric::euclidean ? best_kernels().l2_squared : best_kernels().dot) {}

  /// The "query" is always a row, so faiss's pointer only says which one.
  void set_query(const float* x) override { at_ = (x - block_.data) / static_cast<std::ptrdiff_t>(block_.dimension); }
  float operator()(idx_t i) override { return symmetric_dis(at_, i); }
  float symmetric_dis(idx_t i, idx_t j) override {
    const auto a = static_cast<std::size_t>(i), b = static_cast<std::size_t>(j);
    float d = pair_(block_.row(a), block_.row(b), block_.dimension);
    if (block_.measure == metric::cosine) d = -d * block_.inverse_norms[a] * block_.inverse_norms[b];
    if (block_.measure == metric::dot) d = -d;
    return d == d ? d : std::numeric_limits<float>::infinity();
  }

 private:
  const vector_block& block_;
  kernels::pair_fn pair_;
  idx_t at_ = 0;
};

class row_locks {
 public:
  explicit row_locks(std::size_t n) : locks(n) {
    for (auto& lock : locks) omp_init_lock(&lock);
  }
  ~row_locks() {
    for (auto& lock : locks) omp_destroy_lock(&lock);
  }
  row_locks(const row_locks&) = delete;
  row_locks& operator=(const row_locks&) = delete;
  std::vector<omp_lock_t> locks;
};

/// Highest level first: the first insertion then fixes the entry point and the top level, which faiss updates without a
/// lock. Shuffled within a level, because rows often arrive sorted by topic and such an order links clusters badly.
std::vector<int> insertion_order(const faiss::HNSW& hnsw) {
  std::vector<int> order(hnsw.levels.size());
  std::iota(order.begin(), order.end(), 0);
  std::mt19937_64 random(789);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random() % i]);
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return hnsw.levels[std::size_t(a)] > hnsw.levels[std::size_t(b)]; });
  return order;
}

/// Inserts rows until none are left, `cancel` is set, or another worker failed.
class insertion {
 public:
  insertion(faiss::HNSW& hnsw, const vector_block& block, const std::atomic<bool>& cancel)
      : hnsw_(hnsw), block_(block), cancel_(cancel), order_(insertion_order(hnsw)), locks_(block.count) {}

  void run(unsigned threads) {
    work(1);  // the entry point
    std::vector<std::thread> others;
    try {
      for (unsigned t = 1; t < threads; ++t) others.emplace_back([this] { guarded_work(); });
    } catch (const std::system_error&) {
      // Fewer threads than asked for: slower, not wrong.
    }
    guarded_work();
    for (auto& t : others) t.join();
    if (failed_) std::rethrow_exception(failed_);
  }

 private:
  void guarded_work() {
    try {
      work(order_.size());
    } catch (...) {
      const std::lock_guard hold(mutex_);
      failed_ = std::current_exception();
      stop_ = true;
    }
  }
  void work(std::size_t end) {
    row_distances distances(block_);
    faiss::VisitedTable visited(static_cast<int>(block_.count));
    while (!cancel_.load(std::memory_order_relaxed) && !stop_.load(std::memory_order_relaxed)) {
      // One increment per claim: a worker that finds the end leaves the counter past it, which nobody minds.
      const std::size_t i = next_.fetch_add(1, std::memory_order_relaxed);
      if (i >= order_.size()) return;
      const int row = order_[i];
      distances.set_query(block_.row(static_cast<std::size_t>(row)));
      hnsw_.add_with_locks(distances, hnsw_.levels[static_cast<std::size_t>(row)] - 1, row, locks_.locks, visited);
      if (i + 1 == end) return;
    }
  }

  faiss::HNSW& hnsw_;
  const vector_block& block_;
  const std::atomic<bool>& cancel_;
  std::vector<int> order_;
  row_locks locks_;
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::exception_ptr failed_;
};

/// faiss keeps all levels of a row together in one long array; a walk wants level 0 by itself on whole cache lines.
graph_data flatten(const faiss::HNSW& hnsw, std::uint32_t count, std::uint32_t m) {
  const std::uint32_t stride = graph_view::stride_for(m);
  aligned_array<std::uint32_t> level0(std::size_t{count} * stride, no_row);
  aligned_array<std::uint32_t> offsets(std::size_t{count} + 1, 0);
  for (std::uint32_t r = 0; r < count; ++r)
    offsets[r + 1] = offsets[r] + static_cast<std::uint32_t>(hnsw.levels[r] - 1);
  aligned_array<std::uint32_t> upper(std::size_t{offsets[count]} * m, no_row);
  const auto copy = [&](std::uint32_t row, int level, std::uint32_t* to) {
    std::size_t begin = 0, end = 0;
    hnsw.neighbor_range(row, level, &begin, &end);
    for (; begin < end && hnsw.neighbors[begin] >= 0; ++begin)
      *to++ = static_cast<std::uint32_t>(hnsw.neighbors[begin]);
  };
  for (std::uint32_t r = 0; r < count; ++r) {
    copy(r, 0, level0.data() + std::size_t{r} * stride);
    for (int level = 1; level < hnsw.levels[r]; ++level)
      copy(r, level, upper.data() + (std::size_t{offsets[r]} + static_cast<std::size_t>(level) - 1) * m);
  }
  const bool empty = count == 0;
  return graph_data(m, empty ? no_row : static_cast<std::uint32_t>(hnsw.entry_point),
                    empty ? 0 : static_cast<std::uint32_t>(hnsw.max_level), std::move(level0), std::move(offsets),
                    std::move(upper));
}

}  // namespace

result<graph_data> build_graph(const vector_block& block, const hnsw_params& params, const std::atomic<bool>& cancel,
                               unsigned threads) {
  if (params.m < graph_view::m_min || params.m > graph_view::m_max)
    return failure::validation("hnsw.m", "must be between 2 and 512");
  if (params.ef_construction < 1 || params.ef_construction > 1u << 16)
    return failure::validation("hnsw.ef_construction", "must be between 1 and 65536");
  if (block.dimension < 1 || block.dimension > limits::dimension_max || block.count > 0x7fffffff)
    return failure::validation("vectors", "dimension or count out of range");
  try {
    faiss::HNSW hnsw(static_cast<int>(params.m));
    hnsw.efConstruction = static_cast<int>(params.ef_construction);
    const auto count = static_cast<std::uint32_t>(block.count);
    if (count > 0) {
      hnsw.prepare_level_tab(count);
      insertion(hnsw, block, cancel).run(std::max(1u, threads));
    }
    if (cancel.load(std::memory_order_relaxed)) return failure(ec::shutting_down, "the index build was cancelled");
    return flatten(hnsw, count, params.m);
  } catch (const std::exception& e) {  // faiss throws on its own checks, anything on memory
    return failure::internal(std::string("graph build: ") + e.what());
  }
}

}  // namespace waggle
