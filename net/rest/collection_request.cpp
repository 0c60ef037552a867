#include "net/rest/collection_request.hpp"

#include "base/limits.hpp"

namespace waggle::rest {
namespace {

hnsw_params read_hnsw(decoder& body, const collection_default_settings& defaults) {
  hnsw_params p{defaults.hnsw_m, defaults.hnsw_ef_construction, defaults.hnsw_ef_search};
  const auto object = body.object({"hnsw", "hnsw_config"});
  if (!object.present()) return p;
  decoder hnsw(object);
  p.m = static_cast<std::uint32_t>(hnsw.integer({"m"}, p.m, 2, 128));
  p.ef_construction =
      static_cast<std::uint32_t>(hnsw.integer({"ef_construction", "ef_construct"}, p.ef_construction, 4, 4096));
  p.ef_search = static_cast<std::uint32_t>(hnsw.integer({"ef_search"}, p.ef_search, 1, limits::ef_search_max));
  if (hnsw.failed()) body.refuse(hnsw.fault());
  return p;
}

}  // namespace

result<collection_config> read_config(json_value root, const collection_default_settings& defaults,
                                      const name_reduction& reduce) {
  decoder body(root);
  collection_config config;
  const auto text = body.text({"name"});
  auto name = collection_name::parse(reduce ? reduce(text) : text);
  if (body.failed()) return body.fault();
  if (!name) return name.error();
  config.name = name->str();
  std::uint64_t dimension = defaults.dimension;
  if (const auto given = body.member({"dimension", "size"}); given.present()) {
    if (!given.get_uint64(dimension) || dimension < 1 || dimension > limits::dimension_max)
      return failure(ec::invalid_dimension, "dimension must be an integer between 1 and 65536");
  }
  config.dimension = static_cast<std::uint32_t>(dimension);
  const auto metric_text = body.optional_text({"metric", "similarity_metric", "distance"}).value_or(defaults.metric);
  if (const auto m = parse_metric(metric_text))
    config.measure = *m;
  else
    body.refuse(body.used({"metric", "similarity_metric", "distance"}), "must be cosine, euclidean or dot");
  config.description = body.optional_text({"description"}).value_or("");
  if (config.description.size() > 4096) body.refuse("description", "must be at most 4096 bytes");
  config.embedding_provider = body.optional_text({"embedding_provider"}).value_or(defaults.embedding_provider);
  config.hnsw = read_hnsw(body, defaults);
  if (const auto quantization = body.object({"quantization"}); quantization.present()) {
    decoder q(quantization);
    config.quantization = q.optional_text({"type"}).value_or("none");
    if (q.failed()) body.refuse(q.fault());
  }
  if (config.quantization != "none" && config.quantization != "sq8" && config.quantization != "pq" &&
      config.quantization != "binary")
    body.refuse("quantization.type", "must be none, sq8, pq or binary");
  if (config.quantization != "none" && !body.failed())
    return failure(ec::not_implemented, "Quantization '" + config.quantization + "' is not available yet");
  if (const auto sharding = body.object({"sharding"}); sharding.present()) {
    decoder s(sharding);
    config.shard_count = static_cast<std::uint32_t>(s.integer({"shard_count"}, 1, 1, 64));
    if (s.failed()) body.refuse(s.fault());
  }
  config.replication_factor = static_cast<std::uint32_t>(body.integer({"replication_factor"}, 1, 1, 16));
  config.write_consistency_factor = static_cast<std::uint32_t>(body.integer({"write_consistency_factor"}, 1, 1, 16));
  if (const auto graph = body.object({"graph"}); graph.present()) {
    decoder g(graph);
    if (g.boolean({"enabled"}, false)) return failure(ec::not_implemented, "Graph collections are not available yet");
  }
  if (body.failed()) return body.fault();
  return config;
}

}  // namespace waggle::rest
