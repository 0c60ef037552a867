#pragma once
// How much CPU time an item took, at the price of the steady clock. The thread's CPU clock is exact but a system call, twenty
// times as dear; the steady clock also counts the time in which the host ran somebody else, and a tenant must not be
// charged, nor sent to the back of the queue, for that. So short items are timed by the steady clock, and what
// seems long is checked against the CPU clock. One per worker, used by its thread only.
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace waggle {

class cpu_meter {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  /// Call before a run of items: keeps the mark young, so that it lies close before the start of any item.
  void refresh(time_point now) {
    if (now - marked_at_ > mark_age_max) mark(now, thread_cpu_ns());
  }
  /// For an item that ran from `from` to `to`: no more than the wall time, no more than the CPU time since the mark.
  std::int64_t spent_ns(time_point from, time_point to) {
    const std::int64_t wall = std::chrono::duration_cast<std::chrono::nanoseconds>(to - from).count();
    if (wall < suspicious_ns) return wall;
    const std::int64_t cpu = thread_cpu_ns();
    const std::int64_t spent = std::min(wall, cpu - marked_cpu_ns_);
    mark(to, cpu);
    return spent;
  }

  /// Of the calling thread, exactly.
  static std::int64_t thread_cpu_ns() {
    timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * std::int64_t{1'000'000'000} + t.tv_nsec;
  }

 private:
  static constexpr std::int64_t suspicious_ns = 100'000;
  static constexpr std::chrono::milliseconds mark_age_max{1};

  void mark(time_point at, std::int64_t cpu_ns) {
    marked_at_ = at;
    marked_cpu_ns_ = cpu_ns;
  }

  time_point marked_at_{};
  std::int64_t marked_cpu_ns_ = 0;
};

}  // namespace waggle
