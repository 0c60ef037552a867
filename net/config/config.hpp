#pragma once
// The configuration of a node: read, merged, checked (contract config.md). `waggled` and `wagglectl config check` use
// the same functions. Loading reads files and nothing else; a loaded config changes by take_reloadable only. Any
// thread, one at a time.
//
//   file (+ includes) ┐
//   environment       ├─▶ typed values per layer ─▶ aliases agree? ─▶ merge (CLI > env > file > default) ─▶ rules ─▶
//   config
//   --set             ┘         every problem of every stage is collected; nothing stops at the first
#include <boost/system/result.hpp>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "net/config/keys.hpp"
#include "net/config/settings.hpp"
#include "net/config/types.hpp"

namespace waggle {

/// All that is wrong, in the order of files and lines. The caller prints it and exits with 78.
struct config_problems {
  std::vector<config_problem> list;
};
[[noreturn]] void throw_exception_from_error(const config_problems& problems, const boost::source_location& where);

inline constexpr int config_exit_code = 78;  ///< EX_CONFIG

class config {
 public:
  using load_result = boost::system::result<config, config_problems>;
  static load_result load(const config_sources& sources);

  // By canonical path; an unknown path or the wrong kind is a programming error (assert).
  const config_value& get(std::string_view path) const;
  bool flag(std::string_view path) const;
  std::int64_t number(std::string_view path) const;
  const std::string& text(std::string_view path) const;
  const std::vector<std::string>& list(std::string_view path) const;
  const config_origin& origin(std::string_view path) const;

  /// Takes over from `fresh` what a reload may change.
  void take_reloadable(const config& fresh);
  /// What a standalone node needs, typed.
  waggle::settings settings() const;
  /// Things that work but deserve attention: keys whose feature is not in this release, Vectorizer keys that were
  /// ignored.
  const std::vector<config_problem>& warnings() const { return warnings_; }
  /// Every key with its value and where it comes from, one per line, as YAML that can be loaded again. Secrets are
  /// "***".
  std::string dump() const;

 private:
  friend class config_loader;
  struct entry {
    config_value value;
    config_origin origin;
  };
  const entry& at(std::string_view path) const;
  std::map<std::string_view, entry> entries_;  ///< by canonical path
  std::vector<config_problem> warnings_;
};

/// What a reload changes.
struct config_difference {
  std::vector<std::string> reloadable;        ///< marked ↻ in the contract: apply now
  std::vector<std::string> restart_required;  ///< log "restart required"
};
config_difference compare(const config& running, const config& fresh);

/// The rules that span keys (config.md §1, "Refuse to start"). Appends to `problems`.
void check_config_rules(const config& merged, std::vector<config_problem>& problems);

}  // namespace waggle
