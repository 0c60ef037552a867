#pragma once
// The body that creates a collection. Whether the embedding provider exists is the node's to judge. Pure; any thread.
#include <functional>

#include "net/config/settings.hpp"
#include "net/rest/decoder.hpp"
#include "storage/log/operation.hpp"

namespace waggle::rest {

/// What a name that a client wrote comes to: a tenant's canonical name to its bare one.
using name_reduction = std::function<std::string(std::string_view)>;
result<collection_config> read_config(json_value root, const collection_default_settings& defaults,
                                      const name_reduction& reduce = {});

}  // namespace waggle::rest
