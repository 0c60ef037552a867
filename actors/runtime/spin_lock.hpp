#pragma once
// A lock for critical sections of some tens of nanoseconds without system calls: half the price of a mutex that nobody
// contends, and an actor hop takes several. Meets Lockable; any thread.
#include <atomic>
#include <thread>

namespace waggle {

class spin_lock {
 public:
  void lock() {
    for (int spins = 0; held_.exchange(true, std::memory_order_acquire);) {
      while (held_.load(std::memory_order_relaxed)) {
        // The holder may have lost its core; then spinning keeps it from getting one.
        if (++spins > 64) std::this_thread::yield();
      }
    }
  }
  bool try_lock() { return !held_.exchange(true, std::memory_order_acquire); }
  void unlock() { held_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> held_{false};
};

}  // namespace waggle
