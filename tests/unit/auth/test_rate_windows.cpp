// Rate windows against a list of everything that was admitted.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <vector>

#include "net/auth/rate_windows.hpp"

namespace waggle::test {
namespace {

constexpr std::int64_t start_ms = 1'700'000'000'000;

std::size_t inside(const std::vector<std::int64_t>& admitted, std::int64_t now_ms, std::int64_t window_ms) {
  return static_cast<std::size_t>(std::count_if(admitted.begin(), admitted.end(), [&](std::int64_t at) {
    return at > now_ms - window_ms && at <= now_ms;
  }));
}

TEST_CASE("rate windows: never more than the limit in any window; who fits in the coarser window is let in") {
  const bool held = rc::check("limits hold", [] {
    const rate_limits limits{*rc::gen::inRange<std::uint64_t>(1, 20), *rc::gen::inRange<std::uint64_t>(1, 60),
                             *rc::gen::inRange<std::uint64_t>(1, 200)};
    const auto steps = *rc::gen::container<std::vector<std::int64_t>>(
        300, rc::gen::element<std::int64_t>(0, 1, 250, 999, 1000, 5000, 59'000, 60'000, 61'000, 600'000, 3'600'000));
    rate_windows windows;
    std::vector<std::int64_t> admitted;
    auto now = start_ms;
    for (const auto step : steps) {
      now += step;
      const auto verdict = windows.admit(limits, now);
      const auto day_began = now / 86'400'000 * 86'400'000;
      const auto in_day = inside(admitted, now, now - day_began + 1);
      if (verdict.admitted) {
        admitted.push_back(now);
        RC_ASSERT(inside(admitted, now, 60'000) <= limits.per_minute);
        RC_ASSERT(inside(admitted, now, 3'600'000) <= limits.per_hour);
        RC_ASSERT(in_day < limits.per_day);
        RC_ASSERT(verdict.retry_after_seconds == 0);
      } else {
        // Slots are a sixtieth of a window: it may look that much longer.
        RC_ASSERT(inside(admitted, now, 61'000) >= limits.per_minute ||
                  inside(admitted, now, 3'660'000) >= limits.per_hour || in_day >= limits.per_day);
        RC_ASSERT(verdict.retry_after_seconds >= 1);
      }
    }
  });
  CHECK(held);
}

TEST_CASE("rate windows: the time that is told is enough, and a refused request counts in none") {
  rate_windows windows;
  const rate_limits limits{5, 0, 0};
  for (int i = 0; i < 5; ++i) {
    const auto v = windows.admit(limits, start_ms + i);
    CHECK(v.admitted);
    CHECK(v.limit == 5);
    CHECK(v.remaining == static_cast<std::uint64_t>(4 - i));
  }
  rate_verdict refused;
  for (int i = 0; i < 100; ++i) refused = windows.admit(limits, start_ms + 1000);
  CHECK_FALSE(refused.admitted);
  CHECK(refused.window == "per_minute");
  CHECK(refused.retry_after_seconds <= 61);
  CHECK(windows.admit(limits, start_ms + 1000 + 1000 * refused.retry_after_seconds).admitted);
}

TEST_CASE("rate windows: a clock that is set back lets nobody in twice") {
  rate_windows windows;
  const rate_limits limits{2, 0, 0};
  CHECK(windows.admit(limits, start_ms).admitted);
  CHECK(windows.admit(limits, start_ms).admitted);
  CHECK_FALSE(windows.admit(limits, start_ms - 3'600'000).admitted);
}

TEST_CASE("rate windows: no limit, the lower limit, the day") {
  CHECK(lower_of({0, 10, 5}, {7, 0, 9}).per_minute == 7);
  CHECK(lower_of({0, 10, 5}, {7, 0, 9}).per_hour == 10);
  CHECK(lower_of({0, 10, 5}, {7, 0, 9}).per_day == 5);
  rate_windows free;
  for (int i = 0; i < 1000; ++i) CHECK(free.admit({}, start_ms).admitted);
  rate_windows daily;
  CHECK(daily.admit({0, 0, 1}, start_ms).admitted);
  const auto refused = daily.admit({0, 0, 1}, start_ms);
  CHECK(refused.window == "per_day");
  CHECK_FALSE(daily.forgotten(start_ms));
  CHECK(daily.admit({0, 0, 1}, start_ms + 86'400'000).admitted);
  CHECK(daily.forgotten(start_ms + 3 * 86'400'000LL));
}

TEST_CASE("rate windows: what is used, and when there is room for one more than now") {
  rate_windows windows;
  CHECK(windows.use(start_ms).minute.used == 0);
  CHECK(windows.use(start_ms).minute.reset_seconds == 0);
  CHECK(windows.use(start_ms).last_ms == 0);
  const rate_limits limits{3, 100, 100};
  for (int n = 0; n < 5; ++n) windows.admit(limits, start_ms + 1000 * n);
  const auto now_ms = start_ms + 4000;
  const auto use = windows.use(now_ms);
  CHECK(use.minute.used == 3);
  CHECK(use.hour.used == 3);
  CHECK(use.day.used == 3);
  CHECK(use.last_ms == now_ms);
  // Asking changes nothing, and the time that is told is the one after which somebody is let in.
  CHECK_FALSE(windows.admit(limits, now_ms + 1000 * (use.minute.reset_seconds - 1)).admitted);
  CHECK(windows.admit(limits, now_ms + 1000 * use.minute.reset_seconds).admitted);
  CHECK(windows.use(start_ms + 100 * 60'000).minute.used == 0);
  CHECK(windows.use(start_ms + 100 * 60'000).hour.used == 0);
  CHECK(windows.use(start_ms + 2 * 86'400'000).day.used == 0);
}

}  // namespace
}  // namespace waggle::test
