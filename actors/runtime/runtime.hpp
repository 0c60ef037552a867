#pragma once
// The node's threads: workers that run sessions, actors and tenants' jobs; a pool for what blocks; the actor system; its clock.
// One per node, owned by `main`. Everything here may be called from any thread; `stop` and the destructor not from its own.
// Sockets, acceptors and timers made on `context(i)` must be gone before the runtime is.
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <memory>
#include <utility>
#include <vector>

#include "actors/runtime/actor_clock.hpp"
#include "actors/runtime/blocking_pool.hpp"
#include "actors/runtime/job.hpp"
#include "actors/runtime/long_jobs.hpp"
#include "actors/runtime/scheduler.hpp"
#include "actors/runtime/types.hpp"
#include "base/error.hpp"

namespace waggle {

/// For what may block, and for computations too long for a worker, whose sockets would wait.
enum class pool_kind : std::uint8_t { blocking, long_work };

class runtime {
 public:
  using tenanted = waggle::tenanted;

  explicit runtime(const runtime_options& options = {});
  ~runtime();
  runtime(const runtime&) = delete;
  runtime& operator=(const runtime&) = delete;

  caf::actor_system& system() { return system_; }
  std::size_t workers() const { return scheduler_.size(); }
  /// Worker `i`'s context: what is spawned on it runs on that one thread.
  boost::asio::io_context& context(std::size_t i) { return scheduler_.at(i).context(); }
  /// Round robin, for new sessions.
  boost::asio::io_context& next_context() { return scheduler_.next().context(); }

  /// Queues `fn()` as CPU work of `tenant`. It runs on a worker, must not block, and is destroyed without running when the
  /// runtime stops first. ec::queue_full, ec::shutting_down. See `run_job` for one that answers.
  template <class F>
  result<void> submit(const tenant_id& tenant, F fn) {
    std::unique_ptr<job> what = std::make_unique<job_of<F>>(std::move(fn));
    return scheduler_.submit(tenant, what);
  }

  /// The same beside the workers, where it may take its time. See `run_long_job`.
  template <class F>
  result<void> submit_long(const tenant_id& tenant, F fn) {
    return long_jobs_.submit(tenant, std::make_unique<job_of<F>>(std::move(fn)));
  }
  /// Whether the tenant's jobs were long, lately: then the next one should not begin on a worker.
  bool has_long_jobs(const tenant_id& tenant) const { return scheduler_.has_long_jobs(tenant); }

  /// Runs `fn()` on one of the pools beside the workers, under the same terms. See `run_on`.
  template <class F>
  result<void> submit_to(pool_kind where, F fn) {
    auto& pool = where == pool_kind::blocking ? pool_ : long_pool_;
    return pool.submit(std::make_unique<blocking_fn<F>>(std::move(fn)));
  }
  template <class F>
  result<void> submit_blocking(F fn) {
    return submit_to(pool_kind::blocking, std::move(fn));
  }

  /// `stop` ends adopted actors, last one first, each before the next. They end their own children.
  template <class Handle>
  void adopt(const Handle& root) {
    adopt_actor(caf::actor_cast<caf::strong_actor_ptr>(root));
  }

  /// Spent for a tenant: by its actors and jobs, and what was charged. Nothing for one never seen.
  tenant_time spent(const tenant_id& tenant) const { return scheduler_.spent(tenant); }
  std::vector<std::pair<tenant_id, tenant_time>> totals() const { return scheduler_.totals(); }
  /// Microseconds of CPU time since the last call: each microsecond is taken once.
  std::uint64_t take_cpu_us(const tenant_id& tenant) { return scheduler_.take_cpu_us(tenant); }
  /// Adds time that a session spent on its tenant's behalf outside of actors and jobs, e.g. parsing a body.
  void charge(const tenant_id& tenant, std::int64_t us) { scheduler_.charge(tenant, us); }
  /// Drops the total of a deleted tenant; false while something of it is queued or running.
  bool forget(const tenant_id& tenant) { return long_jobs_.forget(tenant) && scheduler_.forget(tenant); }

  runtime_stats stats() const;
  /// Set when `stop` begins: a reason to give up for what computes long.
  const std::atomic<bool>& stop_flag() const { return stopping_; }
  bool stopping() const { return stopping_.load(std::memory_order_acquire); }

  /// Refuses new work; drops what waits in the pool and in job queues (whoever awaits it gets ec::shutting_down); finishes what
  /// runs; ends the actors; joins the threads. Coroutines that still wait are destroyed with the runtime. Idempotent.
  stop_report stop();

  /// For the parts of the runtime itself.
  scheduler& internal_scheduler() { return scheduler_; }
  asio_actor_clock& internal_clock() { return clock_; }

 private:
  template <class F>
  class blocking_fn final : public blocking_pool::task {
   public:
    explicit blocking_fn(F fn) : fn_(std::move(fn)) {}
    void run() override { fn_(); }

   private:
    F fn_;
  };
  struct core;

  void adopt_actor(caf::strong_actor_ptr root);
  void end_actors();

  const runtime_options options_;
  std::unique_ptr<core> core_;  ///< what actors point to
  scheduler& scheduler_;
  asio_actor_clock& clock_;
  caf::actor_system& system_;
  blocking_pool pool_;
  blocking_pool long_pool_;
  long_jobs long_jobs_;
  std::atomic<bool> stopping_{false};
  std::mutex stop_lock_;
  bool stopped_ = false;
  std::mutex roots_lock_;
  std::vector<caf::strong_actor_ptr> roots_;
};

}  // namespace waggle
