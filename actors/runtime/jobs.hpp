#pragma once
// Functions that a coroutine awaits: `run_job` as CPU work of a tenant, queued behind what that tenant already asked for;
// `run_blocking` on the pool. Call from a coroutine on a worker's context; it goes on there.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "actors/runtime/completion.hpp"
#include "actors/runtime/runtime.hpp"

namespace waggle {

namespace job_detail {

template <class R>
struct as_result {
  using type = result<R>;
  using value = R;
};
template <class T>
struct as_result<result<T>> {
  using type = result<T>;
  using value = T;
};
template <class F>
using outcome = as_result<std::invoke_result_t<F&>>;

/// Calls a function and answers with what it returned or threw.
template <class F>
struct answering {
  using value = typename outcome<F>::value;
  F fn;
  owed_answer<value> owed;

  void operator()() { owed.give(call()); }

 private:
  result<value> call() {
    try {
      if constexpr (std::is_void_v<std::invoke_result_t<F&>>) {
        fn();
        return {};
      } else {
        return fn();
      }
    } catch (const std::exception& e) {
      return failure::internal(e.what());
    } catch (...) {
      return failure::internal("a job threw what is no exception");
    }
  }
};

template <class F>
answering(F, owed_answer<typename outcome<F>::value>) -> answering<F>;

}  // namespace job_detail

/// Runs `fn()`, which returns `result<T>` or a plain T, in `tenant`'s queue. ec::queue_full, ec::shutting_down,
/// ec::internal_error when it threw.
template <class F>
boost::asio::awaitable<typename job_detail::outcome<F>::type> run_job(runtime& rt, tenant_id tenant, F fn) {
  using value = typename job_detail::outcome<F>::value;
  auto set = std::make_shared<answers<value>>(1);
  {
    scheduler::batch then_run(rt.internal_scheduler());
    auto queued =
        rt.submit(tenant, job_detail::answering{std::move(fn), owed_answer<value>(set, 0, ec::shutting_down)});
    if (!queued) co_return queued.error();
  }
  if (!set->ready()) co_await completion::wait(set, completion::no_deadline);
  co_return set->take_one(ec::shutting_down);
}

/// The same beside the workers, for what would take one too long.
template <class F>
boost::asio::awaitable<typename job_detail::outcome<F>::type> run_long_job(runtime& rt, tenant_id tenant, F fn) {
  using value = typename job_detail::outcome<F>::value;
  auto set = std::make_shared<answers<value>>(1);
  auto queued = rt.submit_long(tenant, job_detail::answering{std::move(fn), owed_answer<value>(set, 0, ec::shutting_down)});
  if (!queued) co_return queued.error();
  co_await completion::wait(set, completion::no_deadline);
  co_return set->take_one(ec::shutting_down);
}

/// Several at once, one result each in the same order; idle workers help. A full queue fails those that didn't fit.
template <class F>
boost::asio::awaitable<std::vector<typename job_detail::outcome<F>::type>> run_jobs(runtime& rt, tenant_id tenant,
                                                                                    std::vector<F> fns) {
  using value = typename job_detail::outcome<F>::value;
  if (fns.empty()) co_return std::vector<result<value>>{};
  auto set = std::make_shared<answers<value>>(fns.size());
  {
    scheduler::batch then_run(rt.internal_scheduler());
    for (std::size_t i = 0; i < fns.size(); ++i) {
      auto fn = job_detail::answering{std::move(fns[i]), owed_answer<value>(set, i, ec::shutting_down)};
      std::unique_ptr<job> what = std::make_unique<job_of<decltype(fn)>>(std::move(fn));
      auto queued = rt.internal_scheduler().submit(tenant, what);
      if (!queued) set->put(i, queued.error());
    }
  }
  if (!set->ready()) co_await completion::wait(set, completion::no_deadline);
  co_return set->take(failure(ec::shutting_down));
}

/// Runs `fn()`, which returns `result<T>` or a plain T, on a pool. Errors as `run_job`.
template <class F>
boost::asio::awaitable<typename job_detail::outcome<F>::type> run_on(runtime& rt, pool_kind where, F fn) {
  using value = typename job_detail::outcome<F>::value;
  auto set = std::make_shared<answers<value>>(1);
  auto queued =
      rt.submit_to(where, job_detail::answering{std::move(fn), owed_answer<value>(set, 0, ec::shutting_down)});
  if (!queued) co_return queued.error();
  co_await completion::wait(set, completion::no_deadline);
  co_return set->take_one(ec::shutting_down);
}

/// What may block.
template <class F>
auto run_blocking(runtime& rt, F fn) {
  return run_on(rt, pool_kind::blocking, std::move(fn));
}

}  // namespace waggle
