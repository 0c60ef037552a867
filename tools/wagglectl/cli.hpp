#pragma once
// The command line: the door to CLI11. One call per process (or test); the caller's thread.
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tools/wagglectl/console.hpp"
#include "tools/wagglectl/import/batch_sender.hpp"

namespace waggle::ctl {

/// Looks up an environment variable; nullopt when it is not set.
using environment = std::function<std::optional<std::string>(const char*)>;

/// Parses, runs, prints failures. Returns the process's exit code (contract cluster.md §6).
int run_cli(const std::vector<std::string>& arguments, console& io, const environment& env);

/// The same with a retry policy of the caller's, for tests that should not wait.
int run_cli(const std::vector<std::string>& arguments, console& io, const environment& env,
            retry_policy import_retries);

}  // namespace waggle::ctl
