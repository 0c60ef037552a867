#pragma once
// Writes that wait for the log, one queue per tenant: the next log write takes one from each in turn, so a tenant with a
// hundred waiting delays another's one by one turn, not by a hundred. In order within a tenant. Pure; one thread.
#include <cstddef>
#include <deque>
#include <list>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/ids.hpp"

namespace waggle {

template <class Item>
class write_queue {
 public:
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::size_t waiting(const tenant_id& owner) const {
    const auto it = places_.find(owner);
    return it == places_.end() ? 0 : it->second->items.size();
  }

  void push(const tenant_id& owner, Item item, std::size_t bytes) {
    auto [it, fresh] = places_.try_emplace(owner);
    if (fresh) it->second = turns_.insert(turns_.end(), line{owner, {}});
    it->second->items.emplace_back(std::move(item), bytes);
    ++size_;
  }

  /// At least one if any waits; then as many as stay within both bounds.
  std::vector<Item> take(std::size_t items_max, std::size_t bytes_max) {
    std::vector<Item> taken;
    for (std::size_t bytes = 0; size_ > 0 && taken.size() < items_max;) {
      auto& first = turns_.front();
      bytes += first.items.front().second;
      if (!taken.empty() && bytes > bytes_max) break;
      taken.push_back(std::move(first.items.front().first));
      first.items.pop_front();
      --size_;
      if (first.items.empty()) {
        places_.erase(first.owner);
        turns_.pop_front();
      } else {
        turns_.splice(turns_.end(), turns_, turns_.begin());
      }
    }
    return taken;
  }
  std::vector<Item> take_all() { return take(size_, static_cast<std::size_t>(-1)); }

 private:
  struct line {
    tenant_id owner;
    std::deque<std::pair<Item, std::size_t>> items;
  };
  std::list<line> turns_;  ///< whose turn is next; each has an item
  std::unordered_map<tenant_id, typename std::list<line>::iterator> places_;
  std::size_t size_ = 0;
};

}  // namespace waggle
