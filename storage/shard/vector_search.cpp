// Dense vector search over the runs of one or more views.
//
//   run ── graph? ──no───────────────────────────────► scan ─┐
//            │ yes                                            ├─► ranking
//            └─ filter? few matches expected ─────────► scan ─┤
//                 │ no, or many                               │
//                 └─► walk ── too few ────────────────► scan ─┤
//                       └──── enough ─────────────────────────┘
//
// A filter reads JSON at a random place, which costs more than a distance. Where a fair share of the rows matches, a
// scan therefore puts the rows in order of distance first and asks the filter nearest first until enough match:
// limit/share times instead of once a row. Where hardly any matches, every row is asked anyway: then in the order of
// memory, and only those that match get a distance. Both are exact.
#include <algorithm>
#include <cmath>

#include "base/limits.hpp"
#include "storage/index/graph_search.hpp"
#include "storage/shard/ranking.hpp"

namespace waggle {
namespace {

constexpr std::size_t batch_rows = 256;
// Rows asked to learn what part of a run matches.
constexpr std::uint32_t sample_rows = 64;
constexpr std::uint32_t golden_ratio = 0x9e3779b9;  // of 2^32
// Fewer matches in the sample say nothing about how many there are.
constexpr std::size_t sample_matches_min = 3;
// A walk whose beam is wider than this part of the rows costs more than scanning them.
constexpr std::size_t beam_share = 16;
// A walk looks for this many times the rows it needs, for the same recall as without a filter.
constexpr double filtered_reach = 3;

/// Nearest last while it is a heap built with this.
bool farther(const neighbor& a, const neighbor& b) { return b < a; }

class stopwatch {
 public:
  explicit stopwatch(const clock* time) : time_(time), start_(now()) {}
  std::int64_t us() const { return now() - start_; }

 private:
  std::int64_t now() const { return time_ ? time_->steady_us() : 0; }
  const clock* time_;
  std::int64_t start_;
};

class vector_search {
 public:
  vector_search(std::span<const shard_view* const> shards, const vector_query& query)
      : query_(query),
        parts_(parts_of(shards)),
        prepared_(shards.front()->measure(), query.vector),
        accept_(query.accept, explain_.filter_evaluations),
        ranking_(shards.front()->measure(), query.limit, query.threshold, parts_),
        ef_(std::min(query.ef != 0 ? query.ef : shards.front()->ef_search(), limits::ef_search_max)) {}

  search_hits run() {
    const stopwatch total(query_.time);
    for (std::uint32_t p = 0; p < parts_.size() && query_.limit != 0; ++p) search_part(p);
    search_hits out;
    out.hits = ranking_.take();
    explain_.total_us = total.us();
    out.explain = explain_;
    return out;
  }

 private:
  /// What a sample of a part's visible rows says about the filter.
  struct matching_sample {
    std::size_t asked = 0;
    std::size_t matched = 0;
    double share() const { return static_cast<double>(matched) / static_cast<double>(asked); }
  };

  void search_part(std::uint32_t p) {
    const stopwatch sampling(query_.time);
    const auto sample = accept_.accepts_all() ? matching_sample{1, 1} : take_sample(parts_[p]);
    explain_.filter_us += sampling.us();
    const auto* file = parts_[p].rows().file();
    const auto* graph = file && !query_.exact ? file->graph() : nullptr;
    if (const auto beam = graph ? beam_for(parts_[p], sample) : 0; beam != 0) {
      const stopwatch walking(query_.time);
      const bool answered = walk(p, *graph, beam);
      explain_.graph_us += walking.us();
      if (answered) return;
    } else {
      ++explain_.runs_scanned;
    }
    const stopwatch scanning(query_.time);
    if (accept_.accepts_all() || sample.matched != 0)
      scan(p);
    else
      scan_matching(p);
    explain_.scan_us += scanning.us();
  }

  /// Spread by the golden ratio: even steps would fall in with a pattern of the rows.
  matching_sample take_sample(const searched_part& part) const {
    matching_sample sample;
    for (std::uint32_t i = 1; i <= sample_rows; ++i) {
      const auto row = static_cast<std::uint32_t>((std::uint64_t{i * golden_ratio} * part.count()) >> 32);
      if (!part.visible(row)) continue;
      ++sample.asked;
      if (accept_(part, row)) ++sample.matched;
    }
    return sample;
  }

  /// How many rows a walk must look for; 0 = better to scan.
  std::size_t beam_for(const searched_part& part, const matching_sample& sample) const {
    const auto need = std::min(query_.limit, part.live());
    auto beam = static_cast<double>(std::max(ef_, need));
    if (!accept_.accepts_all()) {
      if (sample.matched < sample_matches_min) return 0;
      beam = std::max(beam, filtered_reach * static_cast<double>(need) / sample.share());
    }
    const auto most = std::min(limits::ef_search_max, part.live() / beam_share);
    const bool worth = beam <= static_cast<double>(std::max(most, ef_)) && beam < static_cast<double>(part.live() / 2);
    return worth ? static_cast<std::size_t>(beam) : 0;
  }

  /// False: the part must be scanned. Nothing was offered then.
  bool walk(std::uint32_t p, const graph_view& graph, std::size_t beam) {
    const auto& part = parts_[p];
    const auto s = part.rows().stretch_at(0);
    const auto visible = [&](std::uint32_t row) { return s.visible(row, part.as_of); };
    static thread_local search_scratch scratch;
    top_k nearest(beam);
    const auto stats = search_graph(graph, s.block, prepared_, ef_, visible, nearest, scratch);
    explain_.visited_nodes += stats.visited_nodes;
    explain_.distances += stats.distances;
    ++explain_.graphs_walked;
    if (offer_walked(p, nearest.sorted())) return true;
    ++explain_.walks_abandoned;
    return false;
  }

  /// False when the walk found fewer rows than the part owes.
  bool offer_walked(std::uint32_t p, std::span<const neighbor> nearest) {
    const auto& part = parts_[p];
    const auto need = std::min(query_.limit, part.live());
    std::vector<neighbor> matched;
    bool rest_unwanted = false;
    for (const auto& n : nearest) {
      rest_unwanted = !ranking_.wants(n.distance);
      // Past the last one needed only rows of the same score can still matter.
      if (rest_unwanted || (matched.size() >= need && score(n) != score(matched.back()))) break;
      if (accept_(part, n.row)) matched.push_back(n);
    }
    if (matched.size() < need && !rest_unwanted) return false;
    for (const auto& n : matched) ranking_.offer(p, n.row, n.distance);
    return true;
  }

  float score(const neighbor& n) const { return ranking::score(prepared_.measure(), n.distance); }

  /// Distance first, filter nearest first.
  void scan(std::uint32_t p) {
    const auto& part = parts_[p];
    std::vector<neighbor> candidates;
    for_each_stretch(part.rows(), part.count(), [&](const row_run::stretch& s, std::size_t rows) {
      for (std::size_t first = 0; first < rows; first += batch_rows)
        scan_batch(p, s, first, std::min(batch_rows, rows - first), candidates);
    });
    if (accept_.accepts_all()) return;
    std::make_heap(candidates.begin(), candidates.end(), farther);
    while (!candidates.empty() && ranking_.wants(candidates.front().distance)) {
      const auto n = candidates.front();
      std::pop_heap(candidates.begin(), candidates.end(), farther);
      candidates.pop_back();
      if (accept_(part, n.row)) ranking_.offer(p, n.row, n.distance);
    }
  }

  /// Filter first, in the order of memory.
  void scan_matching(std::uint32_t p) {
    const auto& part = parts_[p];
    for_each_stretch(part.rows(), part.count(), [&](const row_run::stretch& s, std::size_t rows) {
      for (std::size_t i = 0; i < rows; ++i) {
        const auto row = static_cast<std::uint32_t>(s.first + i);
        if (!s.visible(i, part.as_of) || !accept_(part, row)) continue;
        const auto offset = static_cast<std::uint32_t>(i);
        float distance = 0;
        distances_to(s.block, prepared_, &offset, 1, &distance);
        ++explain_.distances;
        ranking_.offer(p, row, distance);
      }
    });
  }

  /// Distances of all rows; what may be wanted goes to the ranking or, if the filter has a say, to `candidates`.
  void scan_batch(std::uint32_t p, const row_run::stretch& s, std::size_t first, std::size_t rows,
                  std::vector<neighbor>& candidates) {
    work_limit::check();
    float distances[batch_rows];
    vector_block batch = s.block;
    batch.data += first * batch.dimension;
    if (batch.inverse_norms) batch.inverse_norms += first;
    batch.count = rows;
    distances_to(batch, prepared_, nullptr, rows, distances);
    explain_.distances += rows;
    const auto as_of = parts_[p].as_of;
    for (std::size_t i = 0; i < rows; ++i) {
      if (distances[i] > ranking_.bound() || !s.visible(first + i, as_of)) continue;
      const auto row = static_cast<std::uint32_t>(s.first + first + i);
      if (accept_.accepts_all())
        ranking_.offer(p, row, distances[i]);
      else
        candidates.push_back({distances[i], row});
    }
  }

  const vector_query& query_;
  std::vector<searched_part> parts_;
  prepared_query prepared_;
  search_explain explain_;
  row_acceptor accept_;
  ranking ranking_;
  std::size_t ef_;
};

result<search_hits> search_views(std::span<const shard_view* const> shards, const vector_query& query) {
  if (shards.empty()) return search_hits{};
  for (const auto* view : shards) {
    if (view->dimension() != query.vector.size()) return failure(ec::dimension_mismatch);
    if (view->measure() != shards.front()->measure())
      return failure::internal("shards of one collection differ in metric");
  }
  return vector_search(shards, query).run();
}

}  // namespace

result<search_hits> shard_view::search(views shards, const vector_query& query) {
  std::vector<const shard_view*> plain;
  for (const auto& view : shards) plain.push_back(view.get());
  return search_views(plain, query);
}

result<search_hits> shard_view::search(const vector_query& query) const {
  const shard_view* self = this;
  return search_views({&self, 1}, query);
}

}  // namespace waggle
