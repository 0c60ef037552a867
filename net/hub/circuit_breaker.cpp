#include "net/hub/circuit_breaker.hpp"

#include <algorithm>

namespace waggle {
namespace {
constexpr std::int64_t window_ms = 10'000;
constexpr int calls_to_judge_min = 20;
}  // namespace

bool circuit_breaker::admits(std::int64_t now_ms) {
  if (!open_) return true;
  if (now_ms < until_ms_ || probing_) return false;
  probing_ = true;
  return true;
}

void circuit_breaker::succeeded(std::int64_t now_ms) {
  in_a_row_ = 0;
  if (open_) {
    open_ = probing_ = false;
    open_ms_ = bounds_.open_ms;
    calls_ = bad_ = 0;
  }
  count(now_ms, false);
}

void circuit_breaker::failed(std::int64_t now_ms) {
  if (open_) {
    if (!probing_) return;  // a call from before it opened
    open_ms_ = std::min(open_ms_ * 2, bounds_.open_max_ms);
    trip(now_ms);
    return;
  }
  ++in_a_row_;
  count(now_ms, true);
  if (in_a_row_ >= bounds_.failures || (calls_ >= calls_to_judge_min && bad_ * 2 >= calls_)) trip(now_ms);
}

breaker_state circuit_breaker::state(std::int64_t now_ms) const {
  if (!open_) return breaker_state::closed;
  return probing_ || now_ms >= until_ms_ ? breaker_state::half_open : breaker_state::open;
}

std::int64_t circuit_breaker::retry_ms(std::int64_t now_ms) const {
  return open_ ? std::max<std::int64_t>(1, until_ms_ - now_ms) : 0;
}

void circuit_breaker::count(std::int64_t now_ms, bool failure) {
  if (now_ms - window_began_ms_ >= window_ms) {
    window_began_ms_ = now_ms;
    calls_ = bad_ = 0;
  }
  ++calls_;
  bad_ += failure;
}

void circuit_breaker::trip(std::int64_t now_ms) {
  open_ = true;
  probing_ = false;
  until_ms_ = now_ms + open_ms_;
  in_a_row_ = 0;
}

}  // namespace waggle
