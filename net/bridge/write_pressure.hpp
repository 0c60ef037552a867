#pragma once
// How many writes wait for their answer. When `high_water` of them do, the log says so, at most once in five seconds:
// clients send more than the disk takes, and the hard limit (429 QUEUE_FULL) is near. Any thread.
#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/clock.hpp"
#include "base/log.hpp"

namespace waggle {

class write_pressure {
 public:
  explicit write_pressure(std::size_t high_water) : high_water_(high_water) {}
  std::size_t in_flight() const { return in_flight_.load(std::memory_order_relaxed); }

  /// A write, as long as it waits.
  class mark {
   public:
    explicit mark(std::shared_ptr<write_pressure> of) : of_(std::move(of)) {
      if (const auto now = ++of_->in_flight_; now >= of_->high_water_) of_->warn(now);
    }
    ~mark() { --of_->in_flight_; }
    mark(const mark&) = delete;
    mark& operator=(const mark&) = delete;

   private:
    std::shared_ptr<write_pressure> of_;  ///< a request that is never answered ends after the database
  };

 private:
  void warn(std::size_t waiting) {
    constexpr std::int64_t quiet_us = 5'000'000;
    const auto now = system_clock().steady_us();
    auto last = warned_us_.load(std::memory_order_relaxed);
    if (now - last < quiet_us || !warned_us_.compare_exchange_strong(last, now)) return;
    log_event(log_level::warn, "writes", "high water: clients write faster than the log takes",
              {{"waiting", waiting}, {"high_water", high_water_}});
  }

  const std::size_t high_water_;
  std::atomic<std::size_t> in_flight_{0};
  std::atomic<std::int64_t> warned_us_{-3'600'000'000};
};

}  // namespace waggle
