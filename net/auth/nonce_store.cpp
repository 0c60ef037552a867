#include "net/auth/nonce_store.hpp"

namespace waggle {

nonce_store::verdict nonce_store::insert(std::string_view nonce, std::int64_t unix_seconds) {
  std::string entry(nonce);
  const std::lock_guard lock(mutex_);
  // In its last second the timestamp is still accepted.
  while (!by_age_.empty() && unix_seconds - by_age_.front().inserted_at > ttl_seconds_) {
    known_.erase(std::string(by_age_.front().nonce));
    by_age_.pop_front();
  }
  if (known_.contains(entry)) return verdict::repeated;
  if (known_.size() >= entries_max_) return verdict::full;
  const auto [at, fresh] = known_.insert(std::move(entry));
  by_age_.push_back({unix_seconds, *at});
  return verdict::fresh;
}

std::size_t nonce_store::entries() const {
  const std::lock_guard lock(mutex_);
  return known_.size();
}

}  // namespace waggle
