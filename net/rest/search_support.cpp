#include "net/rest/search_support.hpp"

#include <map>

#include "net/rest/write_support.hpp"

namespace waggle::rest {

void write_hits(json_writer& w, const search_hits& hits, const result_options& show, bool distances) {
  w.begin_array();
  for (const auto& hit : hits.hits) {
    result_row row{.id = hit.row.id, .score = hit.score, .vector = hit.row.vector, .payload = hit.row.payload};
    row.has_distance = distances;
    row.distance = hit.distance;
    write_result(w, row, show);
  }
  w.end_array();
}

std::string write_search(const search_hits& hits, const search_answer& a, const result_options& show, metric measure,
                         std::int64_t duration_us) {
  std::string out;
  const std::size_t vector_bytes = show.vectors && !hits.hits.empty() ? hits.hits.front().row.vector.size() * 26 : 0;
  out.reserve(256 + hits.hits.size() * (96 + vector_bytes));
  json_writer w(out);
  w.begin_object().key("results");
  write_hits(w, hits, show, measure == metric::euclidean && a.query_type == "vector");
  w.member("total", hits.hits.size()).member("total_results", hits.hits.size()).member("limit", a.limit);
  w.member("collection", a.collection).member("query_type", a.query_type);
  if (!a.query.empty()) w.member("query", a.query);
  w.member("duration_ms", static_cast<double>(duration_us) / 1000);
  if (!a.extra.empty()) {
    out += ',';
    out += a.extra;
  }
  w.end_object();
  return out;
}

result<search_hits> search_hybrid_views(shard_view::views views, const hybrid_query& q) {
  const auto* accept = q.accept ? &*q.accept : nullptr;
  vector_query dense_query{.vector = q.vector, .limit = q.dense_k, .accept = accept};
  auto dense = shard_view::search(views, dense_query);
  if (!dense) return dense.error();
  search_hits sparse = q.sparse.empty()
                           ? shard_view::search_text(views, {.text = q.text, .limit = q.sparse_k, .accept = accept})
                           : shard_view::search_sparse(views, q.sparse, q.sparse_k, accept);
  // Ids point into rows that the hits keep alive.
  std::map<std::string_view, const search_hit*> rows;
  const auto ranks = [&](const search_hits& list) {
    std::vector<ranked<std::string_view>> out;
    for (const auto& hit : list.hits) {
      rows.emplace(hit.row.id, &hit);
      out.push_back({hit.row.id, hit.score});
    }
    return out;
  };
  const auto dense_ranks = ranks(*dense), sparse_ranks = ranks(sparse);
  search_hits fused;
  fused.explain = dense->explain;
  for (const auto& r : fuse_hybrid(q.algorithm, q.alpha, dense_ranks, sparse_ranks, q.limit)) {
    search_hit hit = *rows.at(r.key);
    hit.score = r.score;
    hit.distance = 0;
    fused.hits.push_back(std::move(hit));
  }
  return fused;
}

boost::asio::awaitable<result<search_hits>> search_by_text(handler_context& c,
                                                           std::shared_ptr<const collection_reader> reader,
                                                           std::string text, search_options options) {
  const auto& config = reader->record().config;
  if (config.embedding_provider == "bm25") {
    auto work = c.db.compute(c.scope, [reader, text = std::move(text), options = std::move(options)] {
      text_query q{.text = text, .limit = options.limit, .threshold = options.threshold};
      if (options.accept) q.accept = &*options.accept;
      const auto views = reader->views();
      return result<search_hits>(shard_view::search_text(views, q));
    });
    auto hits = co_await std::move(work);
    if (hits) c.scope.saw_results(hits->hits.size(), 0);
    co_return hits;
  }
  std::vector<std::string> texts(1, std::move(text));
  auto vectors = co_await c.db.embed(c.scope, config.embedding_provider, std::move(texts), config.dimension);
  if (!vectors) co_return vectors.error();
  auto work = c.db.compute(
      c.scope, [reader, vector = std::move(vectors->front()), options = std::move(options)] {
        vector_query q{.vector = vector, .limit = options.limit, .threshold = options.threshold};
        if (options.accept) q.accept = &*options.accept;
        q.ef = options.ef;
        q.exact = options.exact;
        const auto views = reader->views();
        return shard_view::search(views, q);
      });
  auto hits = co_await std::move(work);
  if (hits) c.scope.saw_results(hits->hits.size(), hits->explain.visited_nodes);
  co_return hits;
}

}  // namespace waggle::rest
