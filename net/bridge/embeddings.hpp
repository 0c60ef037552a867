#pragma once
// Embedding providers by name: `bm25`, built in, and any number of OpenAI-compatible endpoints from the configuration
// (`embedding.providers.<name>`: POST {url}, {"model","input":[…]} → {"data":[{"index","embedding":[…]}]}).
// Owned by the node; immutable after start; `embed` may block and belongs on the blocking pool.
#include <map>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace waggle {

struct embedding_provider {
  std::string name;
  std::string url;               ///< http:// or https://, the whole path
  std::string model;
  std::string api_key;           ///< sent as Bearer; "" = none
  std::uint32_t dimension = 0;   ///< of its vectors
  int timeout_ms = 10000;
  std::size_t batch_max = 64;    ///< texts per call
};

class embeddings {
 public:
  explicit embeddings(std::vector<embedding_provider> providers = {});

  struct listed {
    std::string name;
    std::size_t dimension;
  };
  std::vector<listed> list(std::size_t default_dimension) const;
  /// UNSUPPORTED_PROVIDER with details{requested,available}, or INVALID_DIMENSION for an endpoint with another dimension.
  result<void> check(const std::string& provider, std::size_t dimension) const;
  result<std::size_t> dimension(const std::string& provider, std::size_t default_dimension) const;
  /// True when the provider is computed here, without I/O.
  bool local(const std::string& provider) const { return provider == "bm25"; }
  /// One vector per text. Errors: not_ready when the endpoint fails, unsupported_provider.
  result<std::vector<std::vector<float>>> embed(const std::string& provider, const std::vector<std::string>& texts,
                                                std::size_t dimension) const;

 private:
  result<std::vector<std::vector<float>>> ask_endpoint(const embedding_provider& p, const std::vector<std::string>& texts,
                                                       std::size_t first, std::size_t count) const;
  std::map<std::string, embedding_provider> providers_;
};

}  // namespace waggle
