#pragma once
// Approximate search: our walk over an HNSW graph. Any thread; each brings its own `search_scratch`.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "storage/index/graph_view.hpp"
#include "storage/index/row_filter.hpp"
#include "storage/index/top_k.hpp"
#include "storage/index/vector_block.hpp"

namespace waggle {

/// Rows seen by the current search: a byte per row that holds the search's number, so that starting over costs nothing
/// except once in 255 searches. Grows to the largest graph it meets.
class visited_set {
 public:
  void begin(std::size_t rows);
  /// True the first time that `row` is asked about.
  bool insert(std::uint32_t row) {
    if (tags_[row] == epoch_) return false;
    tags_[row] = epoch_;
    return true;
  }
  void prefetch(std::uint32_t row) const { __builtin_prefetch(&tags_[row], 1); }

 private:
  std::vector<std::uint8_t> tags_;
  std::uint8_t epoch_ = 0;
};

/// Memory that one thread reuses from search to search, over any graphs.
class search_scratch {
 public:
  /// A row of the beam.
  struct candidate {
    float distance;
    std::uint32_t row;  ///< the top bit says that it has been expanded: rows are below 2^31
  };

 private:
  friend class graph_walk;
  visited_set visited_;
  std::vector<candidate> beam_;
  std::vector<std::uint32_t> fresh_;
  std::vector<float> distances_;
};

struct search_stats {
  std::size_t visited_nodes = 0;  ///< rows whose neighbours were looked at
  std::size_t distances = 0;      ///< distances computed
};

/// The nearest rows that `accept` lets through, added to `out`. The walk keeps the best max(ef, out.k()) rows in sight,
/// refused ones too, because the way to an accepted row may lead over them; so when few rows are accepted it finds few,
/// and `scan_rows` is the better choice. Terminates after at most `graph.count` expansions. Requires graph.count <=
/// block.count.
search_stats search_graph(const graph_view& graph, const vector_block& block, const prepared_query& query,
                          std::size_t ef, const row_filter& accept, top_k& out, search_scratch& scratch);

}  // namespace waggle
