#pragma once
// What the fuzz targets share: views of the input, and how a broken property is reported.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace waggle::fuzz {

/// A broken property ends the program as a crash does, and libFuzzer keeps the input.
inline void require(bool holds, const char* property) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", property);
  std::abort();
}

inline std::string_view view(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Takes the first byte off the input, a choice of the fuzzer's; 0 at the end.
inline std::uint8_t take_choice(std::string_view& input) {
  if (input.empty()) return 0;
  const auto choice = static_cast<std::uint8_t>(input.front());
  input.remove_prefix(1);
  return choice;
}

}  // namespace waggle::fuzz
