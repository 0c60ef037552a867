// The environment and the command line: flat names and text.
#include <unistd.h>

#include <map>
#include <regex>
#include <set>

#include "net/config/layers.hpp"

extern char** environ;

namespace waggle {
namespace {
bool truthy(std::string_view text) { return text == "1" || text == "true" || text == "TRUE" || text == "yes"; }

struct variable_target {
  const key_spec* key;
  std::string path;
  bool secret_file;
};

/// Every variable name that sets a key, with what it sets.
const std::map<std::string, variable_target>& variables() {
  static const auto made = [] {
    std::map<std::string, variable_target> names;
    for (const auto& key : config_keys()) {
      const bool secret = key.kind == value_kind::secret || key.kind == value_kind::secret_list;
      const auto add = [&](std::string name) {
        if (secret) names[name + "_FILE"] = {&key, std::string(key.path) + "_file", true};
        names[std::move(name)] = {&key, std::string(key.path), false};
      };
      add(environment_name(key.path));
      if (!key.alias.empty()) add(environment_name(key.alias));
      for (std::string_view rest = key.env; !rest.empty();) {
        const auto end = std::min(rest.find(' '), rest.size());
        add(std::string(rest.substr(0, end)));
        rest.remove_prefix(std::min(end + 1, rest.size()));
      }
    }
    return names;
  }();
  return made;
}

/// Names that begin like ours and are not meant for the node.
bool is_for_others(const std::string& name, std::string_view text) {
  // wagglectl's, the shipped standalone.yml's, and those of this repository's scripts and tests.
  static const std::set<std::string_view> plain = {"WAGGLE_ENDPOINT", "WAGGLE_TOKEN",     "WAGGLE_DATA",
                                                   "WAGGLE_BUILD",    "WAGGLE_BUILD_DIR", "WAGGLE_SEED",
                                                   "WAGGLE_KILL_ROUNDS"};
  // Kubernetes sets these in every pod for a service called "waggle" or "waggle-…".
  static const std::regex service("WAGGLE(_[A-Z0-9]+)*_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|"
                                  "PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)");
  static const std::regex service_address("(tcp|udp|sctp)://.*");
  if (plain.contains(name) || std::regex_match(name, service)) return true;
  return name.ends_with("_PORT") && std::regex_match(text.begin(), text.end(), service_address);
}

/// "WAGGLE_HUB__RETRYS" → "hub.retrys", to find the nearest key.
std::string path_of_variable(std::string_view name) {
  std::string path;
  name.remove_prefix(7);
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name.substr(i).starts_with("__"))
      path += '.', ++i;
    else
      path += name[i] >= 'A' && name[i] <= 'Z' ? static_cast<char>(name[i] - 'A' + 'a') : name[i];
  }
  return path;
}

assignment make_assignment(const key_spec& key, std::string path, bool secret_file, std::string_view text,
                           config_origin origin) {
  assignment a;
  a.key = &key;
  a.path = std::move(path);
  a.from_secret_file = secret_file;
  if (secret_file)
    a.value.text = text;
  else
    a.value = from_flat_text(key, text);
  a.origin = std::move(origin);
  return a;
}

std::string unknown_message(std::string_view path) {
  std::string message = "unknown key";
  if (const auto near = nearest_config_path(path); !near.empty()) message += "; did you mean " + near + "?";
  return message;
}
}  // namespace

layer_reading read_environment_layer(const config_sources& sources) {
  layer_reading out;
  for (const auto& [name, text] : sources.environment) {
    if (name == "HIVEHUB_DISABLED") {
      if (truthy(text))
        out.assignments.push_back(make_assignment(*find_config_key("hub.enabled"), "hub.enabled", false, "false",
                                                  {config_layer::environment, name, 0}));
      continue;
    }
    const auto it = variables().find(name);
    if (it != variables().end()) {
      const auto& target = it->second;
      out.assignments.push_back(
          make_assignment(*target.key, target.path, target.secret_file, text, {config_layer::environment, name, 0}));
      continue;
    }
    if (!name.starts_with("WAGGLE_") || is_for_others(name, text)) continue;
    const auto path = path_of_variable(name);
    auto message = unknown_message(path);
    if (const auto near = nearest_config_path(path); !near.empty()) message += " (" + environment_name(near) + ")";
    out.problems.push_back({"environment", 0, name, std::move(message)});
  }
  return out;
}

layer_reading read_command_line_layer(const config_sources& sources) {
  layer_reading out;
  for (const auto& [path, text] : sources.command_line) {
    const auto* secret = find_secret_of_file(path);
    const auto* key = secret ? secret : find_config_key(path);
    if (!key) {
      out.problems.push_back({"command line", 0, path, unknown_message(path)});
      continue;
    }
    out.assignments.push_back(
        make_assignment(*key, path, secret != nullptr, text, {config_layer::command_line, "--set", 0}));
  }
  return out;
}

std::vector<std::pair<std::string, std::string>> system_environment() {
  std::vector<std::pair<std::string, std::string>> out;
  for (char** entry = environ; entry && *entry; ++entry) {
    const std::string_view text = *entry;
    const auto equals = text.find('=');
    if (equals != std::string_view::npos) out.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return out;
}

}  // namespace waggle
