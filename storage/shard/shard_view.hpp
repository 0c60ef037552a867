#pragma once
// What a shard was at one seq: immutable, shared, searched by any thread while the writer goes on. Every question has
// two forms: about one view, and about the views of all shards of a collection, which answer as one.
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "storage/payload/filter.hpp"
#include "storage/shard/row_run.hpp"
#include "storage/types.hpp"

namespace waggle {

/// A row as a view found it. `row` is valid as long as `owner`. The row's version is `row.seq`.
struct found_row {
  std::shared_ptr<const row_run> owner;
  row_fields row;
};

struct search_hit : found_row {
  float score = 0;     ///< finite, higher is better; for vectors as in contract rest.md §1
  float distance = 0;  ///< Euclidean vector search only, else 0
};

/// What a search did. Times are 0 unless the query named a clock.
struct search_explain {
  std::uint64_t visited_nodes = 0;       ///< graph rows whose neighbours were looked at
  std::uint64_t distances = 0;           ///< vectors compared with the query
  std::uint64_t filter_evaluations = 0;  ///< rows the user's filter was asked about
  std::uint32_t graphs_walked = 0;
  std::uint32_t runs_scanned = 0;     ///< runs of rows searched exactly by choice (no graph, small, or few matches)
  std::uint32_t walks_abandoned = 0;  ///< graph walks that found too little and were followed by an exact scan
  std::int64_t graph_us = 0;
  std::int64_t scan_us = 0;
  std::int64_t filter_us = 0;  ///< sampling how many rows match; other evaluations are inside the two above
  std::int64_t total_us = 0;
};

/// By score descending, ties by id bytes ascending.
struct search_hits {
  std::vector<search_hit> hits;
  search_explain explain;
};

struct vector_query {
  std::span<const float> vector;
  std::size_t limit = 0;
  std::optional<float> threshold;  ///< least score
  const filter* accept = nullptr;  ///< null: every row
  std::size_t ef = 0;              ///< beam of graph walks; 0 = the collection's
  bool exact = false;              ///< no graph
  const clock* time = nullptr;     ///< for the explain times
};

struct text_query {
  std::string_view text;
  std::size_t limit = 0;
  std::optional<float> threshold;
  const filter* accept = nullptr;
};

class shard_view {
 public:
  using view_ptr = std::shared_ptr<const shard_view>;
  using views = std::span<const view_ptr>;

  /// Rows `0 .. count-1` of a run; `live` of them are visible.
  struct part {
    std::shared_ptr<const row_run> rows;
    std::size_t count = 0;
    std::size_t live = 0;
  };
  struct totals {
    std::uint64_t rows = 0;         ///< live rows
    std::uint64_t text_rows = 0;    ///< live rows with text
    std::uint64_t text_length = 0;  ///< their words
    std::uint64_t bytes = 0;        ///< vectors, payloads, sparse vectors and ids of live rows
  };
  shard_view(metric measure, std::size_t dimension, std::size_t ef_search, seq_no as_of, std::vector<part> parts,
             totals live, run_bytes memory)
      : measure_(measure),
        dimension_(dimension),
        ef_search_(ef_search),
        as_of_(as_of),
        parts_(std::move(parts)),
        live_(live),
        memory_(memory) {}

  metric measure() const { return measure_; }
  std::size_t dimension() const { return dimension_; }
  std::size_t ef_search() const { return ef_search_; }
  seq_no as_of() const { return as_of_; }
  std::size_t live_count() const { return live_.rows; }
  const totals& live() const { return live_; }
  /// Everything the view holds on to, dead rows and mapped files included.
  const run_bytes& memory() const { return memory_; }
  const std::vector<part>& parts() const { return parts_; }

  /// Nearest rows. With or without a filter and however many rows are deleted: exactly min(limit, matches) hits.
  /// Which rows: exact where no graph is walked, else approximate; order and scores are exact always.
  /// Errors: dimension_mismatch.
  static result<search_hits> search(views shards, const vector_query& query);
  result<search_hits> search(const vector_query& query) const;

  /// BM25 over payload.content with the statistics of all the shards; exact. Score: `text_score`.
  static search_hits search_text(views shards, const text_query& query);
  search_hits search_text(const text_query& query) const;

  /// Inner product with the rows that share an index with `query`; exact.
  static search_hits search_sparse(views shards, const sparse_vector& query, std::size_t limit,
                                   const filter* accept = nullptr);
  search_hits search_sparse(const sparse_vector& query, std::size_t limit, const filter* accept = nullptr) const;

  /// Rows that match; null: all live rows.
  static std::size_t count(views shards, const filter* accept);
  std::size_t count(const filter* accept) const;

  /// The first `limit` matching rows with an id greater than `after_id`, by id bytes ascending.
  static std::vector<found_row> matching(views shards, const filter* accept, std::size_t limit,
                                         std::string_view after_id = {});
  std::vector<found_row> matching(const filter* accept, std::size_t limit, std::string_view after_id = {}) const;

 private:
  metric measure_;
  std::size_t dimension_;
  std::size_t ef_search_;
  seq_no as_of_;
  std::vector<part> parts_;
  totals live_;
  run_bytes memory_;
};

}  // namespace waggle
