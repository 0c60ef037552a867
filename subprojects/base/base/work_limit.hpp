#pragma once
// Bounds a long computation of this thread. Its loops call `work_limit::check()`, which throws `work_stopped` past the limit;
// whoever set the limit catches it. Without one, `check` costs a load. Per thread; limits nest.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <utility>

namespace waggle {

struct work_stopped {};

class work_limit {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  /// Ends work at `until`, or as soon as `*stop` is set. `stop` outlives the limit.
  work_limit(time_point until, const std::atomic<bool>& stop) : before_(std::exchange(now_, bound{until, &stop})) {}
  ~work_limit() { now_ = before_; }
  work_limit(const work_limit&) = delete;
  work_limit& operator=(const work_limit&) = delete;

  static void check() {
    if (!now_.stop) return;
    if (now_.stop->load(std::memory_order_relaxed) || std::chrono::steady_clock::now() >= now_.until)
      throw work_stopped{};
  }

 private:
  struct bound {
    time_point until;
    const std::atomic<bool>* stop;  ///< null: no limit
  };
  inline static thread_local constinit bound now_ = {};
  bound before_;
};

}  // namespace waggle
