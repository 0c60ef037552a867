#pragma once
// What the suites of the runtime share: requests, a few actors, and a way to run a coroutine on a worker and wait for it.
#include <doctest/doctest.h>
#include <time.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "actors/runtime/ask.hpp"
#include "actors/runtime/ask_actor.hpp"
#include "actors/runtime/jobs.hpp"
#include "actors/runtime/runtime.hpp"

namespace runtime_test {

struct add {
  std::int64_t amount = 0;
};
struct read_total {};
struct never_reply {};
struct lose_promise {};
struct reply_error {
  waggle::ec code = waggle::ec::conflict;
};
struct reply_wrong_type {};
struct reply_after {
  int ms = 0;
};
struct touch {};
struct spin {
  int us = 0;
};

inline waggle::tenant_id tenant(std::uint8_t n) {
  waggle::tenant_id t;
  t.bytes[0] = n;
  t.bytes[15] = 7;
  return t;
}

/// Spends CPU time of the calling thread, however often the host takes the core away.
inline void burn(std::chrono::microseconds time) {
  const auto now = [] {
    timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
  };
  for (const auto end = now() + time; now() < end;) {
  }
}

inline waggle::runtime_options small(std::size_t workers) {
  waggle::runtime_options o;
  o.workers = workers;
  o.blocking_threads = 2;
  return o;
}

/// Generous: reaching it means that something was lost, not that the machine is slow.
inline constexpr std::chrono::seconds patience{60};

/// Runs `what` on worker `i` and returns its value.
template <class T>
T on_worker(waggle::runtime& rt, std::size_t i, boost::asio::awaitable<T> what) {
  std::promise<T> done;
  auto value = done.get_future();
  boost::asio::co_spawn(rt.context(i), std::move(what), [&done](std::exception_ptr e, T v) {
    if (e)
      done.set_exception(e);
    else
      done.set_value(std::move(v));
  });
  REQUIRE(value.wait_for(patience) == std::future_status::ready);
  return value.get();
}

template <class Pred>
bool eventually(Pred p) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!p()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace runtime_test

WAGGLE_MESSAGE(runtime_test::add)
WAGGLE_MESSAGE(runtime_test::read_total)
WAGGLE_MESSAGE(runtime_test::never_reply)
WAGGLE_MESSAGE(runtime_test::lose_promise)
WAGGLE_MESSAGE(runtime_test::reply_error)
WAGGLE_MESSAGE(runtime_test::reply_wrong_type)
WAGGLE_MESSAGE(runtime_test::reply_after)
WAGGLE_MESSAGE(runtime_test::touch)
WAGGLE_MESSAGE(runtime_test::spin)

namespace runtime_test {

using counter_actor = caf::typed_actor<caf::replies_to<add>::with<waggle::result<std::int64_t>>,
                                       caf::replies_to<read_total>::with<waggle::result<std::int64_t>>>;

inline counter_actor::behavior_type counter(counter_actor::pointer) {
  auto total = std::make_shared<std::int64_t>(0);
  return {[total](const add& a) -> waggle::result<std::int64_t> { return *total += a.amount; },
          [total](const read_total&) -> waggle::result<std::int64_t> { return *total; }};
}

/// Misbehaves in every way that `ask` has to survive. Counts what it was asked.
inline caf::behavior difficult(caf::event_based_actor* self, std::shared_ptr<std::atomic<int>> asked) {
  auto kept = std::make_shared<std::vector<caf::response_promise>>();
  return {[=](const never_reply&) {
            ++*asked;
            kept->push_back(self->make_response_promise());
            return kept->back();
          },
          [=](const lose_promise&) {
            ++*asked;
            return self->make_response_promise();
          },
          [=](const reply_error& r) -> waggle::result<int> { return waggle::failure(r.code); },
          [=](const reply_wrong_type&) -> std::string { return "surprise"; },
          [=](const reply_after& r) {
            ++*asked;
            auto promise = self->make_response_promise();
            kept->push_back(promise);
            self->delayed_send(self, std::chrono::milliseconds(r.ms), touch{});
            return promise;
          },
          [=](const touch&) {
            for (auto& p : *kept) p.deliver(waggle::result<int>(1));
            kept->clear();
          },
          [=](const add& a) -> waggle::result<int> { return static_cast<int>(a.amount); }};
}

/// Spends time in its handler, on its tenant's account.
class busy_actor : public caf::event_based_actor, public waggle::tenanted {
 public:
  busy_actor(caf::actor_config& cfg, waggle::tenant_id owner) : event_based_actor(cfg), tenanted(owner) {}
  caf::behavior make_behavior() override {
    return {[](const spin& s) -> waggle::result<int> {
      burn(std::chrono::microseconds(s.us));
      return s.us;
    }};
  }
};

}  // namespace runtime_test
