#pragma once
// A configuration file as written: scalars with their lines, nothing interpreted. The door to yaml-cpp is raw_tree.cpp.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/config/types.hpp"

namespace waggle {

struct raw_value {
  enum class shape : std::uint8_t { null, scalar, sequence, map };
  shape kind = shape::null;
  std::string text;              ///< of a scalar
  bool quoted = false;           ///< the scalar was written in quotes, so it is text and not a number
  int line = 0;                  ///< from 1
  std::vector<raw_value> items;  ///< of a sequence
  std::vector<std::pair<raw_value, raw_value>> members;  ///< of a map, in order, duplicates included
};

/// Parses YAML (JSON included). Syntax errors, anchors, tags, several documents and non-scalar keys become problems.
raw_value parse_yaml(const std::string& text, std::string_view file, std::vector<config_problem>& problems);

}  // namespace waggle
