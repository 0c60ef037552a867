#include "net/rest/search_request.hpp"

#include <algorithm>

#include "base/limits.hpp"
#include "storage/text/analyzer.hpp"

namespace waggle::rest {

result<std::optional<filter>> read_filter(json_value root) {
  const auto json = root["filter"];
  if (json.missing()) return std::optional<filter>{};
  auto parsed = filter::parse(json, &word_tokens);
  if (!parsed) return parsed.error();
  return std::optional<filter>(std::move(*parsed));
}

search_options read_search_options(decoder& fields, std::size_t limit_max) {
  search_options o;
  o.limit = fields.integer({"limit", "k", "top_k"}, std::min(limits::search_limit_default, limit_max), 1, limit_max,
                           true);
  if (const auto t = fields.optional_number({"threshold", "score_threshold", "similarity_threshold"}))
    o.threshold = static_cast<float>(*t);
  auto accept = read_filter(fields.root());
  if (!accept)
    fields.refuse(accept.error());
  else
    o.accept = std::move(*accept);
  if (const auto params = fields.object({"params"}); params.present()) {
    decoder p(params);
    o.ef = p.integer({"ef", "hnsw_ef"}, 0, 0, limits::ef_search_max, true);
    o.exact = p.boolean({"exact"}, false);
    if (p.failed()) fields.refuse(p.fault());
  }
  o.show.metadata = fields.boolean({"include_metadata", "include_payload", "with_payload"}, true);
  o.show.vectors = fields.boolean({"include_vectors", "include_vector", "with_vector", "with_vectors"}, true);
  o.show.compact = fields.boolean({"compact"}, false);
  return o;
}

}  // namespace waggle::rest
