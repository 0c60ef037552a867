#include "net/identity/login_guard.hpp"

#include <algorithm>

namespace waggle {

bool login_guard::full(const counts& under_way, const auth_failures& failed, const auth_failure_limits& limits,
                       const std::string& key, std::int64_t steady_us) {
  const auto it = under_way.find(key);
  return it != under_way.end() && it->second + failed.failures(key, steady_us) >= limits.failures;
}

void login_guard::leave(counts& under_way, const std::string& key) {
  const auto it = under_way.find(key);
  if (--it->second == 0) under_way.erase(it);
}

int login_guard::begin(const std::string& username, const std::string& address, std::int64_t steady_us) {
  const std::lock_guard lock(mutex_);
  const int wait = std::max(users_.retry_after_seconds(username, steady_us),
                            addresses_.retry_after_seconds(address, steady_us));
  if (wait > 0) return wait;
  if (full(users_trying_, users_, user_limits_, username, steady_us) ||
      full(addresses_trying_, addresses_, address_limits_, address, steady_us))
    return 1;
  ++users_trying_[username];
  ++addresses_trying_[address];
  return 0;
}

void login_guard::end(const std::string& username, const std::string& address, std::optional<bool> right,
                      std::int64_t steady_us) {
  const std::lock_guard lock(mutex_);
  leave(users_trying_, username);
  leave(addresses_trying_, address);
  if (!right) return;
  if (*right) {
    users_.succeeded(username, steady_us);
    addresses_.succeeded(address, steady_us);
  } else {
    users_.failed(username, steady_us);
    addresses_.failed(address, steady_us);
  }
}

}  // namespace waggle
