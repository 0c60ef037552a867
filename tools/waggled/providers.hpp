#pragma once
// The configured embedding endpoints. Called once at start, on main's thread.
#include <vector>

#include "base/error.hpp"
#include "net/bridge/embeddings.hpp"
#include "net/config/config.hpp"

namespace waggle {

/// Reads `embedding.providers_file`: a JSON array of {name, url, model, dimension, api_key_file?, timeout_ms?, batch_max?}.
/// No file configured: none. Errors name what is wrong.
result<std::vector<embedding_provider>> read_providers(const config& loaded);

}  // namespace waggle
