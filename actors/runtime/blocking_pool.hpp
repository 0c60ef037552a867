#pragma once
// Threads beside the workers: for what may block (fsync, files), and for computations too long for a worker.
// Owned by `runtime`; any thread may submit.
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/error.hpp"

namespace waggle {

class blocking_pool {
 public:
  /// A function to run once. Destroyed without running when the pool stops first.
  class task {
   public:
    virtual ~task() = default;
    virtual void run() = 0;
  };

  /// `name` is the threads', with a number behind it.
  blocking_pool(const char* name, std::size_t threads, std::size_t queue_max);
  ~blocking_pool();
  blocking_pool(const blocking_pool&) = delete;
  blocking_pool& operator=(const blocking_pool&) = delete;

  /// ec::queue_full when `queue_max` wait already, ec::shutting_down after `stop`.
  result<void> submit(std::unique_ptr<task> what);
  /// Drops what waits, finishes what runs. Not from a thread of the pool.
  void stop();

  std::size_t depth() const;
  std::size_t running() const;
  std::uint64_t thrown() const;

 private:
  void serve();
  const std::size_t queue_max_;
  mutable std::mutex lock_;
  std::condition_variable ready_;
  std::deque<std::unique_ptr<task>> queue_;
  std::size_t running_ = 0;
  std::uint64_t thrown_ = 0;
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace waggle
