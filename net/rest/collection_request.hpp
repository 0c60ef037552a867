#pragma once
// The body that creates a collection. Whether the embedding provider exists is the node's to judge. Pure; any thread.
#include "net/config/settings.hpp"
#include "net/rest/decoder.hpp"
#include "storage/log/operation.hpp"

namespace waggle::rest {

result<collection_config> read_config(json_value root, const collection_default_settings& defaults);

}  // namespace waggle::rest
