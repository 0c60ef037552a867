#include "base/ids.hpp"

#include "base/hex.hpp"

namespace waggle {
namespace {
int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}
constexpr bool hyphen_at(std::size_t i) { return i == 8 || i == 13 || i == 18 || i == 23; }
}  // namespace

bool parse_uuid(std::string_view text, std::array<std::uint8_t, 16>& out) {
  if (text.size() != 36) return false;
  std::size_t n = 0;
  for (std::size_t i = 0; i < 36;) {
    if (hyphen_at(i)) {
      if (text[i++] != '-') return false;
      continue;
    }
    const int high = hex_value(text[i]), low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) return false;
    out[n++] = static_cast<std::uint8_t>(high << 4 | low);
    i += 2;
  }
  return true;
}

std::string format_uuid(const std::array<std::uint8_t, 16>& bytes) {
  std::string text;
  text.reserve(36);
  for (const auto byte : bytes) {
    if (hyphen_at(text.size())) text += '-';
    append_hex(text, {&byte, 1});
  }
  return text;
}

std::string to_string(const tenant_id& id) { return format_uuid(id.bytes); }

std::string to_string(collection_id id) {
  std::string text;
  for (int shift = 56; shift >= 0; shift -= 8) {
    const auto byte = static_cast<unsigned char>(id.value >> shift);
    append_hex(text, {&byte, 1});
  }
  return text;
}

}  // namespace waggle
