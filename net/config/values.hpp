#pragma once
// From written text to typed values. Pure, except for reading secret files.
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "net/config/keys.hpp"
#include "net/config/types.hpp"

namespace waggle {

/// How a value was written, before its key gave it a type.
struct written_value {
  bool null = false;
  bool is_list = false;
  bool typed = false;  ///< written as a quoted string in a file: no number, no boolean
  std::string text;
  std::vector<std::string> list;
};

/// The value of `key` that `written` stands for; the failure's message is one sentence without the key's name.
/// Sizes take KiB, MiB, GiB, TiB; durations us, ms, s, m, h, d; both must come out whole in the key's unit.
result<config_value> read_value(const key_spec& key, const written_value& written);

/// A variable's or an argument's text: "[a, b]" or "a, b" for lists ("\\," is a comma inside an item), "null" for
/// nullable keys.
written_value from_flat_text(const key_spec& key, std::string_view text);

/// The key's default. "{data_dir}" stays; it is replaced when all layers are known.
config_value default_value(const key_spec& key);

/// Replaces ${VAR} and ${VAR:-default}; "$${" is a literal "${". `changed` tells whether anything was replaced.
result<std::string> interpolate(std::string_view text,
                                const std::vector<std::pair<std::string, std::string>>& environment, bool& changed);

/// Contents of a secret file without the final newline: a regular file, not readable by group or others, 1…65536 bytes.
result<std::string> read_secret_file(const std::string& path);

/// Text form of a value, loadable again; secrets are "***".
std::string format_value(const key_spec& key, const config_value& value);

}  // namespace waggle
