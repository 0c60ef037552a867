#include "actors/runtime/long_jobs.hpp"

#include <pthread.h>

#include <string>
#include <utility>

#include "actors/runtime/cpu_meter.hpp"

namespace waggle {

long_jobs::long_jobs(const runtime_options& options, std::size_t threads, spent tell)
    : options_(options), tell_(std::move(tell)), queue_(options.quantum_us * 1000, 1) {
  for (std::size_t i = 0; i < threads; ++i)
    threads_.emplace_back([this, name = "long-job-" + std::to_string(i)] {
      pthread_setname_np(pthread_self(), name.c_str());
      serve();
    });
}

long_jobs::~long_jobs() { stop(); }

result<void> long_jobs::submit(const tenant_id& tenant, std::unique_ptr<job> what) {
  {
    std::lock_guard guard(lock_);
    if (stopped_) return failure(ec::shutting_down);
    auto& owner = queue_.flow_of(tenant);
    if (owner.depth() >= options_.jobs_per_tenant_max) return failure(ec::queue_full);
    queue_.push(owner, what.release(), std::chrono::steady_clock::now());
  }
  ready_.notify_one();
  return {};
}

void long_jobs::serve() {
  std::unique_lock guard(lock_);
  for (;;) {
    ready_.wait(guard, [this] { return stopped_ || queue_.depth() > 0; });
    if (stopped_) return;
    const auto item = queue_.pop(std::chrono::steady_clock::now());
    guard.unlock();
    const auto before = cpu_meter::thread_cpu_ns();
    bool threw = false;
    try {
      item.what->resume(nullptr, 1);
    } catch (...) {
      threw = true;
    }
    caf::intrusive_ptr_release(item.what);
    const auto ns = cpu_meter::thread_cpu_ns() - before;
    tell_(item.owner->tenant, ns, item.waited_ns);
    guard.lock();
    queue_.charge(*item.owner, ns);
    thrown_ += threw;
  }
}

void long_jobs::stop() {
  std::vector<caf::resumable*> dropped;
  {
    std::lock_guard guard(lock_);
    stopped_ = true;
    while (queue_.depth() > 0) {
      const auto item = queue_.pop();
      queue_.charge(*item.owner, 0);
      dropped.push_back(item.what);
    }
  }
  ready_.notify_all();
  for (auto* what : dropped) caf::intrusive_ptr_release(what);
  for (auto& t : threads_)
    if (t.joinable()) t.join();
}

bool long_jobs::forget(const tenant_id& tenant) {
  std::lock_guard guard(lock_);
  return queue_.forget(tenant);
}

std::size_t long_jobs::depth() const {
  std::lock_guard guard(lock_);
  return queue_.depth();
}

std::uint64_t long_jobs::thrown() const {
  std::lock_guard guard(lock_);
  return thrown_;
}

}  // namespace waggle
