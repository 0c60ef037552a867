// Health, status, statistics, metrics, documentation (contract rest.md §2).
#include <algorithm>

#include "net/metrics/metrics.hpp"
#include "net/rest/handlers.hpp"
#include "net/rest/node_state.hpp"
#include "net/rest/openapi.hpp"
#include "net/rest/shapes.hpp"

namespace waggle::rest {
namespace {
std::int64_t now_ms() { return system_clock().unix_ms(); }

http_response text_response(std::string body, int status, std::string_view type = "text/plain; charset=utf-8") {
  http_response r;
  r.status = status;
  r.content_type = type;
  r.body = std::move(body);
  return r;
}

std::string_view isolation_of(const settings& config) {
  return config.tenancy.isolation == "storage" ? "Storage" : config.cluster.enabled ? "Collection" : "None";
}
}  // namespace

answer health(handler_context& c) {
  const auto fault = c.node.store_fault();
  const bool ready = c.node.ready.load(std::memory_order_relaxed);
  std::string out;
  out.reserve(512);
  json_writer w(out);
  w.begin_object().member("status", !ready ? "unhealthy" : fault.empty() ? "healthy" : "degraded");
  w.member("timestamp", format_rfc3339(now_ms())).member("version", c.node.version);
  // Whoever may ask without a key learns no more.
  if (c.config.cluster.enabled && !c.config.auth.protect_health) {
    w.end_object();
    co_return json_response(std::move(out), ready ? 200 : 503);
  }
  if (!fault.empty()) w.member("reason", fault);
  // No answer is cached: the members exist for clients of Vectorizer and are true as zeros.
  w.member_raw("cache", R"({"size":0,"capacity":0,"hits":0,"misses":0,"evictions":0,"hit_rate":0})");
  const auto hub = c.node.hub_connection();
  w.key("hub").begin_object().member("enabled", c.config.hub.enabled).member("active", hub == "connected");
  w.member("connection", hub).member("tenant_isolation", isolation_of(c.config)).end_object();
  w.member_raw("backup", R"({"enabled":false})");
  w.key("cluster").begin_object().member("enabled", false).member("node_id", c.node.node_id);
  w.member("role", "standalone").end_object().end_object();
  co_return json_response(std::move(out), ready ? 200 : 503);
}

answer server_info(handler_context& c) {
  std::string out;
  json_writer(out).begin_object().member("name", "waggle").member("version", c.node.version)
      .member_raw("api", R"(["rest"])").end_object();
  co_return json_response(std::move(out));
}

answer server_status(handler_context& c) {
  auto list = co_await c.db.list(c.scope);
  if (!list) co_return list.error();
  std::string out;
  json_writer(out).begin_object().member("online", true).member("version", c.node.version)
      .member("uptime_seconds", c.node.uptime_seconds()).member("collections_count", list->size()).end_object();
  co_return json_response(std::move(out));
}

answer get_database_stats(handler_context& c) {
  auto list = co_await c.db.list(c.scope);
  if (!list) co_return list.error();
  std::uint64_t vectors = 0, bytes = 0;
  for (const auto& s : *list) vectors += s.counters.points, bytes += s.counters.bytes + s.index_bytes;
  constexpr std::size_t shown_max = 1000;
  std::string out;
  json_writer w(out);
  w.begin_object().member("total_collections", list->size()).member("collections_count", list->size());
  w.member("total_vectors", vectors).member("total_size_bytes", bytes);
  w.member("uptime_seconds", c.node.uptime_seconds()).member("version", c.node.version);
  w.key("collections").begin_array();
  for (std::size_t i = 0; i < std::min(list->size(), shown_max); ++i) write_collection(w, (*list)[i]);
  w.end_array().member("collections_truncated", list->size() > shown_max);
  w.member("default_quantization", c.config.collections.quantization).member("compression_ratio", 1.0);
  w.key("providers").begin_array();
  for (const auto& p : c.db.providers().list(c.config.collections.dimension)) {
    w.begin_object().member("name", p.name).member("dimension", p.dimension);
    w.member("default", p.name == c.config.collections.embedding_provider).end_object();
  }
  w.end_array().member("default_provider", c.config.collections.embedding_provider);
  // What the node takes is no tenant's business.
  w.member("memory_usage_bytes", c.scope.who().standalone() ? c.node.resident_bytes() : bytes).end_object();
  co_return json_response(std::move(out));
}

answer metrics_text(handler_context& c) {
  if (!c.config.metrics.enabled) co_return failure(ec::route_not_found);
  const auto format = choose_exposition(c.http().header("accept").value_or(""));
  // It looks at every tenant: longer than a worker's sockets may wait.
  auto write = [&metrics = c.metrics, format]() -> result<std::string> { return metrics.expose(format); };
  auto text = co_await c.db.read_disk(c.scope, std::move(write));
  if (!text) co_return text.error();
  co_return text_response(std::move(*text), 200, content_type(format));
}

answer indexing_progress(handler_context& c) {
  auto list = co_await c.db.list(c.scope);
  if (!list) co_return list.error();
  const bool busy = std::any_of(list->begin(), list->end(), [](const auto& s) { return s.indexing; });
  std::string out;
  json_writer w(out);
  w.begin_object().member("is_indexing", busy).member("overall_status", busy ? "indexing" : "completed");
  w.key("collections").begin_array();
  for (const auto& s : *list) {
    w.begin_object().member("collection_name", s.record.config.name);
    w.member("status", s.degraded ? "degraded" : s.indexing ? "indexing" : "completed").member("progress", s.progress());
    w.member("vector_count", s.counters.points);
    write_time(w, "last_updated", s.touched_ms);
    w.end_object();
  }
  w.end_array().end_object();
  co_return json_response(std::move(out));
}

answer liveness(handler_context&) { co_return text_response("ok", 200); }

answer readiness(handler_context& c) {
  const bool ready = c.node.ready.load() && !c.node.draining.load();
  co_return text_response(ready ? "ok" : "unavailable", ready ? 200 : 503);
}

answer openapi_document(handler_context& c) { co_return json_response(openapi_json(c.node.version)); }

answer docs_page(handler_context& c) {
  co_return text_response(openapi_page(c.node.version), 200, "text/html; charset=utf-8");
}

answer not_implemented(handler_context&) { co_return failure(ec::not_implemented); }

answer needs_cluster_mode(handler_context& c) {
  co_return failure(c.config.cluster.enabled ? ec::not_implemented : ec::cluster_mode_disabled);
}

}  // namespace waggle::rest
