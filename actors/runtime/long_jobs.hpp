#pragma once
// Tenants' jobs that are too long for a worker, whose sockets would wait: a fair queue like the workers', served by threads
// beside them. The kernel shares the cores: a worker that has something to do gets one at once. Owned by `runtime`; any thread.
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "actors/runtime/job.hpp"
#include "actors/runtime/ready_queue.hpp"
#include "actors/runtime/types.hpp"
#include "base/error.hpp"

namespace waggle {

class long_jobs {
 public:
  /// Called on one of the threads after each job of `tenant`: the CPU time that it took, and how long it had waited.
  using spent = std::function<void(const tenant_id& tenant, std::int64_t ns, std::int64_t waited_ns)>;

  long_jobs(const runtime_options& options, std::size_t threads, spent tell);
  ~long_jobs();
  long_jobs(const long_jobs&) = delete;
  long_jobs& operator=(const long_jobs&) = delete;

  /// ec::queue_full, ec::shutting_down.
  result<void> submit(const tenant_id& tenant, std::unique_ptr<job> what);
  /// Destroys what waits, finishes what runs.
  void stop();
  /// False while something of it is queued or running.
  bool forget(const tenant_id& tenant);

  std::size_t depth() const;
  std::uint64_t thrown() const;

 private:
  void serve();

  const runtime_options options_;
  const spent tell_;
  mutable std::mutex lock_;
  std::condition_variable ready_;
  // under lock_
  ready_queue queue_;
  std::uint64_t thrown_ = 0;
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace waggle
