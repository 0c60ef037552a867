#pragma once
// Brute force (contract auth.md §9): who fails too often in a window is blocked for a while. One object per kind of
// key, each with its own limits: client addresses, user names, key prefixes. Time is an argument, of a steady clock.
// Any thread; while nobody is blocked `blocked` takes no lock.
#include <atomic>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "net/auth/ip_address.hpp"

namespace waggle {

struct auth_failure_limits {
  int failures = 5;  ///< so many in the window begin a block
  int window_seconds = 60;
  int block_seconds = 300;
  std::size_t entries_max = 100'000;  ///< more: who failed longest ago is forgotten
};

/// Whose failures are counted together: an IPv4 address, or the /64 of an IPv6 address.
std::string failure_key(const ip_address& client);

class auth_failures {
 public:
  explicit auth_failures(const auth_failure_limits& limits) : limits_(limits) {}

  bool blocked(std::string_view key, std::int64_t steady_us) const { return retry_after_seconds(key, steady_us) > 0; }
  /// Until the block ends, rounded up; 0 = not blocked.
  int retry_after_seconds(std::string_view key, std::int64_t steady_us) const;
  /// Inside the window by now; 0 during a block.
  int failures(std::string_view key, std::int64_t steady_us) const;
  /// True when this failure begins a block. During a block nothing is counted, so it does not become longer.
  bool failed(std::string_view key, std::int64_t steady_us);
  /// Forgets the failures, but not a block.
  void succeeded(std::string_view key, std::int64_t steady_us);

  std::size_t entries() const { return entry_count_.load(std::memory_order_relaxed); }
  std::uint64_t blocks_total() const { return blocks_total_.load(std::memory_order_relaxed); }

 private:
  struct entry {
    std::string key;
    std::vector<std::int64_t> failures_us;  ///< inside the window, oldest first
    std::int64_t blocked_until_us = 0;
    std::int64_t last_us = 0;  ///< of the last failure
  };
  using entry_list = std::list<entry>;

  const entry* find(std::string_view key) const;
  entry& find_or_add(std::string_view key);
  void forget(entry_list::iterator e);
  void forget_stale(std::int64_t now_us);

  const auth_failure_limits limits_;
  mutable std::mutex mutex_;
  entry_list order_;                                                   ///< by last failure, oldest first
  std::unordered_map<std::string_view, entry_list::iterator> by_key_;  ///< views into `order_`
  std::atomic<std::int64_t> any_block_until_us_{0};
  std::atomic<std::size_t> entry_count_{0};
  std::atomic<std::uint64_t> blocks_total_{0};
};

}  // namespace waggle
