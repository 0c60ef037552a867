#pragma once
// The metrics of searches and inserts (contract metrics.md §2). The label `collection` is empty, or the collection's
// canonical name when `metrics.collection_labels` is on; names past the cap count under `_other`. Owned by the pipeline; any thread.
#include <map>
#include <string>
#include <string_view>

#include "net/metrics/metrics.hpp"

namespace waggle::rest {

enum class work_kind : std::uint8_t { none, vector_search, text_search, hybrid_search, insert };
/// What a route's function does, as these metrics see it.
work_kind work_kind_of(std::string_view function);

/// What one request did.
struct work_done {
  work_kind kind = work_kind::none;
  std::string collection;  ///< one that exists; "" = none, or not to be named
  bool ok = true;
  double seconds = 0;
  std::size_t results = 0;        ///< of a search
  std::uint64_t visited_nodes = 0;  ///< by its graph walks
};

class work_metrics {
 public:
  explicit work_metrics(metric_registry& registry);
  void count(const work_done& done);

 private:
  /// One (kind, collection): looked up once for the empty label.
  struct cells {
    counter_cell* ok = nullptr;
    counter_cell* error = nullptr;
    histogram_cell* seconds = nullptr;
    histogram_cell* results = nullptr;  ///< null for inserts
  };
  cells find(work_kind kind, std::string_view collection);

  metric_family& searches_;
  metric_family& search_seconds_;
  metric_family& search_results_;
  metric_family& inserts_;
  histogram_cell& insert_seconds_;
  histogram_cell& visited_nodes_;
  std::map<work_kind, cells> unnamed_;  ///< immutable after construction
};

/// Upper bounds of request times, seconds.
std::vector<double> latency_bounds();

}  // namespace waggle::rest
