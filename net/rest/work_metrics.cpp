#include "net/rest/work_metrics.hpp"

namespace waggle::rest {
namespace {
constexpr std::size_t series_max = 1000;  ///< collections × types; contract metrics.md §4
const std::vector<double> result_bounds{0, 1, 5, 10, 25, 50, 100, 250, 500, 1000};
const std::vector<double> node_bounds{0, 10, 30, 100, 300, 1000, 3000, 10000, 30000, 100000};

std::string_view search_type(work_kind kind) {
  switch (kind) {
    case work_kind::vector_search: return "vector";
    case work_kind::text_search: return "text";
    case work_kind::hybrid_search: return "hybrid";
    default: return {};
  }
}
}  // namespace

std::vector<double> latency_bounds() {
  return {.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5};
}

work_kind work_kind_of(std::string_view function) {
  if (function == "search" || function == "batch_search" || function == "explain_search")
    return work_kind::vector_search;
  if (function == "search_hybrid") return work_kind::hybrid_search;
  if (function == "search_semantic" || function == "search_intelligent" || function == "contextual_search" ||
      function == "multi_collection_search")
    return work_kind::text_search;
  return function.find("insert") == function.npos ? work_kind::none : work_kind::insert;
}

work_metrics::work_metrics(metric_registry& registry)
    : searches_(registry.family(metric_kind::counter, "vectorizer_search_requests_total", "Search requests",
                                {"collection", "search_type", "status"}, {}, series_max)),
      search_seconds_(registry.family(metric_kind::histogram, "vectorizer_search_latency_seconds",
                                      "Search requests, from head to answer", {"collection", "search_type"},
                                      latency_bounds(), series_max)),
      search_results_(registry.family(metric_kind::histogram, "vectorizer_search_results_count",
                                      "Results of a search request", {"collection", "search_type"}, result_bounds,
                                      series_max)),
      inserts_(registry.family(metric_kind::counter, "vectorizer_insert_requests_total", "Insert requests",
                               {"collection", "status"}, {}, series_max)),
      insert_seconds_(registry.histogram("vectorizer_insert_latency_seconds", "Insert requests, from head to answer",
                                         latency_bounds())),
      visited_nodes_(registry.histogram("waggle_search_visited_nodes",
                                        "Graph nodes whose neighbours a search request looked at", node_bounds)) {
  for (const auto kind :
       {work_kind::vector_search, work_kind::text_search, work_kind::hybrid_search, work_kind::insert})
    unnamed_.emplace(kind, find(kind, ""));
}

work_metrics::cells work_metrics::find(work_kind kind, std::string_view collection) {
  if (kind == work_kind::insert)
    return {&inserts_.counter({collection, "ok"}), &inserts_.counter({collection, "error"}), &insert_seconds_, nullptr};
  const auto type = search_type(kind);
  return {&searches_.counter({collection, type, "ok"}), &searches_.counter({collection, type, "error"}),
          &search_seconds_.histogram({collection, type}), &search_results_.histogram({collection, type})};
}

void work_metrics::count(const work_done& done) {
  if (done.kind == work_kind::none) return;
  const auto to = done.collection.empty() ? unnamed_.at(done.kind) : find(done.kind, done.collection);
  to.seconds->observe(done.seconds);
  (done.ok ? to.ok : to.error)->add();
  if (!to.results || !done.ok) return;
  to.results->observe(static_cast<double>(done.results));
  visited_nodes_.observe(static_cast<double>(done.visited_nodes));
}

}  // namespace waggle::rest
