#pragma once
// The shortest decimal text that reads back as the same float32, as JSON. Pure; any thread.
#include <cstddef>

namespace waggle {

/// No text is longer: sign, digits, point, and zeros or an exponent.
inline constexpr std::size_t float_text_max = 20;

/// Writes the text of a finite number to `to`, without an end mark; returns where it ends. Zero keeps its sign: "-0.0".
char* write_float(char* to, float value);

}  // namespace waggle
