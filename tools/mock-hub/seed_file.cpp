#include "tools/mock-hub/seed_file.hpp"

#include <yaml-cpp/yaml.h>

namespace waggle::mock {
namespace {
/// What YAML leaves open is decided as JSON would write it: a scalar that is no quoted text and reads as JSON is that.
json::value scalar(const YAML::Node& node) {
  const auto& text = node.Scalar();
  if (node.Tag() == "!") return json::value(text);
  json::error_code code;
  auto value = json::parse(text, code);
  return code ? json::value(text) : value;
}

json::value to_json(const YAML::Node& node) {
  if (node.IsScalar()) return scalar(node);
  if (node.IsSequence()) {
    json::array list;
    for (const auto& item : node) list.emplace_back(to_json(item));
    return list;
  }
  if (!node.IsMap()) return nullptr;
  json::object map;
  for (const auto& member : node) map[member.first.Scalar()] = to_json(member.second);
  return map;
}
}  // namespace

json::object read_seed_file(const std::string& path) {
  try {
    auto seed = to_json(YAML::LoadFile(path));
    if (!seed.is_object()) throw std::runtime_error("it must be a map with users and faults");
    return seed.get_object();
  } catch (const std::exception& problem) {
    throw std::runtime_error(path + ": " + problem.what());
  }
}

}  // namespace waggle::mock
