#pragma once
// How many requests of one tenant are let in (contract tenancy.md §7): sliding windows of a minute and an hour, and the UTC
// day. Never more than the limit inside any window; a refused request counts in none. Pure; one thread at a time.
#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>

namespace waggle {

/// 0 = no limit.
struct rate_limits {
  std::uint64_t per_minute = 0;
  std::uint64_t per_hour = 0;
  std::uint64_t per_day = 0;
};
/// The lower of each.
rate_limits lower_of(const rate_limits& a, const rate_limits& b);

/// What a request is told, admitted or not: about the window that refused it, else about the minute.
struct rate_verdict {
  bool admitted = true;
  std::string_view window = "per_minute";
  std::uint64_t limit = 0;  ///< 0 = none: then the rest says nothing
  std::uint64_t remaining = 0;
  std::int64_t reset_unix_s = 0;  ///< when a request more fits than now
  int retry_after_seconds = 0;    ///< 0 when admitted
};

/// What was admitted in each window.
struct rate_use {
  struct window {
    std::uint64_t used = 0;
    std::int64_t reset_seconds = 0;  ///< until a request more fits than now; 0 when there were none
  };
  window minute, hour, day;
  std::int64_t last_ms = 0;  ///< the last request, admitted or not; 0: none is remembered
};

class rate_windows {
 public:
  rate_verdict admit(const rate_limits& limits, std::int64_t now_unix_ms);
  rate_use use(std::int64_t now_unix_ms) const;
  /// When somebody asked last, admitted or not.
  std::int64_t last_ms() const { return last_ms_; }
  /// Nothing that is counted matters any more.
  bool forgotten(std::int64_t now_unix_ms) const;

 private:
  static constexpr std::size_t slots = 60;
  /// Counts per sixtieth of the window. One slot more than the window has: the oldest may still overlap it.
  struct sliding {
    std::int64_t newest = 0;  ///< number of the newest slot since the epoch
    std::uint64_t total = 0;
    std::array<std::uint32_t, slots + 1> counts{};
    void advance(std::int64_t slot);
    /// Slots to wait until `limit` is undershot; 0 = now.
    std::int64_t slots_to_wait(std::uint64_t limit) const;
    void add() { ++counts[static_cast<std::size_t>(newest) % counts.size()], ++total; }
  };
  sliding minute_, hour_;
  std::int64_t day_ = 0;
  std::uint64_t in_day_ = 0;
  std::int64_t last_ms_ = 0;
};

/// The windows of one key. Any thread.
class rate_gate {
 public:
  explicit rate_gate(const rate_limits& limits) : limits_(limits) {}
  rate_verdict admit(std::int64_t now_unix_ms) {
    const std::lock_guard lock(mutex_);
    return windows_.admit(limits_, now_unix_ms);
  }

 private:
  const rate_limits limits_;
  std::mutex mutex_;
  rate_windows windows_;
};

}  // namespace waggle
