#include "net/bridge/embedding_wire.hpp"

#include <algorithm>

#include "base/json.hpp"
#include "base/text_out.hpp"

namespace waggle {

std::string embedding_request(const embedding_provider& p, std::span<const std::string> texts) {
  std::string body;
  json_writer w(body);
  w.begin_object();
  if (!p.model.empty()) w.member("model", p.model);
  w.key("input").begin_array();
  for (const auto& text : texts) w.value(text);
  w.end_array().member("encoding_format", "float").end_object();
  return body;
}

std::size_t embedding_answer_bytes_max(const embedding_provider& p, std::size_t texts) {
  constexpr std::size_t number_bytes = 48, vector_bytes = 1024, rest_bytes = 64 * 1024;
  return rest_bytes + texts * (vector_bytes + number_bytes * p.dimension);
}

failure provider_failed(const embedding_provider& p, const std::string& reason, const std::string& detail) {
  std::string details;
  json_writer(details).begin_object().member("provider", p.name).member("reason", reason).end_object();
  failure f(ec::not_ready, "Embedding provider '" + p.name + "' failed: " + reason, std::move(details));
  f.log_text = "embedding provider " + p.name + ": " + reason;
  if (!detail.empty()) f.log_text += " (" + detail + ")";
  f.retry_after_seconds = 1;
  return f;
}

result<std::vector<std::vector<float>>> read_embedding_answer(const embedding_provider& p, std::string_view body,
                                                              std::size_t count) {
  json_parser parser;
  const auto root = parser.parse(body);
  if (!root) return provider_failed(p, "its answer is not JSON");
  const auto data = (*root)["data"];
  if (!data.is_array()) return provider_failed(p, "its answer has no list of embeddings");
  if (data.size() != count)
    return provider_failed(p, "it answered " + std::to_string(data.size()) + " embeddings for " +
                                  std::to_string(count) + " texts");
  std::vector<std::vector<float>> vectors(count);
  std::uint64_t next = 0;
  for (const auto element : data.as_array()) {
    const json_value item(element);
    std::uint64_t index = next++;
    if (item["index"].present() && !item["index"].get_uint64(index)) index = count;
    if (index >= count || !vectors[index].empty()) return provider_failed(p, "its answer has a bad index");
    auto& v = vectors[index];
    if (auto read = read_floats(item["embedding"], "embedding", v); !read)
      return provider_failed(p, "its answer has an embedding that is no list of 32-bit floats");
    if (v.size() != p.dimension)
      return provider_failed(p, "it answered dimension " + std::to_string(v.size()) + ", not " +
                                    std::to_string(p.dimension));
    if (std::all_of(v.begin(), v.end(), [](float x) { return x == 0; }))
      return provider_failed(p, "it answered a vector of zeros");
  }
  return vectors;
}

}  // namespace waggle
