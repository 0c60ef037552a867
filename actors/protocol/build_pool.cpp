#include "actors/protocol/build_pool.hpp"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace waggle {

build_pool::build_pool(std::size_t threads) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

void build_pool::submit(std::function<void()> build) {
  {
    const std::lock_guard lock(mutex_);
    if (cancelled_) return;
    queue_.push_back(std::move(build));
  }
  wake_.notify_one();
}

void build_pool::run() {
  // Linux: priority belongs to the thread.
  setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), 10);
  for (;;) {
    std::function<void()> build;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return cancelled_ || !queue_.empty(); });
      if (cancelled_) return;
      build = std::move(queue_.front());
      queue_.pop_front();
    }
    build();
  }
}

void build_pool::stop() {
  {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    queue_.clear();
  }
  wake_.notify_all();
  for (auto& t : threads_)
    if (t.joinable()) t.join();
}

}  // namespace waggle
