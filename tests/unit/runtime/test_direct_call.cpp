// A session that runs an idle actor itself must not be told apart from one that sends to it.
#include <atomic>

#include "fixture.hpp"

using namespace waggle;
using namespace runtime_test;
using boost::asio::awaitable;

namespace {

using number_actor = caf::typed_actor<caf::replies_to<add>::with<result<std::int64_t>>>;

/// Replies through a promise that it has kept already when it gives the answer.
number_actor::behavior_type prompt_promise(number_actor::pointer self) {
  return {[self](const add& a) {
    auto promise = self->make_response_promise<result<std::int64_t>>();
    promise.deliver(result<std::int64_t>(a.amount));
    return promise;
  }};
}

number_actor::behavior_type passes_on(number_actor::pointer self, number_actor to) {
  return {[self, to](const add& a) { return self->delegate(to, a); }};
}

number_actor::behavior_type throws_on_zero(number_actor::pointer) {
  return {[](const add& a) -> result<std::int64_t> {
    if (a.amount == 0) throw std::runtime_error("bug");
    return a.amount;
  }};
}

number_actor::behavior_type ends_after_one(number_actor::pointer self) {
  return {[self](const add& a) -> result<std::int64_t> {
    self->quit();
    return a.amount;
  }};
}

std::uint64_t turns(const runtime& rt) { return rt.stats().session_turns; }

}  // namespace

TEST_CASE("direct call: an idle actor is run by the session itself") {
  runtime rt(small(1));
  auto c = rt.system().spawn(counter);
  rt.adopt(c);
  on_worker(rt, 0, ask<std::int64_t>(rt, c, add{0}, 1000));
  const auto before = turns(rt);
  auto sum = on_worker(rt, 0, [&]() -> awaitable<std::int64_t> {
    std::int64_t last = 0;
    for (int i = 0; i < 100; ++i) {
      auto r = co_await ask<std::int64_t>(rt, c, add{1}, 1000);
      last = r ? *r : -1;
    }
    co_return last;
  }());
  CHECK(sum == 100);
  CHECK(turns(rt) - before == 100);
}

TEST_CASE("direct call: a promise that is kept at once, later, elsewhere or never") {
  runtime rt(small(2));
  auto prompt = rt.system().spawn(prompt_promise);
  auto passing = rt.system().spawn(passes_on, prompt);
  auto asked = std::make_shared<std::atomic<int>>(0);
  auto other = rt.system().spawn(difficult, asked);
  for (const auto& a : {prompt, passing}) rt.adopt(a);
  rt.adopt(other);
  for (int i = 0; i < 50; ++i) {
    auto r = on_worker(rt, 0, ask<std::int64_t>(rt, prompt, add{i}, 5000));
    REQUIRE(r.has_value());
    CHECK(*r == i);
    r = on_worker(rt, 0, ask<std::int64_t>(rt, passing, add{i}, 5000));
    REQUIRE(r.has_value());
    CHECK(*r == i);
    auto lost = on_worker(rt, 0, ask<int>(rt, other, lose_promise{}, 30000));
    CHECK(lost.error().code == ec::internal_error);
    auto later = on_worker(rt, 0, ask<int>(rt, other, reply_after{1}, 30000));
    REQUIRE(later.has_value());
    CHECK(*later == 1);
  }
}

TEST_CASE("direct call: an abandoned promise that is kept late answers nobody else's request") {
  runtime rt(small(1));
  auto asked = std::make_shared<std::atomic<int>>(0);
  auto slow = rt.system().spawn(difficult, asked);
  auto c = rt.system().spawn(counter);
  rt.adopt(slow);
  rt.adopt(c);
  CHECK(on_worker(rt, 0, ask<int>(rt, slow, never_reply{}, 5)).error().code == ec::deadline_exceeded);
  caf::anon_send(slow, touch{});  // now it replies, to a session that is gone
  for (int i = 1; i <= 50; ++i) {
    auto r = on_worker(rt, 0, ask<std::int64_t>(rt, c, add{1}, 5000));
    REQUIRE(r.has_value());
    CHECK(*r == i);
  }
}

TEST_CASE("direct call: a handler that throws ends its actor; one that quits has answered") {
  runtime rt(small(1));
  auto a = rt.system().spawn(throws_on_zero);
  CHECK(*on_worker(rt, 0, ask<std::int64_t>(rt, a, add{4}, 30000)) == 4);
  CHECK(on_worker(rt, 0, ask<std::int64_t>(rt, a, add{0}, 30000)).error().code == ec::internal_error);
  CHECK(on_worker(rt, 0, ask<std::int64_t>(rt, a, add{4}, 30000)).error().code == ec::tenant_unavailable);
  auto b = rt.system().spawn(ends_after_one);
  CHECK(*on_worker(rt, 0, ask<std::int64_t>(rt, b, add{4}, 30000)) == 4);
  CHECK(on_worker(rt, 0, ask<std::int64_t>(rt, b, add{4}, 30000)).error().code == ec::tenant_unavailable);
  CHECK(eventually([&] { return rt.stats().actors == 0; }));
}

TEST_CASE("direct call: a request without a handler fails as a sent one does") {
  runtime rt(small(1));
  auto a = rt.system().spawn(difficult, std::make_shared<std::atomic<int>>(0));
  rt.adopt(a);
  CHECK(*on_worker(rt, 0, ask<int>(rt, a, add{1}, 5000)) == 1);
  CHECK(on_worker(rt, 0, ask<int>(rt, a, read_total{}, 5000)).error().code == ec::internal_error);
  CHECK(*on_worker(rt, 0, ask<int>(rt, a, add{2}, 5000)) == 2);
}

TEST_CASE("direct call: what a handler sends runs after it, within the same turn of the session") {
  runtime rt(small(1));
  std::vector<int> order;
  auto second = rt.system().spawn([&]() -> caf::behavior { return {[&](const touch&) { order.push_back(2); }}; });
  auto first = rt.system().spawn([&](caf::event_based_actor* self) -> caf::behavior {
    return {[&, self](const add& a) -> result<std::int64_t> {
      self->send(second, touch{});
      order.push_back(1);
      return a.amount;
    }};
  });
  rt.adopt(second);
  rt.adopt(first);
  const auto seen = on_worker(rt, 0, [&]() -> awaitable<std::size_t> {
    co_await ask<std::int64_t>(rt, first, add{1}, 1000);
    co_return order.size();
  }());
  CHECK(seen == 2);
  CHECK(order == std::vector<int>{1, 2});
}

TEST_CASE("direct call: the tenant pays for it, and owes no more than one who queued") {
  runtime rt(small(1));
  auto a = rt.system().spawn<busy_actor>(tenant(1));
  rt.adopt(a);
  const auto before = turns(rt);
  for (int i = 0; i < 100; ++i) REQUIRE(on_worker(rt, 0, ask<int>(rt, a, spin{1000}, 5000)).has_value());
  CHECK(turns(rt) - before >= 99);
  CHECK(rt.spent(tenant(1)).cpu_us >= 95'000);
  CHECK(rt.spent(tenant(1)).cpu_us < 200'000);
  // A tenant that was alone is not behind by all it used: it shares with a newcomer from the start.
  std::atomic<int> ran{0};
  std::atomic<int> newcomers_before{-1};
  std::atomic<int> newcomers{0};
  boost::asio::post(rt.context(0), [&] {
    for (int i = 0; i < 200; ++i)
      REQUIRE(rt.submit(tenant(2), [&] {
                  burn(std::chrono::microseconds(200));
                  ++newcomers;
                }).has_value());
    REQUIRE(rt.submit(tenant(1), [&] {
                newcomers_before = newcomers.load();
                ++ran;
              }).has_value());
  });
  REQUIRE(eventually([&] { return ran == 1 && newcomers == 200; }));
  CHECK(newcomers_before < 50);
}

TEST_CASE("direct call: requests of sessions and messages of threads meet in one actor; none is lost or doubled") {
  runtime rt(small(3));
  auto c = rt.system().spawn(counter);
  rt.adopt(c);
#ifdef WAGGLE_SANITIZED
  constexpr int sessions = 12, each = 300;
#else
  constexpr int sessions = 12, each = 5000;
#endif
  std::atomic<int> done{0}, failed{0};
  for (int s = 0; s < sessions; ++s)
    boost::asio::co_spawn(
        rt.context(static_cast<std::size_t>(s % 3)),
        [&]() -> awaitable<void> {
          for (int i = 0; i < each; ++i) {
            auto r = co_await ask<std::int64_t>(rt, c, add{1}, 30000);
            if (!r) ++failed;
          }
          ++done;
        },
        boost::asio::detached);
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < each; ++i) caf::anon_send(c, add{1});
    });
  for (auto& t : threads) t.join();
  REQUIRE(eventually([&] { return done == sessions; }));
  CHECK(failed == 0);
  CHECK(turns(rt) > 0);
  auto total = on_worker(rt, 0, ask<std::int64_t>(rt, c, read_total{}, 30000));
  REQUIRE(total.has_value());
  CHECK(*total == std::int64_t{sessions + 2} * each);
}
