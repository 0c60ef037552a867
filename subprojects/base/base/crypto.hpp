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
/// Takes as long wherever the first difference is. Only the sizes show.
bool constant_time_equal(std::string_view a, std::string_view b);
/// RFC 4648 §4 with padding, in its one canonical form; anything else is nothing.
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace waggle
