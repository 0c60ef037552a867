#pragma once
// Plain values of the runtime: its options, what it counts, and the mix-in that says whose CPU time an actor spends.
#include <cstddef>
#include <cstdint>

#include "base/ids.hpp"
#include "base/limits.hpp"

namespace waggle {

struct runtime_options {
  std::size_t workers = 0;  ///< 0 = one per core
  std::size_t blocking_threads = limits::blocking_threads_default;
  std::size_t blocking_queue_max = 1024;      ///< waiting functions, those that run not counted
  std::size_t jobs_per_tenant_max = 16384;    ///< queued items of one tenant; more are refused with ec::queue_full
  std::int64_t quantum_us = 500;              ///< CPU time a tenant may use per round
  std::int64_t drain_budget_us = 200;         ///< then sockets get their turn
  std::size_t drain_resumes_max = 64;         ///< same, for very short resumes
  std::size_t slice_messages_max = 32;        ///< messages an actor may take per resume; starts lower and adapts
  std::int64_t slice_target_us = 200;         ///< a resume that takes longer shrinks its tenant's slice
  std::int64_t long_job_us = 1000;            ///< a tenant whose jobs take longer, lately, has them run beside the workers
  int actor_stop_ms_max = 5000;               ///< how long stop() waits for actors to end
};

struct runtime_stats {
  std::size_t queue_depth = 0;      ///< ready actors and jobs
  std::size_t active_tenants = 0;   ///< that have something in the queue
  std::size_t known_tenants = 0;    ///< that have a CPU total
  std::size_t engaged_workers = 0;  ///< draining or about to
  std::size_t long_depth = 0;       ///< long jobs that wait
  std::size_t blocking_depth = 0;
  std::size_t blocking_running = 0;
  std::size_t actors = 0;
  std::uint64_t resumes = 0;
  std::uint64_t session_turns = 0;  ///< of these: an actor that a session ran itself (`direct_call`)
  std::uint64_t jobs_thrown = 0;  ///< jobs and blocking functions that let an exception escape: a bug of theirs
  std::uint64_t system_cpu_us = 0;
};

/// What a tenant's work took since the node started; never less than before.
struct tenant_time {
  std::uint64_t cpu_us = 0;
  std::uint64_t queued_us = 0;  ///< ready, and not run: of its actors and jobs together
};

struct stop_report {
  std::size_t actors_left = 0;  ///< still alive after `actor_stop_ms_max`: their owner forgot them
};

/// Base of an actor class (`class shard : public shard_actor::base, public tenanted`): its CPU time is its tenant's and it
/// queues with its tenant. Actors without it use the system's queue. Set before the actor is spawned, never changed.
class tenanted {
 public:
  explicit tenanted(const tenant_id& owner) : tenant(owner) {}
  const tenant_id tenant;

 protected:
  ~tenanted() = default;
};

}  // namespace waggle
