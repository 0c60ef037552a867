#include "storage/payload/datetime.hpp"

#include <chrono>

namespace waggle {
namespace {

/// Takes exactly `digits` decimal digits from the front.
bool take_number(std::string_view& rest, int digits, int& out) {
  if (rest.size() < static_cast<std::size_t>(digits)) return false;
  out = 0;
  for (int i = 0; i < digits; ++i) {
    const char c = rest[i];
    if (c < '0' || c > '9') return false;
    out = out * 10 + (c - '0');
  }
  rest.remove_prefix(digits);
  return true;
}

bool take_char(std::string_view& rest, std::string_view any_of) {
  if (rest.empty() || any_of.find(rest.front()) == any_of.npos) return false;
  rest.remove_prefix(1);
  return true;
}

bool take_fraction(std::string_view& rest, std::int64_t& nanoseconds) {
  if (!take_char(rest, ".")) return true;
  std::int64_t scale = 100'000'000;
  bool any = false;
  for (; !rest.empty() && rest.front() >= '0' && rest.front() <= '9'; rest.remove_prefix(1), scale /= 10) {
    nanoseconds += scale * (rest.front() - '0');
    any = true;
  }
  return any;
}

/// Seconds to subtract for the written offset. No offset means UTC.
bool take_offset(std::string_view& rest, std::int64_t& seconds) {
  if (rest.empty() || take_char(rest, "Zz")) return true;
  const int sign = rest.front() == '-' ? -1 : 1;
  int hours = 0, minutes = 0;
  if (!take_char(rest, "+-") || !take_number(rest, 2, hours)) return false;
  if (!rest.empty()) {
    take_char(rest, ":");
    if (!take_number(rest, 2, minutes)) return false;
  }
  if (hours > 23 || minutes > 59) return false;
  seconds = sign * (hours * 3600 + minutes * 60);
  return true;
}

}  // namespace

std::optional<instant> parse_instant(std::string_view text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (!take_number(text, 4, year) || !take_char(text, "-") || !take_number(text, 2, month) || !take_char(text, "-") ||
      !take_number(text, 2, day))
    return {};
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return {};
  instant at{std::chrono::sys_days(date).time_since_epoch().count() * std::int64_t{86400}, 0};
  if (text.empty()) return at;

  if (!take_char(text, "Tt ") || !take_number(text, 2, hour) || !take_char(text, ":") || !take_number(text, 2, minute))
    return {};
  if (take_char(text, ":")) {
    if (!take_number(text, 2, second) || !take_fraction(text, at.nanoseconds)) return {};
  } else if (!text.empty()) {
    return {};  // an offset needs seconds before it
  }
  std::int64_t offset = 0;
  if (hour > 23 || minute > 59 || second > 60 || !take_offset(text, offset) || !text.empty()) return {};
  if (second == 60) {
    second = 59;
    at.nanoseconds += 1'000'000'000;
  }
  at.unix_seconds += hour * 3600 + minute * 60 + second - offset;
  return at;
}

}  // namespace waggle
