#pragma once
// A bounded cache whose entries age (contract hub.md §4): fresh until the refresh point (a fifth of the TTL before its end),
// then worth a refresh, then stale, then gone. The least recently used entry makes room. Pure; one thread at a time.
#include <cstdint>
#include <list>
#include <unordered_map>
#include <utility>

namespace waggle {

enum class freshness : std::uint8_t { absent, fresh, refresh_due, stale };

struct cache_ages {
  std::int64_t ttl_ms = 300'000;
  std::int64_t stale_max_ms = 3'600'000;  ///< after the TTL
  std::size_t entries_max = 10'000;
};

template <class Key, class Value, class Hash = std::hash<Key>>
class expiring_cache {
 public:
  explicit expiring_cache(const cache_ages& ages) : ages_(ages) {}

  struct found {
    freshness age = freshness::absent;
    Value value{};
  };
  found get(const Key& key, std::int64_t now_ms) {
    const auto it = places_.find(key);
    if (it == places_.end()) return {};
    const auto age_ms = now_ms - it->second->put_ms;
    if (age_ms >= ages_.ttl_ms + ages_.stale_max_ms) {
      order_.erase(it->second);
      places_.erase(it);
      return {};
    }
    order_.splice(order_.begin(), order_, it->second);
    const auto state = age_ms >= ages_.ttl_ms             ? freshness::stale
                       : age_ms >= ages_.ttl_ms / 5 * 4 ? freshness::refresh_due
                                                          : freshness::fresh;
    return {state, it->second->value};
  }
  void put(const Key& key, Value value, std::int64_t now_ms) {
    erase(key);
    if (ages_.ttl_ms + ages_.stale_max_ms <= 0) return;
    order_.push_front({key, std::move(value), now_ms});
    places_.emplace(key, order_.begin());
    if (places_.size() <= ages_.entries_max) return;
    places_.erase(order_.back().key);
    order_.pop_back();
  }
  void erase(const Key& key) {
    const auto it = places_.find(key);
    if (it == places_.end()) return;
    order_.erase(it->second);
    places_.erase(it);
  }
  /// Those for which `outdated(key, value)` holds.
  template <class Outdated>
  void erase_if(Outdated outdated) {
    for (auto it = order_.begin(); it != order_.end();) {
      const auto next = std::next(it);
      if (outdated(it->key, it->value)) {
        places_.erase(it->key);
        order_.erase(it);
      }
      it = next;
    }
  }
  std::size_t size() const { return places_.size(); }

 private:
  struct entry {
    Key key;
    Value value;
    std::int64_t put_ms;
  };
  cache_ages ages_;
  std::list<entry> order_;  ///< last used first
  std::unordered_map<Key, typename std::list<entry>::iterator, Hash> places_;
};

}  // namespace waggle
