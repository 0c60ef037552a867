#include "actors/runtime/blocking_pool.hpp"

#include <pthread.h>

#include <string>
#include <utility>

namespace waggle {

blocking_pool::blocking_pool(const char* name, std::size_t threads, std::size_t queue_max) : queue_max_(queue_max) {
  for (std::size_t i = 0; i < threads; ++i)
    threads_.emplace_back([this, label = std::string(name) + "-" + std::to_string(i)] {
      pthread_setname_np(pthread_self(), label.c_str());
      serve();
    });
}

blocking_pool::~blocking_pool() { stop(); }

result<void> blocking_pool::submit(std::unique_ptr<task> what) {
  {
    std::lock_guard guard(lock_);
    if (stopped_) return failure(ec::shutting_down);
    if (queue_.size() >= queue_max_) return failure(ec::queue_full);
    queue_.push_back(std::move(what));
  }
  ready_.notify_one();
  return {};
}

void blocking_pool::serve() {
  std::unique_lock guard(lock_);
  for (;;) {
    ready_.wait(guard, [this] { return stopped_ || !queue_.empty(); });
    if (stopped_) return;
    auto what = std::move(queue_.front());
    queue_.pop_front();
    ++running_;
    guard.unlock();
    bool threw = false;
    try {
      what->run();
    } catch (...) {
      threw = true;
    }
    what.reset();
    guard.lock();
    --running_;
    thrown_ += threw;
  }
}

void blocking_pool::stop() {
  std::deque<std::unique_ptr<task>> dropped;
  {
    std::lock_guard guard(lock_);
    stopped_ = true;
    dropped.swap(queue_);
  }
  ready_.notify_all();
  dropped.clear();
  for (auto& t : threads_)
    if (t.joinable()) t.join();
}

std::size_t blocking_pool::depth() const {
  std::lock_guard guard(lock_);
  return queue_.size();
}

std::size_t blocking_pool::running() const {
  std::lock_guard guard(lock_);
  return running_;
}

std::uint64_t blocking_pool::thrown() const {
  std::lock_guard guard(lock_);
  return thrown_;
}

}  // namespace waggle
