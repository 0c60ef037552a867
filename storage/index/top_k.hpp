#pragma once
// The k nearest rows seen so far. One search owns one; not for concurrent use. Reusable: `reset` keeps the memory.
#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace waggle {

/// A row and how far it is; smaller is closer. Ordered by distance, equal distances by row.
struct neighbor {
  float distance;
  std::uint32_t row;
  friend bool operator<(const neighbor& a, const neighbor& b) {
    return a.distance < b.distance || (a.distance == b.distance && a.row < b.row);
  }
  bool operator==(const neighbor&) const = default;
};

/// Bounded collector: a max-heap whose root is the worst row kept, so most rows cost one comparison.
class top_k {
 public:
  explicit top_k(std::size_t k = 0) { reset(k); }
  void reset(std::size_t k) {
    k_ = k;
    heap_.clear();
    bound_ = k == 0 ? -std::numeric_limits<float>::infinity() : std::numeric_limits<float>::infinity();
  }
  std::size_t k() const { return k_; }
  std::size_t size() const { return heap_.size(); }
  bool full() const { return heap_.size() == k_; }
  /// Nothing farther than this can enter.
  float bound() const { return bound_; }
  /// Whether `n` would be kept; lets a caller ask an expensive filter only when the answer matters.
  bool wants(const neighbor& n) const {
    if (n.distance > bound_) return false;
    return heap_.size() < k_ || (k_ != 0 && n < heap_.front());
  }
  /// Each row may be offered once. `n.distance` is not NaN.
  void push(const neighbor& n) {
    if (!wants(n)) return;
    if (heap_.size() < k_) {
      heap_.push_back(n);
      std::push_heap(heap_.begin(), heap_.end());
    } else {
      replace_worst(n);
    }
    if (full()) bound_ = heap_.front().distance;
  }
  /// Nearest first. The collector holds sorted rows afterwards: call `reset` before the next use.
  std::span<const neighbor> sorted() {
    std::sort(heap_.begin(), heap_.end());
    return heap_;
  }

 private:
  void replace_worst(const neighbor& n) {
    std::size_t hole = 0;
    const std::size_t size = heap_.size();
    for (std::size_t child = 1; child < size; child = 2 * hole + 1) {
      if (child + 1 < size && heap_[child] < heap_[child + 1]) ++child;
      if (!(n < heap_[child])) break;
      heap_[hole] = heap_[child];
      hole = child;
    }
    heap_[hole] = n;
  }

  std::size_t k_ = 0;
  float bound_ = 0;
  std::vector<neighbor> heap_;
};

}  // namespace waggle
