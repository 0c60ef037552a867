#pragma once
// How a wagglectl command ends: exit codes (contract cluster.md §6) and the failure that carries one. Pure values; any
// thread.
#include <boost/system/result.hpp>
#include <stdexcept>
#include <string>
#include <utility>

namespace waggle::ctl {

enum class exit_code : int {
  ok = 0,
  failed = 1,
  usage = 2,
  unreachable = 3,
  auth = 4,
  not_found = 5,
  conflict = 6,
  interrupted = 130,  ///< as shells say it: 128 + SIGINT
  terminated = 143,   ///< 128 + SIGTERM
};

/// Why a command stops. `message` is one sentence, `remedy` what the user can do about it (may be empty).
struct command_failure {
  exit_code code = exit_code::failed;
  std::string message;
  std::string remedy;

  command_failure() = default;
  command_failure(exit_code c, std::string m, std::string r = {})
      : code(c), message(std::move(m)), remedy(std::move(r)) {}
};

[[noreturn]] inline void throw_exception_from_error(const command_failure& f, const boost::source_location&) {
  throw std::logic_error("unchecked command_failure: " + f.message);
}

template <class T>
using outcome = boost::system::result<T, command_failure>;

}  // namespace waggle::ctl
