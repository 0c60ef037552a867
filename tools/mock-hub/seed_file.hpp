#pragma once
// The seed file: YAML with the control API's words, read into JSON. Door to yaml-cpp.
//   users: [{id, name, email, plan, limits{…}, keys: [{key, name, permissions, functions, expires_in_seconds, …}]}]
//   faults: [{kind, operation, …}]
#include "tools/mock-hub/json_access.hpp"

namespace waggle::mock {

/// Throws std::runtime_error that names the file, and the line where there is one.
json::object read_seed_file(const std::string& path);

}  // namespace waggle::mock
