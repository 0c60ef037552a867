#pragma once
// Bounded hand-over from the reader's thread to the senders: a slow node slows the reader, memory stays the same.
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>

#include "tools/wagglectl/import/batch.hpp"

namespace waggle::ctl {

class batch_queue {
 public:
  explicit batch_queue(std::size_t batches_max) : batches_max_(batches_max) {}

  /// Waits for room; false when the queue was closed.
  bool push(import_batch batch) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return closed_ || batches_.size() < batches_max_; });
    if (closed_) return false;
    batches_.push_back(std::move(batch));
    changed_.notify_all();
    return true;
  }
  /// Waits for a batch; nullopt when the queue is closed and empty.
  std::optional<import_batch> pop() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return closed_ || !batches_.empty(); });
    if (batches_.empty()) return std::nullopt;
    import_batch out = std::move(batches_.front());
    batches_.pop_front();
    changed_.notify_all();
    return out;
  }
  /// No more pushes; what is queued is still handed out, or dropped.
  void close(bool drop) {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    if (drop) batches_.clear();
    changed_.notify_all();
  }

 private:
  std::size_t batches_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<import_batch> batches_;
  bool closed_ = false;
};

}  // namespace waggle::ctl
