#pragma once
// Values that the parts of the configuration share. Pure; any thread.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace waggle {

/// Something wrong, or worth a warning, with the place where it was written.
struct config_problem {
  std::string file;     ///< file name as given, "environment" or "command line"; empty for rules that span keys
  int line = 0;         ///< from 1; 0 = not a file
  std::string key;      ///< path, or variable name
  std::string message;  ///< one sentence, includes the nearest known key where that helps
};
/// "config.yml:12: server.prot: unknown key; did you mean server.port?"
std::string to_string(const config_problem& problem);

enum class config_layer : std::uint8_t { standard, file, environment, command_line };
std::string_view to_string(config_layer layer);

struct config_origin {
  config_layer layer = config_layer::standard;
  std::string place;  ///< file name, variable name, or "--set"
  int line = 0;
};

/// Where a configuration is read from. Everything is an argument, so tests need no environment.
struct config_sources {
  std::string file = "config.yml";
  bool file_required = false;  ///< false: a missing file is an empty one (the default path)
  std::vector<std::pair<std::string, std::string>> environment;
  /// "--set path=value", "--host" as {"server.host", …}; later entries must not contradict earlier ones.
  std::vector<std::pair<std::string, std::string>> command_line;
};
/// The process's environment in the shape above.
std::vector<std::pair<std::string, std::string>> system_environment();

enum class value_kind : std::uint8_t { boolean, integer, size, duration, text, choice, text_list, secret, secret_list };

/// A typed value; which member counts follows from the key's kind (size and duration are integers in the key's unit).
struct config_value {
  bool set = false;  ///< false = null: no value
  bool boolean = false;
  std::int64_t integer = 0;
  std::string text;
  std::vector<std::string> list;
  bool operator==(const config_value&) const = default;
};

}  // namespace waggle
