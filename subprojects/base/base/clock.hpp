#pragma once
// Time as an argument. Cores take a `clock` (or a plain time), never read the system's. Implementations are thread-safe.
#include <chrono>
#include <cstdint>

namespace waggle {

class clock {
 public:
  virtual ~clock() = default;
  virtual std::int64_t unix_ms() const = 0;
  virtual std::int64_t steady_us() const = 0;
};

class system_clock final : public clock {
 public:
  std::int64_t unix_ms() const override {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
  std::int64_t steady_us() const override {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }
};

/// The calendar month in UTC: 202611.
inline std::uint32_t utc_month(std::int64_t unix_ms) {
  const std::chrono::sys_time<std::chrono::milliseconds> at{std::chrono::milliseconds(unix_ms)};
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(at));
  return static_cast<std::uint32_t>(static_cast<int>(day.year()) * 100) + static_cast<unsigned>(day.month());
}

/// When the UTC month after that of `unix_ms` begins.
inline std::int64_t next_utc_month_ms(std::int64_t unix_ms) {
  const auto month = utc_month(unix_ms);
  const auto next = std::chrono::year_month(std::chrono::year(static_cast<int>(month / 100)), std::chrono::month(month % 100)) +
                    std::chrono::months(1);
  const std::chrono::sys_days first = next / std::chrono::day(1);
  return std::chrono::duration_cast<std::chrono::milliseconds>(first.time_since_epoch()).count();
}

}  // namespace waggle
