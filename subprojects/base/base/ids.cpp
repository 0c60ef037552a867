#include "base/ids.hpp"

namespace waggle {
namespace {
int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}
constexpr char hex_digits[] = "0123456789abcdef";
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
    text += hex_digits[byte >> 4];
    text += hex_digits[byte & 15];
  }
  return text;
}

std::string to_string(const tenant_id& id) { return format_uuid(id.bytes); }

std::string to_string(collection_id id) {
  std::string text(16, '0');
  auto v = id.value;
  for (int i = 15; i >= 0; --i, v >>= 4) text[i] = hex_digits[v & 15];
  return text;
}

}  // namespace waggle
