#include "net/rest/shapes.hpp"

#include <algorithm>
#include <limits>

namespace waggle::rest {

std::string_view metric_name(metric m) {
  switch (m) {
    case metric::euclidean: return "Euclidean";
    case metric::dot: return "DotProduct";
    default: return "Cosine";
  }
}
std::string_view similarity_name(metric m) {
  switch (m) {
    case metric::euclidean: return "euclidean";
    case metric::dot: return "dot_product";
    default: return "cosine";
  }
}

void write_time(json_writer& w, std::string_view name, std::int64_t unix_ms) {
  if (unix_ms == 0)
    w.key(name).null();
  else
    w.member(name, format_rfc3339(unix_ms));
}

namespace {
void write_indexing_status(json_writer& w, const collection_summary& c) {
  const auto documents = c.counters.documents;
  w.key("indexing_status").begin_object();
  w.member("status", c.indexing ? "indexing" : "completed").member("progress", c.progress());
  w.member("total_documents", documents);
  // Segments hold points. How many documents that is, is known only while each is one point.
  if (c.indexing && documents != c.counters.points)
    w.key("processed_documents").null();
  else
    w.member("processed_documents", c.indexing ? std::min(c.sealed_points, documents) : documents);
  w.member("errors", c.build_errors);
  write_time(w, "start_time", c.build_began_ms);
  write_time(w, "end_time", c.build_ended_ms);
  w.end_object();
}
}  // namespace

void write_collection_members(json_writer& w, const collection_summary& c) {
  const auto& config = c.record.config;
  const bool standalone = c.record.owner.is_nil();
  w.member("name", config.name);
  w.member("full_name", canonical_name(c.record.owner, config.name));
  w.member("collection_id", format_uuid(c.record.uuid));
  if (standalone)
    w.key("owner_id").null();
  else
    w.member("owner_id", to_string(c.record.owner));
  w.member("dimension", config.dimension);
  w.member("metric", metric_name(config.measure));
  w.member("similarity_metric", similarity_name(config.measure));
  w.member("description", config.description);
  w.member("embedding_provider", config.embedding_provider);
  w.member("vector_count", c.counters.points);
  w.member("document_count", c.counters.documents);
  const auto total = c.counters.bytes + c.index_bytes;
  w.member("size_bytes", total);
  w.key("size").begin_object();
  w.member("total", format_bytes(total)).member("total_bytes", total);
  w.member("index", format_bytes(c.index_bytes)).member("index_bytes", c.index_bytes);
  w.member("payload", format_bytes(c.counters.payload_bytes)).member("payload_bytes", c.counters.payload_bytes);
  w.end_object();
  w.key("quantization").begin_object();
  w.member("enabled", config.quantization != "none").member("type", config.quantization);
  w.member("bits", config.quantization == "sq8" ? 8u : 32u).end_object();
  w.key("normalization").begin_object().member("enabled", false).member("level", "none").end_object();
  w.key("hnsw").begin_object();
  w.member("m", config.hnsw.m).member("ef_construction", config.hnsw.ef_construction);
  w.member("ef_search", config.hnsw.ef_search).end_object();
  write_indexing_status(w, c);
  w.member("status", c.degraded ? "degraded" : c.indexing ? "indexing" : "ready");
  w.member("replication_factor", config.replication_factor);
  w.member("write_consistency_factor", config.write_consistency_factor);
  w.member("created_at", format_rfc3339(c.record.created_ms));
  w.member("updated_at", format_rfc3339(c.record.updated_ms));
}

void write_collection(json_writer& w, const collection_summary& c) {
  w.begin_object();
  write_collection_members(w, c);
  w.end_object();
}

void write_vector(json_writer& w, const point_record& p, std::string_view collection) {
  const std::string_view payload = p.data.payload.empty() ? "{}" : std::string_view(p.data.payload);
  std::string floats;
  append_floats(floats, p.data.vector);
  w.begin_object().member("id", p.data.id.str());
  w.member_raw("vector", floats).member_raw("data", floats);
  w.member_raw("payload", payload).member_raw("metadata", payload);
  if (!p.data.sparse.empty()) {
    w.key("sparse").begin_object().key("indices").begin_array();
    for (const auto i : p.data.sparse.indices) w.value(i);
    w.end_array().member("values", std::span<const float>(p.data.sparse.values)).end_object();
  }
  w.member("collection", collection).member("version", p.seq.value).end_object();
}

void write_result(json_writer& w, const result_row& row, const result_options& options) {
  w.begin_object().member("id", row.id).member("score", row.score);
  if (options.vectors) {
    std::string floats;
    append_floats(floats, row.vector);
    w.member_raw("vector", floats);
    if (!options.compact) w.member_raw("data", floats);
  }
  if (options.metadata) {
    const std::string_view payload = row.payload.empty() ? "{}" : row.payload;
    w.member_raw("payload", payload);
    if (!options.compact) w.member_raw("metadata", payload);
  }
  // The distance of two vectors may be greater than any 32-bit float.
  if (row.has_distance) w.member("distance", std::min(row.distance, std::numeric_limits<float>::max()));
  if (!row.collection.empty()) w.member("collection", row.collection);
  w.end_object();
}

std::string write_batch(const batch_answer& a) {
  const auto failed = static_cast<std::size_t>(
      std::count_if(a.items.begin(), a.items.end(), [](const auto& item) { return item.code != ec::ok; }));
  std::string out;
  json_writer w(out);
  w.begin_object().member("collection", a.collection).member("success", failed == 0).member("operation", a.operation);
  w.member("count", a.items.size() - failed).member(a.done_member, a.done).member("failed", failed);
  w.member("total_operations", a.items.size()).member("successful_operations", a.items.size() - failed);
  w.member("failed_operations", failed).member("duration_ms", a.duration_ms);
  w.key("errors").begin_array();
  for (const auto& item : a.items)
    if (item.code != ec::ok) w.value(item.error);
  w.end_array();
  w.key("results").begin_array();
  for (const auto& item : a.items) {
    w.begin_object().member("index", item.index);
    if (!item.id.empty()) w.member(item.client_id ? "client_id" : "id", item.id);
    w.member("status", item.code == ec::ok ? "ok" : "error");
    if (item.code != ec::ok) {
      std::string type(info(item.code).name);
      std::transform(type.begin(), type.end(), type.begin(), [](unsigned char c) { return std::tolower(c); });
      w.member("error", item.error).member("error_type", type);
    }
    if (!item.extra.empty()) {
      out += ',';
      out += item.extra;
    }
    w.end_object();
  }
  w.end_array().end_object();
  return out;
}

}  // namespace waggle::rest
