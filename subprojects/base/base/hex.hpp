#pragma once
// Bytes as lower-case hexadecimal digits. Pure; any thread.
#include <span>
#include <string>

namespace waggle {

inline void append_hex(std::string& out, std::span<const unsigned char> bytes) {
  constexpr char digits[] = "0123456789abcdef";
  for (const auto byte : bytes) {
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
}

}  // namespace waggle
