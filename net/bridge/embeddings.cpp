#include "net/bridge/embeddings.hpp"

#include "base/text_out.hpp"
#include "net/bridge/embedding_wire.hpp"

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

const embedding_provider* embeddings::endpoint(const std::string& provider) const {
  const auto it = providers_.find(provider);
  return it == providers_.end() ? nullptr : &it->second;
}

result<std::size_t> embeddings::dimension(const std::string& provider, std::size_t default_dimension) const {
  if (provider == "bm25") return default_dimension;
  if (const auto* p = endpoint(provider)) return p->dimension;
  std::string details;
  json_writer w(details);
  w.begin_object().member("requested", provider).key("available").begin_array();
  for (const auto& p : list(default_dimension)) w.value(p.name);
  w.end_array().end_object();
  return failure(ec::unsupported_provider, "Embedding provider '" + provider + "' is not available", std::move(details));
}

boost::asio::awaitable<result<std::string>> embeddings::call(const embedding_provider& p,
                                                             std::span<const std::string> texts, int deadline_ms) {
  if (deadline_ms <= 0) co_return failure(ec::deadline_exceeded);
  http_client_request request;
  request.url = p.url;
  request.body = embedding_request(p, texts);
  request.timeout_ms = std::min(p.timeout_ms, deadline_ms);
  request.answer_bytes_max = embedding_answer_bytes_max(p, texts.size());
  if (!p.api_key.empty()) request.headers.push_back({"Authorization", "Bearer " + p.api_key});
  auto reply = co_await client_.call(std::move(request));
  if (!reply) {
    const auto& why = reply.error();
    if (why.code == ec::deadline_exceeded && deadline_ms <= p.timeout_ms) co_return failure(ec::deadline_exceeded);
    co_return provider_failed(p, why.message, why.log_text);
  }
  if (reply->status != 200) co_return provider_failed(p, "it answered status " + std::to_string(reply->status));
  co_return std::move(reply->body);
}

}  // namespace waggle
