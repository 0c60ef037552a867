#include "actors/replication/disk_guard.hpp"

#include "base/limits.hpp"

namespace waggle {

bool disk_guard::full() {
  constexpr std::int64_t interval_us = 250'000;
  const auto now = time_.steady_us();
  if (asked_us_ != 0 && now - asked_us_ < interval_us) return full_;
  asked_us_ = now;
  std::error_code failed;
  const auto space = std::filesystem::space(directory_, failed);
  if (failed || space.capacity == 0) return full_;
  // As `df` counts: blocks kept for root belong to nobody.
  const double used = static_cast<double>(space.capacity - space.free);
  const double percent = 100 * used / (used + static_cast<double>(space.available));
  if (percent >= limits::storage_full_percent) full_ = true;
  if (percent < limits::storage_release_percent) full_ = false;
  return full_;
}

}  // namespace waggle
