#include "storage/text/bm25.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cmath>
#include <limits>
#include <utility>

#include "base/work_limit.hpp"

namespace waggle {
namespace {

bool passes(const row_test& test, std::uint32_t row) { return !test || test(row); }

/// One query term found in one row of a document_rows source.
struct term_match {
  std::uint32_t row;
  std::uint32_t term;  // position in the query
  std::uint32_t count;
};

/// The query's terms, ascending, with their positions in the query.
using sorted_terms = std::vector<std::pair<std::uint64_t, std::uint32_t>>;

sorted_terms sort_terms(const query_terms& query) {
  sorted_terms sorted;
  sorted.reserve(query.terms.size());
  for (std::uint32_t i = 0; i < query.terms.size(); ++i) sorted.emplace_back(query.terms[i], i);
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

/// Appends the row's matches in query order. Looks the shorter list up in the longer one.
void match_row(const document_terms& document, std::uint32_t row, const query_terms& query, const sorted_terms& sorted,
               std::vector<term_match>& out) {
  const auto first = out.size();
  if (query.terms.size() <= document.terms.size()) {
    for (std::uint32_t i = 0; i < query.terms.size(); ++i) {
      const auto at = std::lower_bound(document.terms.begin(), document.terms.end(), query.terms[i],
                                       [](const term_frequency& a, std::uint64_t term) { return a.term < term; });
      if (at != document.terms.end() && at->term == query.terms[i]) out.push_back({row, i, at->count});
    }
    return;
  }
  for (const auto& [term, count] : document.terms) {
    const auto at = std::lower_bound(sorted.begin(), sorted.end(), std::pair(term, std::uint32_t{0}));
    if (at != sorted.end() && at->first == term) out.push_back({row, at->second, count});
  }
  std::sort(out.begin() + static_cast<std::ptrdiff_t>(first), out.end(),
            [](const term_match& a, const term_match& b) { return a.term < b.term; });
}

/// Matches of every live row, rows ascending and query order inside a row.
std::vector<term_match> match_rows(const bm25_source& source, const query_terms& query, const sorted_terms& sorted) {
  std::vector<term_match> matches;
  if (!source.documents || source.postings) return matches;
  const auto rows = static_cast<std::uint32_t>(source.documents->rows());
  for (std::uint32_t row = 0; row < rows; ++row)
    if (passes(source.live, row)) match_row(source.documents->at(row), row, query, sorted, matches);
  return matches;
}

std::uint64_t count_live(const bm25_source& source, std::uint64_t term) {
  auto cursor = source.postings->find(term);
  if (!source.live) return cursor.documents();
  std::uint64_t live = 0;
  for (; !cursor.done(); cursor.advance()) live += source.live(cursor.row());
  return live;
}

std::vector<std::uint64_t> count_documents(std::span<const bm25_source> sources, const query_terms& query,
                                           std::span<const std::vector<term_match>> matches) {
  std::vector<std::uint64_t> counts(query.terms.size());
  for (std::size_t s = 0; s < sources.size(); ++s) {
    for (const auto& match : matches[s]) ++counts[match.term];
    if (!sources[s].postings) continue;
    for (std::size_t t = 0; t < counts.size(); ++t) counts[t] += count_live(sources[s], query.terms[t]);
  }
  return counts;
}

/// The formula; the one place where a term's score is computed, so that every kind of source rounds alike.
class term_weights {
 public:
  term_weights(const corpus_stats& stats, std::span<const std::uint64_t> frequency) {
    const double average = stats.documents == 0 || stats.total_length == 0
                               ? 1.0
                               : static_cast<double>(stats.total_length) / static_cast<double>(stats.documents);
    constant_ = bm25_k1 * (1 - bm25_b);
    per_word_ = bm25_k1 * bm25_b / average;
    idf_.reserve(frequency.size());
    for (const auto df : frequency) {
      const auto n = static_cast<double>(std::max(stats.documents, df));
      const auto f = static_cast<double>(df);
      idf_.push_back(std::log(1 + (n - f + 0.5) / (f + 0.5)));
    }
  }
  double score(std::size_t term, std::uint32_t count, std::uint32_t length) const {
    const double c = count;
    return idf_[term] * (c * (bm25_k1 + 1)) / (c + constant_ + per_word_ * length);
  }

 private:
  std::vector<double> idf_;
  double constant_, per_word_;
};

/// Keeps the best k hits: a heap whose top is the worst of them.
class best_hits {
 public:
  best_hits(std::size_t k, hit_before before) : k_(k), before_(before) {}

  /// False when a hit with this score cannot enter. Cheap: asked before the row tests are.
  bool admits(float public_score) const { return heap_.size() < k_ || public_score >= heap_.front().public_score; }

  void offer(const bm25_hit& hit, float public_score) {
    const entry candidate{hit, public_score};
    const auto better = [this](const entry& a, const entry& b) { return ranks_before(a, b); };
    if (heap_.size() == k_) {
      if (!ranks_before(candidate, heap_.front())) return;
      std::pop_heap(heap_.begin(), heap_.end(), better);
      heap_.back() = candidate;
    } else {
      heap_.push_back(candidate);
    }
    std::push_heap(heap_.begin(), heap_.end(), better);
  }

  std::vector<bm25_hit> take() {
    std::sort(heap_.begin(), heap_.end(), [this](const entry& a, const entry& b) { return ranks_before(a, b); });
    std::vector<bm25_hit> hits;
    hits.reserve(heap_.size());
    for (const auto& e : heap_) hits.push_back(e.hit);
    return hits;
  }

 private:
  struct entry {
    bm25_hit hit;
    float public_score;
  };
  bool ranks_before(const entry& a, const entry& b) const {
    if (a.public_score != b.public_score) return a.public_score > b.public_score;
    return before_(a.hit, b.hit);
  }
  std::size_t k_;
  hit_before before_;
  std::vector<entry> heap_;
};

struct search_state {
  search_state(const query_terms& q, const term_weights& w, best_hits& b) : query(q), weights(w), best(b) {
    for (std::size_t t = 0; t < q.counts.size(); ++t) exact_sum += w.score(t, q.counts[t], q.length);
  }
  const query_terms& query;
  const term_weights& weights;
  best_hits& best;
  /// What the query's own text scores: same words, so same counts, same length, same roundings. A document with another
  /// sum needs no look at its fingerprint, which would be a cache miss.
  double exact_sum = 0;

  bool may_be_exact(double sum) const { return sum == exact_sum && query.fingerprint != 0; }

  void consider(const bm25_source& source, std::uint32_t source_number, std::uint32_t row, double sum, bool exact) {
    const auto score = static_cast<float>(sum);
    const float public_score = text_score(score, exact);
    if (!best.admits(public_score) || !passes(source.live, row) || !passes(source.accept, row)) return;
    best.offer({source_number, row, score, exact}, public_score);
  }
};

void search_documents(const bm25_source& source, std::uint32_t number, std::span<const term_match> matches,
                      search_state& state) {
  for (std::size_t i = 0; i < matches.size();) {
    const auto row = matches[i].row;
    const auto& document = source.documents->at(row);
    double sum = 0;
    for (; i < matches.size() && matches[i].row == row; ++i)
      sum += state.weights.score(matches[i].term, matches[i].count, document.length);
    state.consider(source, number, row, sum,
                   state.may_be_exact(sum) && document.fingerprint == state.query.fingerprint);
  }
}

/// Windows of rows whose sums fit the first-level cache: within a window term after term, so each row's sum still grows
/// in query order; the windows advance together, so no term is read twice (Lucene's BooleanScorer works the same way).
class window_scorer {
 public:
  static constexpr std::uint32_t window_rows = 2048;

  window_scorer(const bm25_source& source, const search_state& state) : postings_(*source.postings) {
    for (std::uint32_t t = 0; t < state.query.terms.size(); ++t)
      if (auto cursor = postings_.find(state.query.terms[t]); !cursor.done()) lists_.push_back({cursor, t});
  }

  void run(const bm25_source& source, std::uint32_t number, search_state& state) {
    while (!lists_.empty()) {
      work_limit::check();
      std::uint32_t first = std::numeric_limits<std::uint32_t>::max();
      for (const auto& list : lists_) first = std::min(first, list.cursor.row());
      add_window(first, state.weights);
      for (std::size_t word = 0; word < touched_.size(); ++word) {
        for (auto bits = std::exchange(touched_[word], 0); bits != 0; bits &= bits - 1) {
          const auto slot = static_cast<std::uint32_t>(word * 64 + static_cast<unsigned>(std::countr_zero(bits)));
          const auto row = first + slot;
          const double sum = std::exchange(sums_[slot], 0.0);
          state.consider(source, number, row, sum,
                         state.may_be_exact(sum) && postings_.fingerprint(row) == state.query.fingerprint);
        }
      }
      std::erase_if(lists_, [](const open_list& list) { return list.cursor.done(); });
    }
  }

 private:
  struct open_list {
    posting_cursor cursor;
    std::uint32_t term;
  };

  void add_window(std::uint32_t first, const term_weights& weights) {
    for (auto& list : lists_) {
      auto cursor = list.cursor;  // a copy, so that it can live in registers
      for (; !cursor.done() && cursor.row() - first < window_rows; cursor.advance()) {
        const auto slot = cursor.row() - first;
        sums_[slot] += weights.score(list.term, cursor.count(), postings_.length(cursor.row()));
        touched_[slot / 64] |= std::uint64_t{1} << (slot % 64);
      }
      list.cursor = cursor;
    }
  }

  const postings_view& postings_;
  std::vector<open_list> lists_;  // in query order
  std::array<double, window_rows> sums_{};
  std::array<std::uint64_t, window_rows / 64> touched_{};
};

std::vector<std::vector<term_match>> match_all(std::span<const bm25_source> sources, const query_terms& query) {
  const auto sorted = sort_terms(query);
  std::vector<std::vector<term_match>> matches;
  matches.reserve(sources.size());
  for (const auto& source : sources) matches.push_back(match_rows(source, query, sorted));
  return matches;
}

}  // namespace

float text_score(float bm25, bool exact) {
  if (exact) return 1;
  // Rounding must not lift a long query's score to the value that only exact matches have.
  constexpr float below_one = 1 - std::numeric_limits<float>::epsilon();
  return std::min(bm25 / (bm25 + 8), below_one);
}

std::vector<std::uint64_t> count_documents(std::span<const bm25_source> sources, const query_terms& query) {
  return count_documents(sources, query, match_all(sources, query));
}

std::vector<bm25_hit> bm25_search(std::span<const bm25_source> sources, const query_terms& query, std::size_t k,
                                  const corpus_stats& stats, hit_before before) {
  assert(query.counts.size() == query.terms.size());
  assert(stats.document_frequency.empty() || stats.document_frequency.size() == query.terms.size());
  if (k == 0 || query.terms.empty()) return {};
  const auto matches = match_all(sources, query);
  std::vector<std::uint64_t> counted;
  if (stats.document_frequency.empty()) counted = count_documents(sources, query, matches);
  const term_weights weights(stats, counted.empty() ? stats.document_frequency : counted);
  best_hits best(k, before);
  search_state state(query, weights, best);
  for (std::uint32_t s = 0; s < sources.size(); ++s) {
    if (sources[s].postings) {
      window_scorer(sources[s], state).run(sources[s], s, state);
    } else {
      search_documents(sources[s], s, matches[s], state);
    }
  }
  return best.take();
}

float dot_sparse(const sparse_vector& a, const sparse_vector& b) {
  double sum = 0;
  std::size_t i = 0, j = 0;
  const auto a_size = std::min(a.indices.size(), a.values.size());
  const auto b_size = std::min(b.indices.size(), b.values.size());
  while (i < a_size && j < b_size) {
    if (a.indices[i] < b.indices[j]) {
      ++i;
    } else if (b.indices[j] < a.indices[i]) {
      ++j;
    } else {
      sum += static_cast<double>(a.values[i++]) * static_cast<double>(b.values[j++]);
    }
  }
  return static_cast<float>(sum);
}

}  // namespace waggle
