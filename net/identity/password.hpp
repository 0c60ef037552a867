#pragma once
// Passwords: Argon2id (RFC 9106) and the rules for new ones. The door to libargon2. Hashing takes tens of milliseconds and
// 19 MiB: never on a worker. Pure; any thread.
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace waggle {

/// "$argon2id$v=19$m=19456,t=2,p=1$salt$hash", with a fresh salt.
result<std::string> hash_password(std::string_view password);
/// The same work for any `encoded` that hash_password has made.
bool password_fits(std::string_view password, const std::string& encoded);

struct password_verdict {
  std::vector<std::string_view> errors;  ///< none: it may be used
  int strength = 0;                      ///< 0 … 4
  std::string_view label;
};
password_verdict judge_password(std::string_view password, std::string_view username);

}  // namespace waggle
