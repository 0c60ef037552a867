#include "actors/runtime/scheduler.hpp"

#include <pthread.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <caf/actor_system.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>
#include <exception>
#include <string>

#include "actors/runtime/actor_parts.hpp"

// Why no wake-up is ever lost. A worker is *engaged* while it drains or a token (a posted drain) waits in its io_context.
// Invariant, whenever lock_ is free: engaged >= min(queue depth, workers).
//   push     depth grows by one; in the same critical section `wake_for` engages one more worker if too few are. There is one:
//            engaged < workers.
//   pop      depth shrinks.
//   drain    leaves in the critical section in which it saw depth 0, or turns its own engagement into a token.
//   token    is consumed by its worker's thread only, which goes on to drain.
// A posted token runs as long as its io_context does; `close` ends that and empties the queue itself.
// `wanted` asks for more than the invariant where it can: a worker that is busy with an item can't take the next one.

namespace waggle {

namespace {

thread_local worker* t_worker = nullptr;

/// An unknown actor's handlers may be slow: its tenant starts with few messages per resume.
constexpr std::size_t slice_messages_first = 4;

/// Moves by an eighth: one long job among many short ones is no reason to leave the workers.
void note_job(ready_queue::flow& f, std::int64_t ns) { f.job_ns += (ns - f.job_ns) / 8; }

void destroy(caf::resumable* what) { caf::scheduler::abstract_coordinator::cleanup_and_release(what); }

}  // namespace

worker::worker(scheduler& owner, std::size_t index) : owner_(owner), index_(index), guard_(context_->get_executor()) {}

void worker::exec_later(caf::resumable* what) { owner_.enqueue(what); }

worker* worker::current() { return t_worker; }

scheduler::scheduler(const runtime_options& options)
    : options_(options), queue_(options.quantum_us * 1000, std::min(slice_messages_first, options.slice_messages_max)) {
  const std::size_t n = options.workers ? options.workers : std::max(1u, std::thread::hardware_concurrency());
  for (std::size_t i = 0; i < n; ++i) workers_.push_back(std::make_unique<worker>(*this, i));
}

scheduler::~scheduler() { close(); }

void scheduler::start(caf::actor_system& sys) {
  for (auto& w : workers_) {
    w->attach(sys);
    w->thread_ = std::thread([this, &sys, w = w.get()] {
      pthread_setname_np(pthread_self(), ("worker-" + std::to_string(w->index_)).c_str());
      t_worker = w;
      sys.thread_started();
      for (bool again = true; again;) {
        try {
          w->context_->run();
          again = false;
        } catch (...) {
          // A handler of a socket or timer let it escape: its own loss, not the node's. Inside `drain` there is nothing but
          // memory that could have run out, and its bookkeeping can't be trusted after that.
          if (w->draining_) std::terminate();
          jobs_thrown_.fetch_add(1, std::memory_order_relaxed);
        }
      }
      sys.thread_terminates();
      t_worker = nullptr;
    });
  }
}

worker* scheduler::here() { return t_worker && &t_worker->owner_ == this ? t_worker : nullptr; }

worker& scheduler::next() { return *workers_[next_.fetch_add(1, std::memory_order_relaxed) % workers_.size()]; }

ready_queue::flow& scheduler::flow_of(const tenant_id* tenant) {
  return tenant ? queue_.flow_of(*tenant) : queue_.system();
}

void scheduler::engage(worker& w, bool worker::* flag) {
  if (!w.draining_ && !w.token_) ++engaged_;
  w.*flag = true;
}

void scheduler::disengage(worker& w, bool worker::* flag) {
  w.*flag = false;
  if (!w.draining_ && !w.token_) --engaged_;
}

// A drainer that pushes will look at the queue again as soon as its handler returns, most often within microseconds: waking
// another thread for it costs more. Anybody else's item shall not wait behind a running one.
std::size_t scheduler::wanted(pushed_by who) const {
  return queue_.depth() + (who == pushed_by::other ? running_ : 0);
}

// Engages an idle worker with a token if fewer than `wanted` are; the caller posts it after unlocking.
worker* scheduler::wake_for(std::size_t wanted) {
  if (engaged_ >= std::min(wanted, workers_.size())) return nullptr;
  for (;;) {
    worker& w = *workers_[wake_next_++ % workers_.size()];
    if (w.draining_ || w.token_) continue;
    engage(w, &worker::token_);
    return &w;
  }
}

void scheduler::post_token(worker& w) {
  boost::asio::post(*w.context_, [this, &w] {
    {
      std::lock_guard guard(lock_);
      engage(w, &worker::draining_);
      disengage(w, &worker::token_);
    }
    drain(w);
  });
}

void scheduler::enqueue(caf::resumable* what) {
  const tenant_id* tenant = tenant_of(what);
  worker* mine = here();
  worker* wake = nullptr;
  bool inline_now = false;
  const auto now = steady::now();
  {
    std::lock_guard guard(lock_);
    if (!closed_) {
      queue_.push(flow_of(tenant), what, now);
      inline_now = mine && !mine->draining_;
      if (inline_now) engage(*mine, &worker::draining_);
      wake = wake_for(wanted(mine ? pushed_by::drainer : pushed_by::other));
      what = nullptr;
    }
  }
  if (what) return destroy(what);
  if (wake) post_token(*wake);
  if (inline_now) drain(*mine);
}

result<void> scheduler::submit(const tenant_id& tenant, std::unique_ptr<job>& what) {
  worker* mine = here();
  worker* wake = nullptr;
  const auto now = steady::now();
  {
    std::lock_guard guard(lock_);
    if (closed_ || refuses_jobs()) return failure(ec::shutting_down);
    auto& owner = queue_.flow_of(tenant);
    if (owner.depth() >= options_.jobs_per_tenant_max) return failure(ec::queue_full);
    queue_.push(owner, what.get(), now);
    what.release();
    if (mine && !mine->draining_ && !mine->token_) {
      engage(*mine, &worker::token_);
      wake = mine;  // to itself: costs no system call
    } else {
      wake = wake_for(wanted(pushed_by::other));
    }
  }
  if (wake) post_token(*wake);
  return {};
}

scheduler::batch::batch(scheduler& owner) : owner_(owner) {
  worker* w = owner.here();
  if (!w) return;
  std::lock_guard guard(owner_.lock_);
  if (w->draining_) return;
  owner_.engage(*w, &worker::draining_);
  mine_ = w;
}

scheduler::batch::~batch() {
  if (mine_) owner_.drain(*mine_);
}

bool scheduler::turn::take(caf::resumable* what) {
  worker* w = owner_.here();
  if (!w || w->draining_) return false;
  const tenant_id* tenant = tenant_of(what);
  {
    std::lock_guard guard(owner_.lock_);
    if (owner_.closed_ || owner_.queue_.depth() > 0) return false;
    owner_.queue_.push(owner_.flow_of(tenant), what);
    item_ = owner_.queue_.pop();
    owner_.engage(*w, &worker::draining_);
    ++owner_.running_;
    ++owner_.resumes_;
    ++owner_.session_turns_;
  }
  mine_ = w;
  started_ = steady::now();
  w->meter_.refresh(started_);
  return true;
}

scheduler::turn::~turn() {
  if (!mine_) return;
  const auto ns = mine_->meter_.spent_ns(started_, steady::now());
  std::unique_lock guard(owner_.lock_);
  --owner_.running_;
  owner_.queue_.charge(*item_.owner, ns);
  if (owner_.queue_.depth() == 0) {
    owner_.disengage(*mine_, &worker::draining_);
    return;
  }
  guard.unlock();
  owner_.drain(*mine_);
}

// Only on w's own thread, with w.draining_ set. One clock reading per item: the end of one is the start of the next.
void scheduler::drain(worker& w) {
  auto started = steady::now();
  w.meter_.refresh(started);
  const auto end = started + std::chrono::microseconds(options_.drain_budget_us);
  std::unique_lock guard(lock_);
  for (std::size_t n = 1;; ++n) {
    const auto item = queue_.pop(started);
    if (!item.what) {
      disengage(w, &worker::draining_);
      return;
    }
    ++running_;
    ++resumes_;
    worker* wake = queue_.depth() ? wake_for(wanted(pushed_by::other)) : nullptr;
    const std::size_t slice = item.owner->slice;
    const bool is_job = item.what->subtype() == caf::resumable::function_object;
    guard.unlock();

    if (wake) post_token(*wake);
    const bool more = run(w, item, slice, is_job);
    const auto now = steady::now();
    const auto ns = w.meter_.spent_ns(started, now);
    started = now;

    guard.lock();
    --running_;
    queue_.charge(*item.owner, ns);
    if (is_job)
      note_job(*item.owner, ns);
    else
      adapt_slice(*item.owner, ns, more);
    if (more) queue_.push(*item.owner, item.what, now);
    if (now < end && n < options_.drain_resumes_max) continue;
    // Out of budget: sockets get their turn, a token takes this place.
    const bool repost = queue_.depth() > 0 && !w.token_;
    if (repost) engage(w, &worker::token_);
    disengage(w, &worker::draining_);
    guard.unlock();
    if (repost) post_token(w);
    return;
  }
}

// True when the item wants to run again; else its reference is gone.
bool scheduler::run(worker& w, const ready_queue::picked& item, std::size_t slice, bool is_job) {
  bool more = false;
  if (!is_job || !refuses_jobs()) {
    try {
      more = item.what->resume(&w, slice) == caf::resumable::resume_later;
    } catch (...) {
      jobs_thrown_.fetch_add(1, std::memory_order_relaxed);
    }
  }
  if (!more) caf::intrusive_ptr_release(item.what);
  return more;
}

// CAF can bound a resume by messages only. The bound follows the time: an actor with slow handlers gets few messages per turn.
void scheduler::adapt_slice(ready_queue::flow& f, std::int64_t ns, bool more) const {
  const std::int64_t target = options_.slice_target_us * 1000;
  if (ns > target)
    f.slice = std::max<std::size_t>(1, f.slice * static_cast<std::size_t>(target) / static_cast<std::size_t>(ns));
  else if (more && ns < target / 2)
    f.slice = std::min(options_.slice_messages_max, f.slice * 2);
}

void scheduler::refuse_jobs() { refusing_.store(true, std::memory_order_release); }

void scheduler::destroy_ready() {
  for (;;) {
    ready_queue::picked item;
    {
      std::lock_guard guard(lock_);
      item = queue_.pop();
      if (!item.what) return;
      queue_.charge(*item.owner, 0);
    }
    destroy(item.what);
  }
}

void scheduler::close() {
  for (auto& w : workers_)
    if (w->thread_.joinable())
      // Posted, not called, and twice: an answer that was given before comes as a handler that cancels a timer, and the timer's
      // handler, which goes on with the coroutine, gets its place in the queue only then.
      boost::asio::post(*w->context_, [w = w.get()] {
        boost::asio::post(*w->context_, [w] { w->context_->stop(); });
      });
  for (auto& w : workers_)
    if (w->thread_.joinable()) w->thread_.join();
  {
    std::lock_guard guard(lock_);
    closed_ = true;
  }
  destroy_ready();
}

void scheduler::drop_contexts() {
  for (auto& w : workers_) {
    w->guard_.reset();
    w->context_.reset();
  }
}

void scheduler::fill(runtime_stats& out) const {
  std::lock_guard guard(lock_);
  out.queue_depth = queue_.depth();
  out.active_tenants = queue_.active();
  out.known_tenants = queue_.known();
  out.engaged_workers = engaged_;
  out.resumes = resumes_;
  out.session_turns = session_turns_;
  out.jobs_thrown += jobs_thrown_.load(std::memory_order_relaxed);
  out.system_cpu_us = queue_.system().cpu_ns() / 1000;
}

tenant_time scheduler::spent(const tenant_id& tenant) const {
  std::lock_guard guard(lock_);
  const auto* f = queue_.find(tenant);
  return f ? f->spent() : tenant_time();
}

std::uint64_t scheduler::take_cpu_us(const tenant_id& tenant) {
  std::lock_guard guard(lock_);
  auto& f = queue_.flow_of(tenant);
  const auto spent_us = f.cpu_ns() / 1000;
  return spent_us - std::exchange(f.taken_us, spent_us);
}

std::vector<std::pair<tenant_id, tenant_time>> scheduler::totals() const {
  std::lock_guard guard(lock_);
  return queue_.totals();
}

void scheduler::charge(const tenant_id& tenant, std::int64_t us) {
  std::lock_guard guard(lock_);
  queue_.charge_extra(queue_.flow_of(tenant), std::max<std::int64_t>(0, us) * 1000);
}

void scheduler::charge_job(const tenant_id& tenant, std::int64_t ns, std::int64_t waited_ns) {
  std::lock_guard guard(lock_);
  auto& owner = queue_.flow_of(tenant);
  queue_.charge_extra(owner, ns, waited_ns);
  note_job(owner, ns);
}

bool scheduler::has_long_jobs(const tenant_id& tenant) const {
  std::lock_guard guard(lock_);
  const auto* f = queue_.find(tenant);
  return f && f->job_ns > options_.long_job_us * 1000;
}

bool scheduler::forget(const tenant_id& tenant) {
  std::lock_guard guard(lock_);
  return queue_.forget(tenant);
}

}  // namespace waggle
