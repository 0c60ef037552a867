#pragma once
// Every key of the contract (config.md §2) in one declarative table: the only place that knows a key's type, default,
// range, unit, aliases and environment names. Constant; any thread.
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/config/types.hpp"

namespace waggle {

/// What a key does in this release.
enum class key_effect : std::uint8_t {
  now,      ///< read by the node
  stored,   ///< checked and shown; its feature comes later. Setting it gives a warning
  refused,  ///< as `stored`, but turning it on would promise protection or service that is not there: an error
};

struct key_spec {
  std::string_view path;
  value_kind kind = value_kind::text;
  std::string_view fallback;   ///< default as text; lists "a,b"; with `nullable` and empty: no value
  std::string_view unit = {};  ///< of size ("MiB") and duration ("s"): what a bare number means
  std::int64_t min = 0;
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
  std::string_view choices = {};  ///< "a|b"
  std::string_view alias = {};    ///< a second path of the same key (seed 001 names)
  std::string_view env = {};      ///< more environment names, separated by spaces
  key_effect effect = key_effect::now;
  bool reload = false;    ///< SIGHUP applies a change
  bool nullable = false;  ///< null is a value: off, unlimited, or derived
  /// Smallest number of bytes of a secret (of each, in a list).
  int secret_bytes_min = 1;
};

/// In the order of the contract.
std::span<const key_spec> config_keys();
/// By path or alias; nullptr when unknown.
const key_spec* find_config_key(std::string_view path);
/// True when some key lies below `path`.
bool is_config_section(std::string_view path);
/// The secret whose "<path>_file" this is; nullptr otherwise.
const key_spec* find_secret_of_file(std::string_view path);
/// The known path nearest to `path` by edit distance, or a key with the same last part; "" when nothing is near.
std::string nearest_config_path(std::string_view path);
/// The variable that sets `path`: "hub.retries" → "WAGGLE_HUB__RETRIES".
std::string environment_name(std::string_view path);
/// Keys of Vectorizer 3.5 that have no meaning here and protect nothing: warnings under compat.vectorizer_config.
bool is_vectorizer_only(std::string_view path);

}  // namespace waggle
