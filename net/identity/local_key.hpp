#pragma once
// Local API keys as text (contract auth.md §2): `wk_<12 letters or digits: the id>_<32: the secret>`. Pure; any thread.
#include <optional>
#include <string>
#include <string_view>

namespace waggle {

/// Views into the key's text.
struct local_key_text {
  std::string_view id;
  std::string_view secret;
};

/// None when it has another shape.
std::optional<local_key_text> parse_local_key(std::string_view text);

struct fresh_local_key {
  std::string id;
  std::string text;    ///< shown once, stored nowhere
  std::string digest;  ///< SHA-256 of the secret, lower-case hex: what is kept
};
fresh_local_key make_local_key();

/// What is kept of a secret. Its 190 random bits need no salt and no slow hash.
std::string digest_of_secret(std::string_view secret);

}  // namespace waggle
