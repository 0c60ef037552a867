#pragma once
// Stops calls to a service that fails (contract hub.md §4): opens after so many failures in a row, or when at least half of
// twenty or more calls within ten seconds failed; then lets one probe through. Pure; one thread at a time.
#include <cstdint>

namespace waggle {

enum class breaker_state : std::uint8_t { closed, half_open, open };  ///< half open: the next call is a probe, or one is out

struct breaker_bounds {
  int failures = 5;
  std::int64_t open_ms = 5'000;       ///< the first time; doubles while probes fail
  std::int64_t open_max_ms = 60'000;
};

class circuit_breaker {
 public:
  explicit circuit_breaker(const breaker_bounds& bounds) : bounds_(bounds), open_ms_(bounds.open_ms) {}

  /// Whether a call may be made now. Each yes is followed by `succeeded` or `failed`.
  bool admits(std::int64_t now_ms);
  void succeeded(std::int64_t now_ms);
  void failed(std::int64_t now_ms);
  bool open() const { return open_; }
  breaker_state state(std::int64_t now_ms) const;
  /// Until the next probe; 0 when calls are admitted.
  std::int64_t retry_ms(std::int64_t now_ms) const;

 private:
  void count(std::int64_t now_ms, bool failure);
  void trip(std::int64_t now_ms);

  breaker_bounds bounds_;
  std::int64_t open_ms_;
  std::int64_t until_ms_ = 0;
  std::int64_t window_began_ms_ = 0;
  int calls_ = 0, bad_ = 0;  ///< in the window
  int in_a_row_ = 0;
  bool open_ = false;
  bool probing_ = false;
};

}  // namespace waggle
