#pragma once
// A tokenizer that shares nothing with storage/text.
#include <string>
#include <string_view>
#include <vector>

namespace waggle::test {

/// Runs of ASCII letters and digits and of any other UTF-8 characters, ASCII lower-cased: enough for these tests.
inline std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  bool inside = false;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    const bool letter = u >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (letter && !inside) out.emplace_back();
    if (letter) out.back() += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    inside = letter;
  }
  return out;
}

}  // namespace waggle::test
