#pragma once
// The CAF scheduler whose workers are Asio threads: each worker has an io_context of its own, runs its sessions on it, and
// between them takes ready actors and jobs from one central queue. Owned by `runtime`; any thread may call it.
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <caf/execution_unit.hpp>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "actors/runtime/cpu_meter.hpp"
#include "actors/runtime/job.hpp"
#include "actors/runtime/ready_queue.hpp"
#include "actors/runtime/spin_lock.hpp"
#include "actors/runtime/types.hpp"
#include "base/error.hpp"

namespace waggle {

class scheduler;

/// One thread, one io_context. `exec_later` is what CAF calls from an actor that this worker runs.
class worker final : public caf::execution_unit {
 public:
  worker(scheduler& owner, std::size_t index);
  void exec_later(caf::resumable* what) override;
  void attach(caf::actor_system& sys) { system_ = &sys; }
  std::size_t index() const { return index_; }
  boost::asio::io_context& context() { return *context_; }
  /// The worker that the calling thread is, or null.
  static worker* current();

 private:
  friend class scheduler;
  scheduler& owner_;
  const std::size_t index_;
  cpu_meter meter_;
  std::optional<boost::asio::io_context> context_{std::in_place, 1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_;
  std::thread thread_;
  // under the scheduler's lock
  bool draining_ = false;  ///< its thread is inside `drain` or a `turn`; written by that thread only
  bool token_ = false;     ///< a drain is posted to its context
};

class scheduler {
 public:
  explicit scheduler(const runtime_options& options);
  ~scheduler();

  void start(caf::actor_system& sys);
  /// No more jobs: queued ones are destroyed instead of run. Actors still run.
  void refuse_jobs();
  bool refuses_jobs() const { return refusing_.load(std::memory_order_acquire); }
  /// Ends the threads after what is posted to them ran. From then on whatever becomes ready is cleaned up at once.
  void close();
  /// Destroys the io_contexts and with them the coroutines that wait on them. After `close`. The workers themselves stay: an
  /// actor remembers the one that ran it last.
  void drop_contexts();

  /// Takes over one reference. On a worker that isn't draining the actor runs before this returns.
  void enqueue(caf::resumable* what);
  /// Queues without running. ec::queue_full, ec::shutting_down: then `what` stays the caller's.
  result<void> submit(const tenant_id& tenant, std::unique_ptr<job>& what);
  /// While it lives, the calling worker only queues; its destructor runs what is ready. Used where many sends come in a row.
  class batch {
   public:
    explicit batch(scheduler& owner);
    ~batch();
    batch(const batch&) = delete;
    batch& operator=(const batch&) = delete;

   private:
    scheduler& owner_;
    worker* mine_ = nullptr;
  };

  /// One actor, run by a session on its own worker (see `direct_call`): picked and charged like any other, and what gets ready
  /// meanwhile runs when it ends.
  class turn {
   public:
    explicit turn(scheduler& owner) : owner_(owner) {}
    ~turn();
    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;
    /// False when not on a worker, on one that is inside an actor, or when anything waits.
    bool take(caf::resumable* what);
    worker& here() { return *mine_; }

   private:
    scheduler& owner_;
    worker* mine_ = nullptr;
    ready_queue::picked item_;
    std::chrono::steady_clock::time_point started_;
  };

  std::size_t size() const { return workers_.size(); }
  worker& at(std::size_t i) { return *workers_[i]; }
  worker& next();
  /// The calling thread's worker if it is one of ours.
  worker* here();

  void fill(runtime_stats& out) const;
  tenant_time spent(const tenant_id& tenant) const;
  std::vector<std::pair<tenant_id, tenant_time>> totals() const;
  std::uint64_t take_cpu_us(const tenant_id& tenant);
  void charge(const tenant_id& tenant, std::int64_t us);
  /// A job of it ran elsewhere.
  void charge_job(const tenant_id& tenant, std::int64_t ns, std::int64_t waited_ns);
  /// Its jobs took longer than `long_job_us`, lately.
  bool has_long_jobs(const tenant_id& tenant) const;
  bool forget(const tenant_id& tenant);

 private:
  using steady = std::chrono::steady_clock;
  enum class pushed_by { other, drainer };
  ready_queue::flow& flow_of(const tenant_id* tenant);
  worker* wake_for(std::size_t wanted);
  std::size_t wanted(pushed_by who) const;
  void engage(worker& w, bool worker::* flag);
  void disengage(worker& w, bool worker::* flag);
  void post_token(worker& w);
  void drain(worker& w);
  bool run(worker& w, const ready_queue::picked& item, std::size_t slice, bool is_job);
  void adapt_slice(ready_queue::flow& f, std::int64_t ns, bool more) const;
  void destroy_ready();

  const runtime_options options_;
  std::vector<std::unique_ptr<worker>> workers_;
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> refusing_{false};
  std::atomic<std::uint64_t> jobs_thrown_{0};
  mutable spin_lock lock_;
  // under lock_
  ready_queue queue_;
  std::size_t engaged_ = 0;  ///< workers that drain or have a token
  std::size_t running_ = 0;  ///< items being run
  std::size_t wake_next_ = 0;
  std::uint64_t resumes_ = 0;
  std::uint64_t session_turns_ = 0;
  bool closed_ = false;
};

}  // namespace waggle
