#include <boost/asio/experimental/awaitable_operators.hpp>
#include <set>

#include "fixture.hpp"

using namespace waggle;
using namespace runtime_test;
using boost::asio::awaitable;

namespace {

std::shared_ptr<std::atomic<int>> counted() { return std::make_shared<std::atomic<int>>(0); }

}  // namespace

TEST_CASE("ask: a typed actor's reply comes back on the coroutine's own thread") {
  runtime rt(small(2));
  auto c = rt.system().spawn(counter);
  rt.adopt(c);
  for (std::size_t w = 0; w < 2; ++w) {
    auto same_thread = on_worker(rt, w, [&]() -> awaitable<bool> {
      const auto before = std::this_thread::get_id();
      auto r = co_await ask<std::int64_t>(rt, c, add{5}, 1000);
      co_return r.has_value() && before == std::this_thread::get_id();
    }());
    CHECK(same_thread);
  }
  auto total = on_worker(rt, 0, ask<std::int64_t>(rt, c, read_total{}, 1000));
  REQUIRE(total.has_value());
  CHECK(*total == 10);
}

TEST_CASE("ask: on an idle worker the hop is inline: no token, no second thread") {
  runtime rt(small(2));
  auto c = rt.system().spawn(counter);
  rt.adopt(c);
  on_worker(rt, 0, ask<std::int64_t>(rt, c, add{0}, 1000));  // the actor is initialised
  auto inlined = on_worker(rt, 0, [&]() -> awaitable<bool> {
    auto set = std::make_shared<answers<std::int64_t>>(1);
    ask_detail::send<std::int64_t>(rt.system(), caf::actor_cast<caf::actor_control_block*>(c), add{1}, set, 0);
    co_return set->ready();
  }());
  CHECK(inlined);
}

TEST_CASE("ask: what the actor fails with arrives as it is") {
  runtime rt(small(1));
  auto a = rt.system().spawn(difficult, counted());
  rt.adopt(a);
  auto r = on_worker(rt, 0, ask<int>(rt, a, reply_error{ec::quota_exceeded}, 1000));
  REQUIRE(r.has_error());
  CHECK(r.error().code == ec::quota_exceeded);
}

TEST_CASE("ask: deadline, and a late reply is ignored") {
  runtime rt(small(2));
  auto asked = counted();
  auto a = rt.system().spawn(difficult, asked);
  rt.adopt(a);
  auto r = on_worker(rt, 0, ask<int>(rt, a, never_reply{}, 20));
  REQUIRE(r.has_error());
  CHECK(r.error().code == ec::deadline_exceeded);
  r = on_worker(rt, 0, ask<int>(rt, a, reply_after{1}, 5000));  // its touch answers the abandoned promise, too
  REQUIRE(r.has_value());
  CHECK(*r == 1);
  r = on_worker(rt, 0, ask<int>(rt, a, add{3}, 5000));
  REQUIRE(r.has_value());
  CHECK(*r == 3);
  CHECK(asked->load() == 2);
  r = on_worker(rt, 0, ask<int>(rt, a, never_reply{}, 0));
  CHECK(r.error().code == ec::deadline_exceeded);
  CHECK(asked->load() == 2);  // a spent deadline sends nothing
}

TEST_CASE("ask: the reply races the deadline; there is one outcome each time") {
  runtime rt(small(2));
  auto a = rt.system().spawn(difficult, counted());
  rt.adopt(a);
  int answered = 0, late = 0;
  for (int i = 0; i < 60; ++i) {
    auto r = on_worker(rt, static_cast<std::size_t>(i % 2), ask<int>(rt, a, reply_after{2}, 1 + i % 3));
    if (r)
      ++answered;
    else if (r.error().code == ec::deadline_exceeded)
      ++late;
  }
  CHECK(answered + late == 60);
}

TEST_CASE("ask: dead actor, dying actor, no actor") {
  runtime rt(small(2));
  auto a = rt.system().spawn(difficult, counted());
  caf::anon_send_exit(a, caf::exit_reason::kill);
  REQUIRE(eventually([&] { return rt.stats().actors == 0; }));
  auto r = on_worker(rt, 0, ask<int>(rt, a, add{1}, 30000));
  CHECK(r.error().code == ec::tenant_unavailable);

  auto asked = counted();
  auto b = rt.system().spawn(difficult, asked);
  caf::actor killed_later = b;
  std::thread killer([&] {
    eventually([&] { return asked->load() == 1; });
    caf::anon_send_exit(killed_later, caf::exit_reason::kill);
  });
  // The actor holds the promise when it dies: its end must answer, or the caller waits for the whole deadline.
  const auto start = std::chrono::steady_clock::now();
  r = on_worker(rt, 0, ask<int>(rt, b, never_reply{}, 30000));
  killer.join();
  CHECK(r.has_error());
  CHECK(r.error().code != ec::deadline_exceeded);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(25));

  r = on_worker(rt, 0, ask<int>(rt, caf::actor{}, add{1}, 30000));
  CHECK(r.error().code == ec::tenant_unavailable);
}

TEST_CASE("ask: a lost promise and a wrong type are failures at once") {
  runtime rt(small(1));
  auto a = rt.system().spawn(difficult, counted());
  rt.adopt(a);
  auto r = on_worker(rt, 0, ask<int>(rt, a, lose_promise{}, 30000));
  REQUIRE(r.has_error());
  CHECK(r.error().code == ec::internal_error);
  CHECK(r.error().log_text.find("without a reply") != std::string::npos);
  r = on_worker(rt, 0, ask<int>(rt, a, reply_wrong_type{}, 30000));
  REQUIRE(r.has_error());
  CHECK(r.error().code == ec::internal_error);
  CHECK(r.error().log_text.find("unexpected type") != std::string::npos);
}

TEST_CASE("ask: many coroutines on every worker, one actor: each gets its own answer") {
  runtime rt(small(3));
  auto c = rt.system().spawn(counter);
  rt.adopt(c);
  constexpr int sessions = 60, each = 100;
  std::mutex lock;
  std::set<std::int64_t> seen;
  std::atomic<int> done{0}, wrong{0};
  for (int s = 0; s < sessions; ++s)
    boost::asio::co_spawn(
        rt.next_context(),
        [&]() -> awaitable<void> {
          for (int i = 0; i < each; ++i) {
            auto r = co_await ask<std::int64_t>(rt, c, add{1}, 30000);
            if (!r) {
              ++wrong;
              continue;
            }
            std::lock_guard guard(lock);
            if (!seen.insert(*r).second) ++wrong;
          }
          ++done;
        },
        boost::asio::detached);
  REQUIRE(eventually([&] { return done == sessions; }));
  CHECK(wrong == 0);
  CHECK(seen.size() == sessions * each);
  CHECK(*seen.rbegin() == sessions * each);
}

TEST_CASE("ask: a coroutine that is cancelled while it waits leaves nothing behind") {
  using namespace boost::asio::experimental::awaitable_operators;
  runtime rt(small(1));
  auto a = rt.system().spawn(difficult, counted());
  rt.adopt(a);
  auto first = on_worker(rt, 0, [&]() -> awaitable<std::size_t> {
    boost::asio::steady_timer soon(co_await boost::asio::this_coro::executor, std::chrono::milliseconds(5));
    auto winner =
        co_await (ask<int>(rt, a, never_reply{}, 30000) || soon.async_wait(boost::asio::use_awaitable));
    co_return winner.index();
  }());
  CHECK(first == 1);
  auto r = on_worker(rt, 0, ask<int>(rt, a, reply_after{1}, 5000));  // delivers the old promise into the void
  CHECK(r.has_value());
}

TEST_CASE("gather: order, partial failure, deadline, none") {
  runtime rt(small(2));
  std::vector<caf::actor> to;
  for (int i = 0; i < 4; ++i) to.push_back(rt.system().spawn(difficult, counted()));
  for (auto& a : to) rt.adopt(a);
  auto all = on_worker(rt, 0, gather<int>(rt, to, add{4}, 5000));
  REQUIRE(all.size() == 4);
  for (auto& r : all) CHECK((r.has_value() && *r == 4));

  auto mixed = to;
  mixed[1] = caf::actor{};
  auto dead = rt.system().spawn(difficult, counted());
  caf::anon_send_exit(dead, caf::exit_reason::kill);
  mixed[2] = dead;
  REQUIRE(eventually([&] { return rt.stats().actors == 4; }));
  all = on_worker(rt, 1, gather<int>(rt, mixed, add{7}, 5000));
  REQUIRE(all.size() == 4);
  CHECK(*all[0] == 7);
  CHECK(all[1].error().code == ec::tenant_unavailable);
  CHECK(all[2].error().code == ec::tenant_unavailable);
  CHECK(*all[3] == 7);

  all = on_worker(rt, 0, gather<int>(rt, to, never_reply{}, 10));
  for (auto& r : all) CHECK(r.error().code == ec::deadline_exceeded);
  CHECK(on_worker(rt, 0, gather<int>(rt, std::vector<caf::actor>{}, add{1}, 10)).empty());
}

TEST_CASE("ask: requests that must not be copied travel in a shared_ptr") {
  runtime rt(small(1));
  auto taker = rt.system().spawn([]() -> caf::behavior {
    return {[](const std::shared_ptr<std::unique_ptr<int>>& p) -> result<std::shared_ptr<std::unique_ptr<int>>> {
      return std::make_shared<std::unique_ptr<int>>(std::move(*p));
    }};
  });
  rt.adopt(taker);
  auto boxed = std::make_shared<std::unique_ptr<int>>(std::make_unique<int>(42));
  auto r = on_worker(rt, 0, ask<std::shared_ptr<std::unique_ptr<int>>>(rt, taker, boxed, 1000));
  REQUIRE(r.has_value());
  CHECK(***r == 42);
  CHECK(*boxed == nullptr);
}
