#pragma once
// The configured embedding endpoints. Called at start and by --check-config, on main's thread.
#include <vector>

#include "base/error.hpp"
#include "net/bridge/embeddings.hpp"
#include "net/config/config.hpp"

namespace waggle {

/// Reads `embedding.providers_file`: a JSON array of {name, url, dimension, model?, api_key_file?, timeout_ms?,
/// batch_max?}; no file configured: none. Also checks that `collections.defaults.embedding_provider` names one of them
/// (or `bm25`) and fits `collections.defaults.dimension`. Errors name what is wrong and never a key.
result<std::vector<embedding_provider>> read_providers(const config& loaded);

}  // namespace waggle
