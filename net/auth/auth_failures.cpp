#include "net/auth/auth_failures.hpp"

#include <algorithm>

namespace waggle {
namespace {
constexpr std::int64_t second_us = 1'000'000;
}  // namespace

std::string failure_key(const ip_address& client) {
  const auto* bytes = reinterpret_cast<const char*>(client.bytes().data());
  return client.is_v4() ? std::string(bytes + 12, 4) : std::string(bytes, 8);
}

int auth_failures::retry_after_seconds(std::string_view key, std::int64_t steady_us) const {
  if (steady_us >= any_block_until_us_.load(std::memory_order_acquire)) return 0;
  const std::lock_guard lock(mutex_);
  const auto* e = find(key);
  const auto left_us = e ? e->blocked_until_us - steady_us : 0;
  return left_us <= 0 ? 0 : static_cast<int>((left_us + second_us - 1) / second_us);
}

int auth_failures::failures(std::string_view key, std::int64_t steady_us) const {
  const std::lock_guard lock(mutex_);
  const auto* known = find(key);
  if (!known) return 0;
  const auto window_begin_us = steady_us - limits_.window_seconds * second_us;
  return static_cast<int>(std::count_if(known->failures_us.begin(), known->failures_us.end(),
                                        [=](auto at_us) { return at_us > window_begin_us; }));
}

bool auth_failures::failed(std::string_view key, std::int64_t steady_us) {
  const std::lock_guard lock(mutex_);
  forget_stale(steady_us);
  if (const auto* known = find(key); known && known->blocked_until_us > steady_us) return false;
  auto& e = find_or_add(key);
  e.last_us = steady_us;
  auto& recent = e.failures_us;
  const auto window_begin_us = steady_us - limits_.window_seconds * second_us;
  std::erase_if(recent, [&](auto at_us) { return at_us <= window_begin_us; });
  recent.push_back(steady_us);
  if (recent.size() < static_cast<std::size_t>(limits_.failures)) return false;
  recent.clear();
  e.blocked_until_us = steady_us + limits_.block_seconds * second_us;
  any_block_until_us_.store(std::max(any_block_until_us_.load(), e.blocked_until_us), std::memory_order_release);
  blocks_total_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

void auth_failures::succeeded(std::string_view key, std::int64_t steady_us) {
  if (entries() == 0) return;
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  if (found != by_key_.end() && found->second->blocked_until_us <= steady_us) forget(found->second);
}

const auth_failures::entry* auth_failures::find(std::string_view key) const {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : &*found->second;
}

/// The entry is the youngest afterwards.
auth_failures::entry& auth_failures::find_or_add(std::string_view key) {
  if (const auto found = by_key_.find(key); found != by_key_.end()) {
    order_.splice(order_.end(), order_, found->second);
    return order_.back();
  }
  if (order_.size() >= limits_.entries_max) forget(order_.begin());
  order_.push_back({std::string(key), {}, 0, 0});
  by_key_.emplace(order_.back().key, std::prev(order_.end()));
  entry_count_.store(order_.size(), std::memory_order_relaxed);
  return order_.back();
}

void auth_failures::forget(entry_list::iterator e) {
  by_key_.erase(e->key);
  order_.erase(e);
  entry_count_.store(order_.size(), std::memory_order_relaxed);
}

/// What is neither in its window nor blocked any more. Oldest first, so the first that stays ends it.
void auth_failures::forget_stale(std::int64_t now_us) {
  const auto kept_us = std::max(limits_.window_seconds, limits_.block_seconds) * second_us;
  while (!order_.empty() && now_us - order_.front().last_us >= kept_us) forget(order_.begin());
}

}  // namespace waggle
