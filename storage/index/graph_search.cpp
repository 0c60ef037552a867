#include "storage/index/graph_search.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <limits>

namespace waggle {
namespace {

constexpr std::uint32_t expanded_bit = 0x80000000;
constexpr std::size_t slots_per_line = 64 / sizeof(std::uint32_t);
constexpr std::size_t floats_per_line = 64 / sizeof(float);
// Asked for as soon as a row is known to be needed; of longer rows the kernel asks for the rest, group by group.
// Measured on 100,000 x 128: 8 lines give 20-25 % more queries than one, and prefetching for the row after this one
// gives nothing more.
constexpr std::size_t row_prefetch_floats_max = 8 * floats_per_line;

}  // namespace

void visited_set::begin(std::size_t rows) {
  if (rows > tags_.size()) tags_.resize(rows, 0);
  if (++epoch_ == 0) {
    std::fill(tags_.begin(), tags_.end(), std::uint8_t{0});
    epoch_ = 1;
  }
}

/// One search. The beam is an array sorted by distance: for the ef that people use it beats two heaps, because most
/// insertions land near the end and the next row to expand is known early enough to prefetch.
class graph_walk {
  using candidate = search_scratch::candidate;

 public:
  graph_walk(const graph_view& graph, const vector_block& block, const prepared_query& query, std::size_t width,
             search_scratch& scratch)
      : graph_(graph),
        block_(block),
        query_(query),
        s_(scratch),
        width_(width),
        prefetch_floats_(std::min(block.dimension, row_prefetch_floats_max)) {
    const std::size_t list = std::max<std::size_t>(graph.stride, graph.m);
    if (s_.fresh_.size() < list) {
      s_.fresh_.resize(list);
      s_.distances_.resize(list);
    }
    if (s_.beam_.size() < width + 1) s_.beam_.resize(width + 1);
    s_.visited_.begin(graph.count);
  }

  /// Greedy descent (algorithm 5 of the paper with ef = 1) to the row where level 0 starts.
  neighbor descend() {
    neighbor at{0, graph_.entry_point};
    distances_to(block_, query_, &at.row, 1, &at.distance);
    ++stats_.distances;
    for (std::uint32_t level = graph_.max_level; level > 0; --level) {
      for (bool moved = true; moved;) {
        const std::uint32_t* list = graph_.upper_list(at.row, level);
        const std::size_t n = static_cast<std::size_t>(std::find(list, list + graph_.m, no_row) - list);
        distances_to(block_, query_, list, n, s_.distances_.data());
        stats_.distances += n;
        ++stats_.visited_nodes;
        moved = false;
        for (std::size_t i = 0; i < n; ++i) {
          if (s_.distances_[i] < at.distance) {
            at = {s_.distances_[i], list[i]};
            moved = true;
          }
        }
      }
    }
    return at;
  }

  /// Beam search on level 0. `seen(neighbor)` gets every row whose distance was computed.
  template <class Seen>
  void walk(const neighbor& start, Seen&& seen) {
    s_.visited_.insert(start.row);
    insert(start);
    seen(start);
    std::size_t at = 0;
    while (at < size_) {
      candidate& here = s_.beam_[at];
      if (here.row & expanded_bit) {
        ++at;
        continue;
      }
      const std::uint32_t row = here.row;
      here.row |= expanded_bit;
      ++stats_.visited_nodes;
      const std::size_t n = fresh_neighbours(row);
      prefetch_list(at + 1);
      distances_to(block_, query_, s_.fresh_.data(), n, s_.distances_.data());
      stats_.distances += n;
      std::size_t nearest = at + 1;
      for (std::size_t i = 0; i < n; ++i) {
        const neighbor found{s_.distances_[i], s_.fresh_[i]};
        seen(found);
        if (size_ == width_ && !(found.distance < s_.beam_[size_ - 1].distance)) continue;
        nearest = std::min(nearest, insert(found));
      }
      at = nearest;
      prefetch_list(at);
    }
  }

  std::size_t beam_size() const { return size_; }
  neighbor beam_at(std::size_t i) const { return {s_.beam_[i].distance, s_.beam_[i].row & ~expanded_bit}; }
  const search_stats& stats() const { return stats_; }

 private:
  std::size_t fresh_neighbours(std::uint32_t row) {
    const std::uint32_t* list = graph_.level0_list(row);
    for (std::uint32_t i = 0; i < graph_.stride && list[i] != no_row; ++i) s_.visited_.prefetch(list[i]);
    std::size_t n = 0;
    for (std::uint32_t i = 0; i < graph_.stride && list[i] != no_row; ++i) {
      if (!s_.visited_.insert(list[i])) continue;
      s_.fresh_[n++] = list[i];
      const float* row_data = block_.row(list[i]);
      for (std::size_t f = 0; f < prefetch_floats_; f += floats_per_line) __builtin_prefetch(row_data + f);
      if (block_.inverse_norms) __builtin_prefetch(block_.inverse_norms + list[i]);
    }
    return n;
  }

  void prefetch_list(std::size_t i) const {
    if (i >= size_) return;
    const std::uint32_t* list = graph_.level0_list(s_.beam_[i].row & ~expanded_bit);
    for (std::size_t slot = 0; slot < graph_.stride; slot += slots_per_line) __builtin_prefetch(list + slot);
  }

  /// Puts `n` in its place, pushing out the farthest when the beam is full; returns the place.
  std::size_t insert(const neighbor& n) {
    candidate* beam = s_.beam_.data();
    const candidate* place =
        std::upper_bound(beam, beam + size_, n.distance, [](float d, const candidate& c) { return d < c.distance; });
    const std::size_t at = static_cast<std::size_t>(place - beam);
    if (size_ == width_) --size_;
    std::memmove(beam + at + 1, beam + at, (size_ - at) * sizeof(candidate));
    beam[at] = {n.distance, n.row};
    ++size_;
    return at;
  }

  const graph_view& graph_;
  const vector_block& block_;
  const prepared_query& query_;
  search_scratch& s_;
  const std::size_t width_;
  const std::size_t prefetch_floats_;
  std::size_t size_ = 0;
  search_stats stats_;
};

search_stats search_graph(const graph_view& graph, const vector_block& block, const prepared_query& query,
                          std::size_t ef, const row_filter& accept, top_k& out, search_scratch& scratch) {
  assert(graph.count <= block.count);
  assert(query.dimension() == block.dimension && query.measure() == block.measure);
  if (graph.count == 0 || out.k() == 0) return {};
  const std::size_t width = std::min<std::size_t>(std::max({ef, out.k(), std::size_t{1}}), graph.count);
  graph_walk walk(graph, block, query, width, scratch);
  const neighbor start = walk.descend();
  if (accept.accepts_all()) {
    walk.walk(start, [](const neighbor&) {});
    for (std::size_t i = 0; i < walk.beam_size(); ++i) out.push(walk.beam_at(i));
  } else {
    // Every accepted row in reach counts, also one that the beam had no room for.
    walk.walk(start, [&](const neighbor& n) {
      if (out.wants(n) && accept(n.row)) out.push(n);
    });
  }
  return walk.stats();
}

}  // namespace waggle
