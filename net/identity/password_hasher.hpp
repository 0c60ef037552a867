#pragma once
// Passwords, hashed and checked on the pool of long work, a bounded number at a time. One per node; any worker's coroutine.
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <string>

#include "actors/runtime/runtime.hpp"
#include "base/error.hpp"

namespace waggle {

class password_hasher {
 public:
  explicit password_hasher(runtime& rt) : rt_(rt) {}
  /// NOT_READY with Retry-After when too many wait already.
  boost::asio::awaitable<result<std::string>> hash(std::string password);
  boost::asio::awaitable<result<bool>> fits(std::string password, std::string encoded);
  /// Hashes computed: one for each password checked, whoever's it was.
  std::uint64_t hashes_total() const { return hashes_total_.load(std::memory_order_relaxed); }

 private:
  class place;
  runtime& rt_;
  std::atomic<int> waiting_{0};
  std::atomic<std::uint64_t> hashes_total_{0};
};

}  // namespace waggle
