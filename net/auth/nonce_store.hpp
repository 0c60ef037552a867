#pragma once
// The nonces of accepted signed requests (contract auth.md §7). Bounded; a nonce that still counts is never thrown out:
// it could be used again. Time is an argument, unix seconds as the timestamps that nonces go with. Any thread.
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>

namespace waggle {

class nonce_store {
 public:
  enum class verdict : std::uint8_t { fresh, repeated, full };

  /// `ttl_seconds` is at least twice the accepted skew: a timestamp from the future is accepted that long.
  nonce_store(int ttl_seconds, std::size_t entries_max) : ttl_seconds_(ttl_seconds), entries_max_(entries_max) {}

  /// Looks and enters in one step: of two equal nonces at the same moment one is fresh.
  verdict insert(std::string_view nonce, std::int64_t unix_seconds);
  std::size_t entries() const;

 private:
  struct aging {
    std::int64_t inserted_at;
    std::string_view nonce;  ///< into `known_`
  };
  const int ttl_seconds_;
  const std::size_t entries_max_;
  mutable std::mutex mutex_;
  std::unordered_set<std::string> known_;
  std::deque<aging> by_age_;
};

}  // namespace waggle
