// Answers to searches consist of numbers: the half of their time is spent here. fmt finds the digits (Dragonbox, Jeon 2020) in a third
// of the time of libstdc++'s to_chars; its public functions spend the rest on what a format may ask for.
#include "base/float_text.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <cstring>

namespace waggle {
namespace {
/// Numbers with more digits before the point, or more zeros behind it, have an exponent.
constexpr int whole_digits_max = 15, zeros_max = 5;
constexpr int digits_max = 9;  ///< of a float32

/// The decimal digits of n > 0, the last one before `end`; returns the first.
char* write_digits(char* end, std::uint32_t n) {
  for (; n >= 100; n /= 100) std::memcpy(end -= 2, fmt::detail::digits2(n % 100), 2);
  if (n < 10) {
    *--end = static_cast<char>('0' + n);
    return end;
  }
  std::memcpy(end -= 2, fmt::detail::digits2(n), 2);
  return end;
}

char* put(char* to, const char* from, int count) {
  std::memcpy(to, from, static_cast<std::size_t>(count));
  return to + count;
}

char* put_zeros(char* to, int count) {
  std::memset(to, '0', static_cast<std::size_t>(count));
  return to + count;
}
}  // namespace

char* write_float(char* to, float value) {
  if (std::signbit(value)) *to++ = '-';
  // "-0" is an integer to many readers, and those lose the sign.
  if (value == 0) return std::signbit(value) ? put(to, "0.0", 3) : put(to, "0", 1);
  const auto decimal = fmt::detail::dragonbox::to_decimal(std::abs(value));
  char room[digits_max + 1];
  char* const end = room + sizeof room;
  const char* const digits = write_digits(end, decimal.significand);
  const int count = static_cast<int>(end - digits);
  const int whole = count + decimal.exponent;  // digits before the point; -n: so many zeros behind it
  if (whole > whole_digits_max || whole < -zeros_max) {
    *to++ = digits[0];
    if (count > 1) {
      *to++ = '.';
      to = put(to, digits + 1, count - 1);
    }
    const int exponent = whole - 1;
    *to++ = 'e';
    *to++ = exponent < 0 ? '-' : '+';
    return put(to, fmt::detail::digits2(static_cast<std::size_t>(std::abs(exponent))), 2);
  }
  if (whole <= 0) {
    to = put_zeros(put(to, "0.", 2), -whole);
    return put(to, digits, count);
  }
  if (whole >= count) return put_zeros(put(to, digits, count), whole - count);
  to = put(to, digits, whole);
  *to++ = '.';
  return put(to, digits + whole, count - whole);
}

}  // namespace waggle
