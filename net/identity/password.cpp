#include "net/identity/password.hpp"

#include <argon2.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "base/crypto.hpp"
#include "base/limits.hpp"

namespace waggle {
namespace {
// OWASP's first choice for Argon2id.
constexpr std::uint32_t memory_kib = 19456, passes = 2, lanes = 1;
constexpr std::size_t salt_bytes = 16, hash_bytes = 32;
constexpr std::size_t password_bytes_min = 10;

/// Of lower case, upper case, digits and others, how many occur.
int kinds_of(std::string_view text) {
  const auto any = [text](auto is) { return std::any_of(text.begin(), text.end(), is); };
  return any([](unsigned char c) { return std::islower(c); }) + any([](unsigned char c) { return std::isupper(c); }) +
         any([](unsigned char c) { return std::isdigit(c); }) + any([](unsigned char c) { return !std::isalnum(c); });
}

std::size_t different_bytes(std::string_view text) {
  std::array<bool, 256> seen{};
  for (const unsigned char c : text) seen[c] = true;
  return static_cast<std::size_t>(std::count(seen.begin(), seen.end(), true));
}
}  // namespace

result<std::string> hash_password(std::string_view password) {
  const auto salt = random_bytes(salt_bytes);
  std::string encoded(argon2_encodedlen(passes, memory_kib, lanes, salt_bytes, hash_bytes, Argon2_id), '\0');
  const int failed = argon2id_hash_encoded(passes, memory_kib, lanes, password.data(), password.size(), salt.data(),
                                           salt.size(), hash_bytes, encoded.data(), encoded.size());
  if (failed != ARGON2_OK) return failure::internal(std::string("argon2: ") + argon2_error_message(failed));
  encoded.resize(encoded.find('\0'));
  return encoded;
}

bool password_fits(std::string_view password, const std::string& encoded) {
  return argon2id_verify(encoded.c_str(), password.data(), password.size()) == ARGON2_OK;
}

password_verdict judge_password(std::string_view password, std::string_view username) {
  password_verdict v;
  if (password.size() < password_bytes_min) v.errors.push_back("must have at least 10 characters");
  if (password.size() > limits::password_bytes_max) v.errors.push_back("must have at most 256 bytes");
  if (!username.empty() && password.find(username) != password.npos) v.errors.push_back("must not contain the user name");
  const auto different = different_bytes(password);
  if (different < 5) v.errors.push_back("must have at least 5 different characters");
  static constexpr std::array<std::string_view, 5> labels = {"very weak", "weak", "fair", "good", "strong"};
  if (v.errors.empty())
    v.strength = std::min(4, 1 + (kinds_of(password) > 2) + (password.size() >= 14) + (different >= 12));
  v.label = labels[static_cast<std::size_t>(v.strength)];
  return v;
}

}  // namespace waggle
