#pragma once
// Embedding providers by name: `bm25`, built in, and any number of OpenAI-compatible endpoints, read from the file that
// the key `embedding.providers_file` names (docs/configuration.md). Owned by the node; the list is immutable after
// start; any thread.
#include <boost/asio/awaitable.hpp>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "net/http/client.hpp"

namespace waggle {

struct embedding_provider {
  std::string name;
  http_client_url url;
  std::string model;             ///< "" = not sent
  std::string api_key;           ///< sent as Bearer; "" = none; never logged or shown
  std::uint32_t dimension = 0;   ///< of its vectors
  int timeout_ms = 10000;        ///< of one call
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
  /// The endpoint of that name; nullptr for `bm25` and for names that nobody configured.
  const embedding_provider* endpoint(const std::string& provider) const;
  /// One call: the body of the answer to these texts. On the caller's context, within `deadline_ms` and the provider's
  /// own timeout. Errors: not_ready when the endpoint fails, deadline_exceeded when the caller's time is over.
  boost::asio::awaitable<result<std::string>> call(const embedding_provider& provider,
                                                   std::span<const std::string> texts, int deadline_ms);

 private:
  std::map<std::string, embedding_provider> providers_;
  http_client client_;
};

}  // namespace waggle
