#pragma once
// Who may try a password now (contract auth.md §9): failures are counted per client address and per user name, and attempts
// under way count as if they failed, so that many at once are no way around the limit. Time is an argument. Any thread.
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "net/auth/auth_failures.hpp"

namespace waggle {

/// Of one user name: 5 failures in 300 s lock it for 900 s, for the right password too.
inline constexpr auth_failure_limits login_lockout{5, 300, 900};

class login_guard {
 public:
  /// `addresses` also counts the failures of keys; `user_limits` are those of one user name.
  login_guard(auth_failures& addresses, const auth_failure_limits& address_limits,
              const auth_failure_limits& user_limits = login_lockout)
      : addresses_(addresses), address_limits_(address_limits), users_(user_limits), user_limits_(user_limits) {}

  /// Seconds to wait, 0 = go on: then `end` must follow.
  int begin(const std::string& username, const std::string& address, std::int64_t steady_us);
  /// `right`: none when the password could not be checked after all.
  void end(const std::string& username, const std::string& address, std::optional<bool> right, std::int64_t steady_us);

  std::uint64_t lockouts_total() const { return users_.blocks_total(); }

 private:
  using counts = std::map<std::string, int>;
  static bool full(const counts& under_way, const auth_failures& failed, const auth_failure_limits& limits,
                   const std::string& key, std::int64_t steady_us);
  static void leave(counts& under_way, const std::string& key);

  auth_failures& addresses_;
  const auth_failure_limits address_limits_;
  auth_failures users_;
  const auth_failure_limits user_limits_;
  std::mutex mutex_;
  counts users_trying_, addresses_trying_;
};

}  // namespace waggle
