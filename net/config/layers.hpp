#pragma once
// The three layers above the defaults, each read into assignments with their places. Pure except for reading files.
#include <string>
#include <vector>

#include "net/config/keys.hpp"
#include "net/config/types.hpp"
#include "net/config/values.hpp"

namespace waggle {

/// One key set by one source. Later assignments to the same `path` in the same layer have replaced earlier ones.
struct assignment {
  const key_spec* key = nullptr;
  std::string path;               ///< as written: canonical path, alias or "<secret>_file"
  bool from_secret_file = false;  ///< the value is a path to read the secret from
  written_value value;
  config_origin origin;
};

struct layer_reading {
  std::vector<assignment> assignments;
  std::vector<config_problem> problems;
  /// Unknown here, but known from Vectorizer: problems, or warnings under compat.vectorizer_config.
  std::vector<config_problem> vectorizer_only;
};

/// The file and what it includes; an including file overrides what it includes.
layer_reading read_file_layer(const config_sources& sources);
/// WAGGLE_… and the names taken over from Vectorizer and HiveHub.
layer_reading read_environment_layer(const config_sources& sources);
layer_reading read_command_line_layer(const config_sources& sources);

}  // namespace waggle
