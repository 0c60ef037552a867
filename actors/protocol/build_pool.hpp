#pragma once
// Threads for segment builds: nice, so that they use what searches leave, and apart from the blocking pool, so that a
// build never keeps a log write waiting. Owned by the node; any thread submits.
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace waggle {

class build_pool {
 public:
  explicit build_pool(std::size_t threads);
  ~build_pool() { stop(); }
  build_pool(const build_pool&) = delete;
  build_pool& operator=(const build_pool&) = delete;

  /// Runs `build` in turn; after `stop` it is dropped. A shard has one build at a time, so the queue is bounded by shards.
  void submit(std::function<void()> build);
  /// Raised by `stop`: a running build gives up.
  const std::atomic<bool>& cancelled() const { return cancelled_; }
  void stop();

 private:
  void run();
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  std::atomic<bool> cancelled_{false};
  std::vector<std::thread> threads_;
};

}  // namespace waggle
