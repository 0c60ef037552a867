#pragma once
// CRC-32C for files and frames, SHA-256 for content identity. The door to Crypto++. Any thread.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace waggle {

std::uint32_t crc32c(std::string_view bytes);
std::array<std::uint8_t, 32> sha256(std::string_view bytes);
/// For UUIDv5 alone.
std::array<std::uint8_t, 20> sha1(std::string_view bytes);
/// 64-bit content hash (first 8 bytes of SHA-256, little endian). For equality, not for secrets.
std::uint64_t content_hash(std::string_view bytes);

}  // namespace waggle
