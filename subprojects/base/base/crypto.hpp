#pragma once
// Keyed hashes and comparisons for secrets. A door to Crypto++, with checksum.cpp. Pure; any thread.
#include <optional>
#include <string>
#include <string_view>

namespace waggle {

/// Lower-case hex.
std::string sha256_hex(std::string_view bytes);
/// HMAC-SHA256 (RFC 2104), lower-case hex.
std::string hmac_sha256_hex(std::string_view key, std::string_view message);
/// The same as bytes.
std::string hmac_sha256(std::string_view key, std::string_view message);
/// Takes as long wherever the first difference is. Only the sizes show.
bool constant_time_equal(std::string_view a, std::string_view b);
/// RFC 4648 §4 with padding, in its one canonical form; anything else is nothing.
std::optional<std::string> base64_decode(std::string_view text);
/// RFC 4648 §5 without padding, as JSON Web Tokens have it; decoding takes the canonical form only.
std::string base64url_encode(std::string_view bytes);
std::optional<std::string> base64url_decode(std::string_view text);

/// AES-256-GCM with a random nonce in front; `key` has 32 bytes. What was sealed is read with the same `bound_to` only, and
/// tells its length; anything else is nothing.
std::string seal(std::string_view key, std::string_view text, std::string_view bound_to);
std::optional<std::string> unseal(std::string_view key, std::string_view sealed, std::string_view bound_to);

/// From the system's generator: fit for keys.
std::string random_bytes(std::size_t count);
/// Letters and digits, each as likely as the others.
std::string random_alphanumeric(std::size_t count);

}  // namespace waggle
