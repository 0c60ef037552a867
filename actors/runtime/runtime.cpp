#include "actors/runtime/runtime.hpp"

#include <algorithm>
#include <caf/actor_registry.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/exit_reason.hpp>
#include <caf/abstract_actor.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>
#include <caf/send.hpp>
#include <cassert>
#include <chrono>
#include <thread>

namespace waggle {

namespace {

using steady = std::chrono::steady_clock;

// What CAF sees of our scheduler. Threads are started and joined by `runtime`, which outlives the actor system.
class coordinator final : public caf::scheduler::abstract_coordinator {
 public:
  coordinator(caf::actor_system& sys, waggle::scheduler& workers, asio_actor_clock& clock)
      : abstract_coordinator(sys), workers_(workers), clock_(clock) {}
  void stop() override { stop_actors(); }
  void enqueue(caf::resumable* what) override { workers_.enqueue(what); }
  caf::actor_clock& clock() noexcept override { return clock_; }

 private:
  waggle::scheduler& workers_;
  asio_actor_clock& clock_;
};

template <class Pred>
bool wait_until(steady::time_point end, Pred done) {
  while (!done()) {
    if (steady::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(500));
  }
  return true;
}

bool ended(const caf::strong_actor_ptr& actor) { return actor->get()->getf(caf::abstract_actor::is_terminated_flag); }

}  // namespace

namespace {

struct system_config : caf::actor_system_config {
  system_config(const runtime_options& options, scheduler& workers, asio_actor_clock& clock) {
    module_factories.emplace_back([&workers, &clock](caf::actor_system& sys) -> caf::actor_system::module* {
      return new coordinator(sys, workers, clock);
    });
    set("scheduler.max-threads", workers.size());
    set("scheduler.max-throughput", options.slice_messages_max);
  }
};

}  // namespace

struct runtime::core {
  explicit core(const runtime_options& options)
      : workers(options), clock(workers, workers.at(0).context()), config(options, workers, clock), system(config) {
    system.await_actors_before_shutdown(false);  // `stop` does, with a bound
  }
  scheduler workers;
  asio_actor_clock clock;
  system_config config;
  caf::actor_system system;
};

runtime::runtime(const runtime_options& options)
    : options_(options),
      core_(std::make_unique<core>(options)),
      scheduler_(core_->workers),
      clock_(core_->clock),
      system_(core_->system),
      pool_("blocking", options.blocking_threads, options.blocking_queue_max),
      long_pool_("long", scheduler_.size(), options.blocking_queue_max),
      long_jobs_(options, scheduler_.size(),
                 [this](const tenant_id& tenant, std::int64_t ns, std::int64_t waited_ns) {
                   scheduler_.charge_job(tenant, ns, waited_ns);
                 }) {
  scheduler_.start(system_);
}

runtime::~runtime() {
  stop();
  // Coroutine frames hold actor handles: they go while the actor system is there, and after its threads.
  scheduler_.drop_contexts();
  if (system_.registry().running() == 0) return;
  // Somebody still holds an actor, and it points here. To leave all of it in memory is the one safe thing to do.
  static std::mutex lock;
  static auto* left = new std::vector<std::unique_ptr<core>>;
  std::lock_guard guard(lock);
  left->push_back(std::move(core_));
}

void runtime::adopt_actor(caf::strong_actor_ptr root) {
  std::lock_guard guard(roots_lock_);
  roots_.push_back(std::move(root));
}

void runtime::end_actors() {
  const auto end = steady::now() + std::chrono::milliseconds(options_.actor_stop_ms_max);
  std::vector<caf::strong_actor_ptr> roots;
  {
    std::lock_guard guard(roots_lock_);
    roots.swap(roots_);
  }
  while (!roots.empty()) {
    auto root = std::move(roots.back());
    roots.pop_back();
    caf::anon_send_exit(root, caf::exit_reason::user_shutdown);
    wait_until(end, [&] { return ended(root); });
  }
  wait_until(end, [&] { return system_.registry().running() == 0; });
}

stop_report runtime::stop() {
  assert(!scheduler_.here() && "a worker can't join itself");
  std::lock_guard guard(stop_lock_);
  if (!std::exchange(stopped_, true)) {
    stopping_.store(true, std::memory_order_release);
    scheduler_.refuse_jobs();
    pool_.stop();
    long_pool_.stop();
    long_jobs_.stop();
    end_actors();
    scheduler_.close();
    clock_.shut();
  }
  return {system_.registry().running()};
}

runtime_stats runtime::stats() const {
  runtime_stats out;
  out.long_depth = long_jobs_.depth();
  out.blocking_depth = pool_.depth();
  out.blocking_running = pool_.running();
  out.jobs_thrown = pool_.thrown() + long_pool_.thrown() + long_jobs_.thrown();
  out.actors = system_.registry().running();
  scheduler_.fill(out);
  return out;
}

}  // namespace waggle
