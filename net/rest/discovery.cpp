// Text searches over several collections and with re-ranking (contract rest.md §6, answers of shape SI).
#include <algorithm>
#include <cmath>
#include <set>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "net/rest/handlers.hpp"
#include "net/rest/search_support.hpp"
#include "net/rest/write_support.hpp"
#include "storage/text/analyzer.hpp"

namespace waggle::rest {
namespace {

struct scored {
  std::string collection;
  std::string query_used;
  metric measure = metric::cosine;
  search_hit hit;
};

/// Best first; equal scores by collection, then id, so that the order never depends on who answered first.
void sort_scored(std::vector<scored>& list) {
  std::sort(list.begin(), list.end(), [](const scored& a, const scored& b) {
    if (a.hit.score != b.hit.score) return a.hit.score > b.hit.score;
    return std::tie(a.collection, a.hit.row.id) < std::tie(b.collection, b.hit.row.id);
  });
}

struct si_meta {
  std::string metadata = "{}";
  std::vector<std::string> ignored;
};

std::string write_si(const std::vector<scored>& list, const si_meta& meta, std::int64_t us, bool query_used) {
  std::string out;
  json_writer w(out);
  w.begin_object().key("results").begin_array();
  json_parser parser;
  for (const auto& s : list) {
    const std::string_view payload = s.hit.row.payload.empty() ? std::string_view("{}") : s.hit.row.payload;
    w.begin_object().member("id", s.hit.row.id).member("score", s.hit.score);
    const auto parsed = parser.parse(payload);
    const auto content = parsed ? (*parsed)["content"] : json_value{};
    w.member("content", content.is_string() ? content.as_string() : std::string_view{});
    w.member_raw("metadata", payload).member("collection", s.collection);
    if (query_used) w.member("query_used", s.query_used);
    w.end_object();
  }
  w.end_array().member("total_results", list.size()).member("duration_ms", static_cast<double>(us) / 1000);
  w.member_raw("metadata", meta.metadata).key("tool_metadata").begin_object().key("ignored_options").begin_array();
  for (const auto& name : meta.ignored) w.value(name);
  w.end_array().end_object().member("api_version", "1.0.0");
  w.member("timestamp", format_rfc3339(system_clock().unix_ms())).end_object();
  return out;
}

/// One text search of one collection. The named collection must exist.
boost::asio::awaitable<result<std::vector<scored>>> search_one(handler_context& c, std::string name, std::string query,
                                                               search_options options) {
  auto reader = co_await c.db.open(c.scope, name, true);
  if (!reader) co_return reader.error();
  auto hits = co_await search_by_text(c, *reader, query, std::move(options));
  if (!hits) co_return hits.error();
  std::vector<scored> list;
  for (auto& hit : hits->hits)
    list.push_back({name, query, (*reader)->record().config.measure, std::move(hit)});
  co_return list;
}

result<std::vector<std::string>> read_names(decoder& fields) {
  std::vector<std::string> names;
  const auto list = fields.array({"collections"});
  if (fields.failed()) return fields.fault();
  for (const auto item : list.as_array()) {
    const json_value v(item);
    if (!v.is_string()) return failure::validation("collections", "must hold strings");
    names.emplace_back(v.as_string());
  }
  if (names.size() > limits::batch_search_queries_max)
    return failure::validation("collections", "holds more than 100 names");
  return names;
}

double cosine(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) return 0;
  double dot = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    dot += static_cast<double>(a[i]) * b[i];
    aa += static_cast<double>(a[i]) * a[i];
    bb += static_cast<double>(b[i]) * b[i];
  }
  return aa > 0 && bb > 0 ? dot / std::sqrt(aa * bb) : 0;
}

/// Maximal marginal relevance (Carbonell & Goldstein 1998): each step takes the best of
/// lambda · score − (1 − lambda) · (greatest similarity to what was taken).
std::vector<scored> diversify(std::vector<scored> pool, std::size_t limit, double lambda) {
  std::vector<scored> taken;
  while (!pool.empty() && taken.size() < limit) {
    std::size_t best = 0;
    double best_value = -1e300;
    for (std::size_t i = 0; i < pool.size(); ++i) {
      double similar = 0;
      for (const auto& t : taken) similar = std::max(similar, cosine(pool[i].hit.row.vector, t.hit.row.vector));
      const double value = lambda * pool[i].hit.score - (1 - lambda) * similar;
      if (value > best_value) best = i, best_value = value;
    }
    taken.push_back(std::move(pool[best]));
    pool.erase(pool.begin() + static_cast<std::ptrdiff_t>(best));
  }
  return taken;
}

void note_ignored(decoder& fields, si_meta& meta, std::initializer_list<std::string_view> names) {
  for (const auto name : names)
    if (const auto v = fields.member({name}); v.present() && !(v.is_bool() && !v.as_bool())) meta.ignored.emplace_back(name);
}

}  // namespace

answer multi_collection_search(handler_context& c) {
  const stopwatch watch;
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  decoder fields(body->root());
  const auto query = fields.text({"query"});
  const auto names = read_names(fields);
  const auto limit_max = c.config.limits.search_limit_max;
  auto options = read_search_options(fields, limit_max);
  options.limit = fields.integer({"max_per_collection"}, 5, 1, limit_max, true);
  const auto total = fields.integer({"max_total_results"}, 20, 1, limit_max, true);
  if (fields.failed()) co_return fields.fault();
  if (!names) co_return names.error();
  std::vector<scored> all;
  for (const auto& name : *names) {
    auto found = co_await search_one(c, name, query, options);
    if (!found) co_return found.error();
    std::move(found->begin(), found->end(), std::back_inserter(all));
  }
  sort_scored(all);
  if (all.size() > total) all.erase(all.begin() + static_cast<std::ptrdiff_t>(total), all.end());
  si_meta meta;
  meta.metadata = "{\"collections_searched\":" + std::to_string(names->size()) + "}";
  co_return json_response(write_si(all, meta, watch.us(), false));
}

answer intelligent_search(handler_context& c) {
  const stopwatch watch;
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  decoder fields(body->root());
  const auto query = fields.text({"query"});
  const auto limit_max = c.config.limits.search_limit_max;
  const auto max_results = fields.integer({"max_results"}, 10, 1, limit_max, true);
  const bool expand = fields.boolean({"domain_expansion"}, true);
  const bool mmr = fields.boolean({"mmr_enabled"}, true);
  const double lambda = fields.optional_number({"mmr_lambda"}).value_or(0.7);
  if (!(lambda >= 0 && lambda <= 1)) fields.refuse("mmr_lambda", "must be between 0 and 1");
  auto options = read_search_options(fields, limit_max);
  si_meta meta;
  note_ignored(fields, meta, {"technical_focus"});
  std::vector<std::string> names;
  if (fields.member({"collections"}).present()) {
    auto given = read_names(fields);
    if (!given) co_return given.error();
    names = std::move(*given);
  }
  if (fields.failed()) co_return fields.fault();
  if (names.empty()) {
    auto own = co_await c.db.list(c.scope);
    if (!own) co_return own.error();
    for (const auto& s : *own)
      if (s.counters.points > 0) names.push_back(s.record.config.name);
  }
  // Expansion without a model: the whole query, and each of its longer words on its own for what the whole one misses.
  std::vector<std::string> queries{query};
  if (expand)
    for (auto& word : word_tokens(query))
      if (word.size() >= 5 && queries.size() < 6 && word != query) queries.push_back(std::move(word));
  options.limit = std::min<std::size_t>(max_results * 2, limit_max);
  std::vector<scored> pool;
  std::set<std::pair<std::string, std::string>> seen;
  for (const auto& q : queries)
    for (const auto& name : names) {
      auto found = co_await search_one(c, name, q, options);
      if (!found) co_return found.error();
      for (auto& s : *found) {
        // A hit of a part of the query counts for that part only.
        if (q != query) s.hit.score *= 0.5f;
        if (seen.emplace(name, std::string(s.hit.row.id)).second) pool.push_back(std::move(s));
      }
    }
  sort_scored(pool);
  constexpr std::size_t mmr_pool_max = 200;
  if (pool.size() > mmr_pool_max) pool.erase(pool.begin() + mmr_pool_max, pool.end());
  if (mmr) {
    auto work = c.db.compute(
        c.scope, [&] { return result<std::vector<scored>>(diversify(std::move(pool), max_results, lambda)); });
    auto diverse = co_await std::move(work);
    if (!diverse) co_return diverse.error();
    pool = std::move(*diverse);
  } else if (pool.size() > max_results) {
    pool.erase(pool.begin() + static_cast<std::ptrdiff_t>(max_results), pool.end());
  }
  meta.metadata = "{\"collections_searched\":" + std::to_string(names.size()) +
                  ",\"queries\":" + std::to_string(queries.size()) + "}";
  co_return json_response(write_si(pool, meta, watch.us(), true));
}

answer semantic_search(handler_context& c) {
  const stopwatch watch;
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  auto name = collection_of(c, body->root());
  if (!name) co_return name.error();
  decoder fields(body->root());
  const auto query = fields.text({"query"});
  auto options = read_search_options(fields, c.config.limits.search_limit_max);
  options.limit = fields.integer({"max_results", "limit"}, 10, 1, c.config.limits.search_limit_max, true);
  si_meta meta;
  note_ignored(fields, meta, {"semantic_reranking", "cross_encoder_reranking"});
  if (fields.failed()) co_return fields.fault();
  auto found = co_await search_one(c, *name, query, std::move(options));
  if (!found) co_return found.error();
  co_return json_response(write_si(*found, meta, watch.us(), false));
}

answer contextual_search(handler_context& c) {
  const stopwatch watch;
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  auto name = collection_of(c, body->root());
  if (!name) co_return name.error();
  decoder fields(body->root());
  const auto query = fields.text({"query"});
  const double weight = fields.optional_number({"context_weight"}).value_or(0.3);
  if (!(weight >= 0 && weight <= 1)) fields.refuse("context_weight", "must be between 0 and 1");
  const auto context = fields.object({"context_filters"});
  const auto limit_max = c.config.limits.search_limit_max;
  auto options = read_search_options(fields, limit_max);
  const auto max_results = fields.integer({"max_results", "limit"}, 10, 1, limit_max, true);
  si_meta meta;
  note_ignored(fields, meta, {"context_reranking"});
  if (fields.failed()) co_return fields.fault();
  // Context raises what fits it; it removes nothing. So look further than asked, then re-rank.
  options.limit = std::min<std::size_t>(max_results * 4, limit_max);
  auto found = co_await search_one(c, *name, query, std::move(options));
  if (!found) co_return found.error();
  if (context.present()) {
    json_parser parser;
    for (auto& s : *found) {
      const auto payload = parser.parse(s.hit.row.payload.empty() ? std::string_view("{}") : s.hit.row.payload);
      std::size_t wanted = 0, met = 0;
      for (const auto member : context.as_object()) {
        ++wanted;
        if (payload && (*payload)[member.key].to_text() == json_value(member.value).to_text()) ++met;
      }
      const float share = wanted ? static_cast<float>(met) / static_cast<float>(wanted) : 0;
      s.hit.score = static_cast<float>((1 - weight) * s.hit.score + weight * share);
    }
    sort_scored(*found);
  }
  if (found->size() > max_results) found->erase(found->begin() + static_cast<std::ptrdiff_t>(max_results), found->end());
  co_return json_response(write_si(*found, meta, watch.us(), false));
}

}  // namespace waggle::rest
