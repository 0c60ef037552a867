#include "net/identity/local_key.hpp"

#include <algorithm>

#include "base/crypto.hpp"

namespace waggle {
namespace {
constexpr std::string_view prefix = "wk_";
constexpr std::size_t id_bytes = 12, secret_bytes = 32;

bool is_alphanumeric(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}
}  // namespace

std::optional<local_key_text> parse_local_key(std::string_view text) {
  if (text.size() != prefix.size() + id_bytes + 1 + secret_bytes || !text.starts_with(prefix)) return std::nullopt;
  text.remove_prefix(prefix.size());
  const local_key_text key{text.substr(0, id_bytes), text.substr(id_bytes + 1)};
  if (text[id_bytes] != '_' || !is_alphanumeric(key.id) || !is_alphanumeric(key.secret)) return std::nullopt;
  return key;
}

fresh_local_key make_local_key() {
  fresh_local_key made;
  made.id = random_alphanumeric(id_bytes);
  const auto secret = random_alphanumeric(secret_bytes);
  made.text.append(prefix).append(made.id).append("_").append(secret);
  made.digest = digest_of_secret(secret);
  return made;
}

std::string digest_of_secret(std::string_view secret) { return sha256_hex(secret); }

}  // namespace waggle
