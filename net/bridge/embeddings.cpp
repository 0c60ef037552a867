#include "net/bridge/embeddings.hpp"

#include "base/json.hpp"
#include "base/limits.hpp"
#include "base/text_out.hpp"
#include "net/http/client.hpp"
#include "storage/text/embedding.hpp"

namespace waggle {

embeddings::embeddings(std::vector<embedding_provider> providers) {
  for (auto& p : providers) {
    auto name = p.name;
    providers_.emplace(std::move(name), std::move(p));
  }
}

std::vector<embeddings::listed> embeddings::list(std::size_t default_dimension) const {
  std::vector<listed> all{{"bm25", default_dimension}};
  for (const auto& [name, p] : providers_) all.push_back({name, p.dimension});
  return all;
}

result<void> embeddings::check(const std::string& provider, std::size_t dimension) const {
  auto known = this->dimension(provider, dimension);
  if (!known) return known.error();
  if (*known != dimension)
    return failure(ec::invalid_dimension, "Provider '" + provider + "' makes vectors of dimension " + std::to_string(*known));
  return {};
}

result<std::size_t> embeddings::dimension(const std::string& provider, std::size_t default_dimension) const {
  if (local(provider)) return default_dimension;
  if (const auto it = providers_.find(provider); it != providers_.end()) return it->second.dimension;
  std::string details;
  json_writer w(details);
  w.begin_object().member("requested", provider).key("available").begin_array();
  for (const auto& p : list(default_dimension)) w.value(p.name);
  w.end_array().end_object();
  return failure(ec::unsupported_provider, "Embedding provider '" + provider + "' is not available", std::move(details));
}

result<std::vector<std::vector<float>>> embeddings::embed(const std::string& provider,
                                                          const std::vector<std::string>& texts,
                                                          std::size_t dimension) const {
  std::vector<std::vector<float>> vectors;
  if (local(provider)) {
    for (const auto& text : texts) bm25_embedding(text, vectors.emplace_back(dimension));
    return vectors;
  }
  const auto it = providers_.find(provider);
  if (it == providers_.end()) return check(provider, dimension).error();
  for (std::size_t first = 0; first < texts.size(); first += it->second.batch_max) {
    const auto count = std::min(it->second.batch_max, texts.size() - first);
    auto part = ask_endpoint(it->second, texts, first, count);
    if (!part) return part.error();
    for (auto& v : *part) vectors.push_back(std::move(v));
  }
  return vectors;
}

result<std::vector<std::vector<float>>> embeddings::ask_endpoint(const embedding_provider& p,
                                                                 const std::vector<std::string>& texts,
                                                                 std::size_t first, std::size_t count) const {
  const auto broken = [&](std::string why) {
    failure f(ec::not_ready, "Embedding provider '" + p.name + "' failed");
    f.log_text = p.name + ": " + std::move(why);
    f.retry_after_seconds = 1;
    return f;
  };
  std::string body;
  json_writer w(body);
  w.begin_object().member("model", p.model).key("input").begin_array();
  for (std::size_t i = first; i < first + count; ++i) w.value(texts[i]);
  w.end_array().member("encoding_format", "float").end_object();
  http_client_request request;
  request.url = p.url;
  request.body = std::move(body);
  request.timeout_ms = p.timeout_ms;
  if (!p.api_key.empty()) request.headers.push_back({"Authorization", "Bearer " + p.api_key});
  auto reply = http_post_json(request);
  if (!reply) return broken(reply.error().log_text);
  if (reply->status != 200) return broken("status " + std::to_string(reply->status));
  json_parser parser;
  auto root = parser.parse(reply->body);
  if (!root) return broken("the answer is not JSON");
  const auto data = (*root)["data"];
  if (!data.is_array() || data.size() != count) return broken("the answer has another number of embeddings");
  std::vector<std::vector<float>> vectors(count);
  std::size_t at = 0;
  for (const auto element : data.as_array()) {
    const json_value item(element);
    std::uint64_t index = at++;
    if (item["index"].present() && (!item["index"].get_uint64(index) || index >= count)) return broken("bad index");
    std::vector<float> v;
    if (auto read = read_floats(item["embedding"], "embedding", v); !read) return broken(read.error().message);
    if (v.size() != p.dimension) return broken("a vector has dimension " + std::to_string(v.size()));
    vectors[index] = std::move(v);
  }
  for (const auto& v : vectors)
    if (v.empty()) return broken("an embedding is missing");
  return vectors;
}

}  // namespace waggle
