#include "net/auth/rate_windows.hpp"

#include <algorithm>

namespace waggle {
namespace {
constexpr std::int64_t second_ms = 1000, minute_ms = 60'000, day_ms = 86'400'000;

std::uint64_t lower(std::uint64_t a, std::uint64_t b) { return a == 0 ? b : b == 0 ? a : std::min(a, b); }
}  // namespace

rate_limits lower_of(const rate_limits& a, const rate_limits& b) {
  return {lower(a.per_minute, b.per_minute), lower(a.per_hour, b.per_hour), lower(a.per_day, b.per_day)};
}

void rate_windows::sliding::advance(std::int64_t slot) {
  if (slot <= newest) return;  // also when the clock was set back: what is counted stays counted
  for (auto s = std::max(newest + 1, slot - static_cast<std::int64_t>(counts.size()) + 1); s <= slot; ++s) {
    auto& oldest = counts[static_cast<std::size_t>(s) % counts.size()];
    total -= oldest;
    oldest = 0;
  }
  newest = slot;
}

std::int64_t rate_windows::sliding::slots_to_wait(std::uint64_t limit) const {
  auto left = total;
  std::int64_t wait = 0;
  while (left >= limit && wait < static_cast<std::int64_t>(counts.size())) {
    ++wait;
    left -= counts[static_cast<std::size_t>(newest + wait) % counts.size()];
  }
  return wait;
}

rate_verdict rate_windows::admit(const rate_limits& limits, std::int64_t now_unix_ms) {
  const auto now_ms = last_ms_ = std::max(now_unix_ms, last_ms_);
  minute_.advance(now_ms / second_ms);
  hour_.advance(now_ms / minute_ms);
  if (const auto day = now_ms / day_ms; day != day_) day_ = day, in_day_ = 0;

  const auto refuse = [now_ms](std::string_view window, std::uint64_t limit, std::int64_t at_ms) {
    const auto wait_s = std::max<std::int64_t>(1, (at_ms - now_ms + second_ms - 1) / second_ms);
    return rate_verdict{false, window, limit, 0, now_ms / second_ms + wait_s, static_cast<int>(wait_s)};
  };
  if (limits.per_day && in_day_ >= limits.per_day) return refuse("per_day", limits.per_day, (day_ + 1) * day_ms);
  if (limits.per_hour)
    if (const auto wait = hour_.slots_to_wait(limits.per_hour))
      return refuse("per_hour", limits.per_hour, (now_ms / minute_ms + wait) * minute_ms);
  if (limits.per_minute)
    if (const auto wait = minute_.slots_to_wait(limits.per_minute))
      return refuse("per_minute", limits.per_minute, (now_ms / second_ms + wait) * second_ms);
  minute_.add();
  hour_.add();
  ++in_day_;
  rate_verdict v;
  v.limit = limits.per_minute;
  if (!v.limit) return v;
  v.remaining = v.limit - minute_.total;
  v.reset_unix_s = now_ms / second_ms + minute_.slots_to_wait(minute_.total);
  return v;
}

rate_use rate_windows::use(std::int64_t now_unix_ms) const {
  auto minute = minute_, hour = hour_;
  const auto now_ms = std::max(now_unix_ms, last_ms_);
  minute.advance(now_ms / second_ms);
  hour.advance(now_ms / minute_ms);
  const auto until = [now_ms](std::int64_t at_ms) { return (at_ms - now_ms + second_ms - 1) / second_ms; };
  rate_use u;
  u.last_ms = last_ms_;
  if (minute.total > 0) u.minute = {minute.total, until((now_ms / second_ms + minute.slots_to_wait(minute.total)) * second_ms)};
  if (hour.total > 0) u.hour = {hour.total, until((now_ms / minute_ms + hour.slots_to_wait(hour.total)) * minute_ms)};
  if (in_day_ > 0 && day_ == now_ms / day_ms) u.day = {in_day_, until((day_ + 1) * day_ms)};
  return u;
}

bool rate_windows::forgotten(std::int64_t now_unix_ms) const {
  return now_unix_ms / day_ms > day_ && now_unix_ms - last_ms_ > static_cast<std::int64_t>(slots + 1) * minute_ms;
}

}  // namespace waggle
