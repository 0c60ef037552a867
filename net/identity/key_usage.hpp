#pragma once
// How often a local key was used, by UTC day, since the node started. Any thread.
#include <array>
#include <cstdint>
#include <mutex>
#include <vector>

namespace waggle {

class key_usage {
 public:
  static constexpr std::size_t days_max = 90;
  struct day_count {
    std::int64_t day = 0;  ///< since the epoch
    std::uint64_t count = 0;
  };

  void used(std::int64_t now_unix_s) {
    const std::lock_guard lock(mutex_);
    last_used_ = now_unix_s;
    ++total_;
    auto& slot = days_[static_cast<std::size_t>(now_unix_s / day_s) % days_max];
    if (slot.day != now_unix_s / day_s) slot = {now_unix_s / day_s, 0};
    ++slot.count;
    auto& hour = hours_[static_cast<std::size_t>(now_unix_s / hour_s) % hours_.size()];
    if (hour.day != now_unix_s / hour_s) hour = {now_unix_s / hour_s, 0};
    ++hour.count;
  }
  std::int64_t last_used() const {
    const std::lock_guard lock(mutex_);
    return last_used_;
  }
  std::uint64_t total() const {
    const std::lock_guard lock(mutex_);
    return total_;
  }
  /// In the current hour and the 23 before it.
  std::uint64_t last_24_hours(std::int64_t now_unix_s) const {
    const std::lock_guard lock(mutex_);
    std::uint64_t sum = 0;
    for (const auto& slot : hours_)
      if (slot.day > now_unix_s / hour_s - 24) sum += slot.count;
    return sum;
  }
  /// The last `window` days, oldest first, today included.
  std::vector<day_count> days(std::int64_t now_unix_s, std::size_t window) const {
    const std::lock_guard lock(mutex_);
    std::vector<day_count> out;
    const auto today = now_unix_s / day_s;
    for (auto day = today - static_cast<std::int64_t>(window) + 1; day <= today; ++day) {
      const auto& slot = days_[static_cast<std::size_t>(day) % days_max];
      out.push_back({day, slot.day == day ? slot.count : 0});
    }
    return out;
  }

 private:
  static constexpr std::int64_t day_s = 86400, hour_s = 3600;
  mutable std::mutex mutex_;
  std::int64_t last_used_ = 0;
  std::uint64_t total_ = 0;
  std::array<day_count, days_max> days_{};
  std::array<day_count, 24> hours_{};  ///< `day` counts hours here
};

}  // namespace waggle
