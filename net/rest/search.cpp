// Searches on one collection (contract rest.md §6, explain §3, batch_search §5).
#include "base/limits.hpp"
#include "net/rest/handlers.hpp"
#include "net/rest/search_support.hpp"
#include "net/rest/write_support.hpp"

namespace waggle::rest {
namespace {

/// The search itself runs as a job of its tenant; the answer is written there too, so its CPU time is counted with it.
answer search_vector(handler_context& c, const std::string& name, json_value root) {
  const stopwatch watch;
  decoder fields(root);
  auto vector = fields.floats({"vector", "query_vector", "embedding"});
  auto options = read_search_options(fields, c.config.limits.search_limit_max);
  if (fields.failed()) co_return fields.fault();
  auto reader = co_await c.db.open(c.scope, name, true);
  if (!reader) co_return reader.error();
  if (auto fine = check_vector((*reader)->record().config, vector); !fine) co_return fine.error();
  auto work = c.db.compute(c.scope, [&, reader = *reader]() -> result<std::string> {
    vector_query q{.vector = vector, .limit = options.limit, .threshold = options.threshold};
    if (options.accept) q.accept = &*options.accept;
    q.ef = options.ef;
    q.exact = options.exact;
    const auto views = reader->views();
    auto hits = shard_view::search(views, q);
    if (!hits) return hits.error();
    c.scope.saw_results(hits->hits.size(), hits->explain.visited_nodes);
    const auto& config = reader->record().config;
    return write_search(*hits, {.collection = config.name, .query_type = "vector", .limit = options.limit},
                        options.show, config.measure, watch.us());
  });
  auto text = co_await std::move(work);
  if (!text) co_return text.error();
  co_return json_response(std::move(*text));
}

}  // namespace

answer search(handler_context& c) {
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  auto name = collection_of(c, body->root());
  if (!name) co_return name.error();
  co_return co_await search_vector(c, *name, body->root());
}

answer search_in(handler_context& c) {
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  co_return co_await search_vector(c, c.scope.path_value(0), body->root());
}

answer search_text(handler_context& c) {
  const stopwatch watch;
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  decoder fields(body->root());
  const auto query = fields.text({"query", "text"});
  auto options = read_search_options(fields, c.config.limits.search_limit_max);
  const auto model = fields.optional_text({"model"});
  if (fields.failed()) co_return fields.fault();
  auto reader = co_await c.db.open(c.scope, c.scope.path_value(0), true);
  if (!reader) co_return reader.error();
  const auto& config = (*reader)->record().config;
  if (model && *model != config.embedding_provider)
    co_return failure(ec::unsupported_model, "This collection is searched with '" + config.embedding_provider + "'");
  const auto limit = options.limit;
  const auto show = options.show;
  auto hits = co_await search_by_text(c, *reader, query, std::move(options));
  if (!hits) co_return hits.error();
  co_return json_response(
      write_search(*hits, {.collection = config.name, .query_type = "text", .query = query, .limit = limit}, show,
                   config.measure, watch.us()));
}

answer search_hybrid(handler_context& c) {
  const stopwatch watch;
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  decoder fields(body->root());
  hybrid_query q;
  const auto limit_max = c.config.limits.search_limit_max;
  q.text = fields.text({"query", "text"});
  auto vector = fields.optional_floats({"vector"});
  q.sparse = fields.sparse({"query_sparse"});
  q.alpha = fields.optional_number({"alpha"}).value_or(0.7);
  if (!(q.alpha >= 0 && q.alpha <= 1)) fields.refuse("alpha", "must be between 0 and 1");
  const auto algorithm = fields.optional_text({"algorithm"}).value_or("rrf");
  if (algorithm == "weighted" || algorithm == "alpha")
    q.algorithm = fusion_algorithm::weighted;
  else if (algorithm != "rrf")
    fields.refuse("algorithm", "must be rrf, weighted or alpha");
  q.dense_k = fields.integer({"dense_k"}, 20, 1, limit_max, true);
  q.sparse_k = fields.integer({"sparse_k"}, 20, 1, limit_max, true);
  auto options = read_search_options(fields, limit_max);
  q.limit = fields.integer({"final_k", "limit"}, 10, 1, limit_max, true);
  q.accept = options.accept;
  if (fields.failed()) co_return fields.fault();
  auto reader = co_await c.db.open(c.scope, c.scope.path_value(0), true);
  if (!reader) co_return reader.error();
  const auto& config = (*reader)->record().config;
  if (vector) {
    if (auto fine = check_vector(config, *vector); !fine) co_return fine.error();
    q.vector = std::move(*vector);
  } else {
    std::vector<std::string> texts(1, q.text);
    auto vectors = co_await c.db.embed(c.scope, config.embedding_provider, std::move(texts), config.dimension);
    if (!vectors) co_return vectors.error();
    q.vector = std::move(vectors->front());
  }
  auto work = c.db.compute(c.scope, [&, reader = *reader] {
    const auto views = reader->views();
    return search_hybrid_views(views, q);
  });
  auto hits = co_await std::move(work);
  if (!hits) co_return hits.error();
  c.scope.saw_results(hits->hits.size(), hits->explain.visited_nodes);
  search_answer answer{.collection = config.name, .query_type = "hybrid", .query = q.text, .limit = q.limit, .extra = {}};
  json_writer extra(answer.extra);
  if (q.sparse.empty()) {
    extra.key("query_sparse").null();
  } else {
    extra.member_raw("query_sparse", body->root()["query_sparse"].to_text());
  }
  extra.member("alpha", q.alpha).member("algorithm", algorithm);
  co_return json_response(write_search(*hits, answer, options.show, config.measure, watch.us()));
}

answer batch_search(handler_context& c) {
  const stopwatch watch;
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  auto name = collection_of(c, body->root());
  if (!name) co_return name.error();
  decoder fields(body->root());
  const auto queries = fields.array({"queries"});
  if (fields.failed()) co_return fields.fault();
  if (queries.size() > limits::batch_search_queries_max)
    co_return failure::validation("queries", "holds more than 100 queries");
  auto reader = co_await c.db.open(c.scope, *name, true);
  if (!reader) co_return reader.error();
  const auto& config = (*reader)->record().config;
  std::string rows;
  json_writer w(rows);
  std::vector<std::string> errors;
  std::size_t index = 0;
  w.begin_array();
  for (const auto element : queries.as_array()) {
    decoder d{json_value(element)};
    auto vector = d.optional_floats({"vector"});
    const auto text = d.optional_text({"query"});
    auto options = read_search_options(d, c.config.limits.search_limit_max);
    if (!vector && !text) d.refuse("query", "needs a text or a vector");
    const auto show = options.show;
    const auto limit = options.limit;
    result<search_hits> hits = d.failed() ? result<search_hits>(d.fault()) : result<search_hits>(search_hits{});
    if (!d.failed() && vector) {
      auto fine = check_vector(config, *vector);
      if (!fine) {
        hits = fine.error();
      } else {
        auto work = c.db.compute(c.scope, [&, r = *reader] {
          vector_query q{.vector = *vector, .limit = options.limit, .threshold = options.threshold};
          if (options.accept) q.accept = &*options.accept;
          q.ef = options.ef;
          q.exact = options.exact;
          const auto views = r->views();
          return shard_view::search(views, q);
        });
        hits = co_await std::move(work);
        if (hits) c.scope.saw_results(hits->hits.size(), hits->explain.visited_nodes);
      }
    } else if (!d.failed()) {
      hits = co_await search_by_text(c, *reader, *text, std::move(options));
    }
    w.begin_object().member("index", index++).member("status", hits ? "ok" : "error");
    if (hits) {
      if (text)
        w.member("query", *text);
      else
        w.key("query").null();
      w.key("results");
      write_hits(w, *hits, show, vector && config.measure == metric::euclidean);
      w.member("total_results", hits->hits.size()).member("limit", limit).member("collection", *name);
      w.member("query_type", vector ? "vector" : "text");
    } else {
      errors.push_back(hits.error().message);
      w.member("error", hits.error().message);
    }
    w.end_object();
  }
  w.end_array();
  const auto ok = index - errors.size();
  std::string out;
  json_writer o(out);
  o.begin_object().member("collection", *name).member("success", errors.empty()).member("count", index);
  o.member("succeeded", ok).member("failed", errors.size()).member("total_queries", index);
  o.member("successful_queries", ok).member("failed_queries", errors.size());
  o.member("duration_ms", static_cast<double>(watch.us()) / 1000).key("errors").begin_array();
  for (const auto& e : errors) o.value(e);
  o.end_array().member_raw("results", rows).end_object();
  co_return json_response(std::move(out));
}

answer explain_search(handler_context& c) {
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  decoder fields(body->root());
  const auto vector = fields.floats({"vector"});
  const auto options = read_search_options(fields, c.config.limits.search_limit_max);
  if (fields.failed()) co_return fields.fault();
  auto reader = co_await c.db.open(c.scope, c.scope.path_value(0), true);
  if (!reader) co_return reader.error();
  const auto& config = (*reader)->record().config;
  if (auto fine = check_vector(config, vector); !fine) co_return fine.error();
  const system_clock clock;
  auto work = c.db.compute(c.scope, [&, r = *reader] {
    vector_query q{.vector = vector, .limit = options.limit, .threshold = options.threshold};
    if (options.accept) q.accept = &*options.accept;
    q.ef = options.ef;
    q.exact = options.exact;
    q.time = &clock;
    const auto views = r->views();
    return shard_view::search(views, q);
  });
  auto hits = co_await std::move(work);
  if (!hits) co_return hits.error();
  c.scope.saw_results(hits->hits.size(), hits->explain.visited_nodes);
  const auto ms = [](std::int64_t us) { return static_cast<double>(us) / 1000; };
  const auto& t = hits->explain;
  std::string out;
  json_writer w(out);
  w.begin_object().member("collection", config.name).member("k", options.limit).key("results").begin_array();
  for (const auto& hit : hits->hits) {
    w.begin_object().member("id", hit.row.id).member("score", hit.score);
    w.member_raw("payload", hit.row.payload.empty() ? std::string_view("{}") : hit.row.payload).end_object();
  }
  w.end_array().key("trace").begin_object().member("visited_nodes", t.visited_nodes);
  w.member("ef_search", options.ef ? options.ef : config.hnsw.ef_search).member("hnsw_search_ms", ms(t.graph_us));
  w.member("payload_filter_evals", t.filter_evaluations).member("quantization_score_ms", 0.0);
  w.member("total_ms", ms(t.total_us)).member("exact_scan_ms", ms(t.scan_us)).member("filter_ms", ms(t.filter_us));
  w.member("distances", t.distances).member("graphs_walked", t.graphs_walked).member("runs_scanned", t.runs_scanned);
  w.member("walks_abandoned", t.walks_abandoned).end_object().end_object();
  co_return json_response(std::move(out));
}

}  // namespace waggle::rest
