#pragma once
// The path map of the hub: which operation a method and a path name, in both path sets, and with which parameters.
// Pure.
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace waggle::mock {

inline constexpr std::string_view connect_operation = "connect";

struct route_match {
  std::string operation;
  std::map<std::string, std::string> parameters;  ///< decoded
  bool needs_service_key = true;
  bool changes = false;  ///< the state; goes into the change log
};

/// `template_text`: segments, "{name}" takes any one. Nothing when the path is another.
std::optional<std::map<std::string, std::string>> match_path(std::string_view template_text, std::string_view path);
std::optional<route_match> find_route(std::string_view method, std::string_view path);
bool is_operation(std::string_view name);

}  // namespace waggle::mock
