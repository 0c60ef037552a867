#include "fixture.hpp"

using namespace waggle;
using namespace runtime_test;
using boost::asio::awaitable;

TEST_CASE("shutdown: an idle runtime stops, twice, and refuses afterwards") {
  runtime rt(small(2));
  CHECK(rt.stop().actors_left == 0);
  CHECK(rt.stop().actors_left == 0);
  CHECK(rt.submit(tenant(1), [] {}).error().code == ec::shutting_down);
  CHECK(rt.submit_blocking([] {}).error().code == ec::shutting_down);
}

TEST_CASE("shutdown: everyone who waits for a job, the pool or an actor is told") {
  auto options = small(2);
  options.blocking_threads = 1;
  auto rt = std::make_unique<runtime>(options);
  auto asked = std::make_shared<std::atomic<int>>(0);
  auto silent = rt->system().spawn(difficult, asked);
  rt->adopt(silent);
  std::promise<void> open;
  auto opened = open.get_future().share();
  REQUIRE(rt->submit_blocking([opened] { opened.wait(); }).has_value());

  std::atomic<int> waiting{0}, shut{0}, gone{0}, ran{0}, other{0};
  auto classify = [&](const auto& r) {
    if (r)
      ++ran;
    else if (r.error().code == ec::shutting_down)
      ++shut;
    else if (r.error().code == ec::tenant_unavailable || r.error().code == ec::internal_error)
      ++gone;
    else
      ++other;
  };
  constexpr int each = 20;
  for (int i = 0; i < each; ++i) {
    boost::asio::co_spawn(
        rt->next_context(),
        [&]() -> awaitable<void> {
          ++waiting;
          classify(co_await run_blocking(*rt, [] { return 1; }));
        },
        boost::asio::detached);
    boost::asio::co_spawn(
        rt->next_context(),
        [&]() -> awaitable<void> {
          ++waiting;
          classify(co_await ask<int>(*rt, silent, never_reply{}, 30000));
        },
        boost::asio::detached);
  }
  REQUIRE(eventually([&] { return waiting == 2 * each && *asked == each && rt->stats().blocking_depth == each; }));
  // Jobs: more than can run before stop begins.
  for (int i = 0; i < 300; ++i)
    boost::asio::co_spawn(
        rt->context(0),
        [&]() -> awaitable<void> {
          classify(co_await run_job(*rt, tenant(1), [] { return burn(std::chrono::milliseconds(2)), 1; }));
        },
        boost::asio::detached);
  std::thread opener([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    open.set_value();
  });
  silent = nullptr;
  CHECK(rt->stop().actors_left == 0);
  opener.join();
  CHECK(shut + gone + ran + other == 300 + 2 * each);
  CHECK(gone == each);      // asked an actor that ended
  CHECK(shut >= each);      // the pool's queue, and the jobs that didn't run
  CHECK(other == 0);
  rt.reset();
}

TEST_CASE("shutdown: coroutines that wait for something else are destroyed with the runtime") {
  auto alive = std::make_shared<int>(1);
  {
    runtime rt(small(2));
    auto c = rt.system().spawn(counter);
    rt.adopt(c);
    std::atomic<int> started{0};
    for (int i = 0; i < 10; ++i)
      boost::asio::co_spawn(
          rt.next_context(),
          [](runtime& r, counter_actor target, std::shared_ptr<int> held, std::atomic<int>& count) -> awaitable<void> {
            co_await ask<std::int64_t>(r, target, add{1}, 1000);
            boost::asio::steady_timer forever(co_await boost::asio::this_coro::executor, std::chrono::hours(1));
            ++count;
            co_await forever.async_wait(boost::asio::use_awaitable);
          }(rt, c, alive, started),
          boost::asio::detached);
    REQUIRE(eventually([&] { return started == 10; }));
    CHECK(alive.use_count() == 11);
  }
  CHECK(alive.use_count() == 1);
}

TEST_CASE("shutdown: with load from every side") {
  for (int round = 0; round < 5; ++round) {
    auto rt = std::make_unique<runtime>(small(3));
    std::vector<caf::actor> actors;
    for (std::uint8_t i = 0; i < 8; ++i) {
      actors.push_back(rt->system().spawn<busy_actor>(tenant(i)));
      rt->adopt(actors.back());
    }
    std::atomic<bool> go_on{true};
    std::vector<std::thread> outside;
    for (int t = 0; t < 2; ++t)
      outside.emplace_back([&, t] {
        for (int i = 0; go_on; ++i) {
          caf::anon_send(actors[static_cast<std::size_t>(i) % 8], spin{10});
          (void)rt->submit(tenant(static_cast<std::uint8_t>(t)), [] { burn(std::chrono::microseconds(10)); });
          (void)rt->submit_blocking([] {});
          if (i % 64 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
      });
    for (int s = 0; s < 6; ++s)
      boost::asio::co_spawn(
          rt->next_context(),
          [](runtime& r, std::vector<caf::actor> to) -> awaitable<void> {
            while (!r.stopping()) {
              (void)co_await gather<int>(r, to, spin{5}, 1000);
              (void)co_await run_job(r, tenant(3), [] { return 1; });
              (void)co_await run_blocking(r, [] { return 1; });
            }
          }(*rt, actors),
          boost::asio::detached);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    CHECK(rt->stop().actors_left == 0);
    go_on = false;
    for (auto& t : outside) t.join();
    actors.clear();
    rt.reset();
  }
}

TEST_CASE("shutdown: adopted actors end last first, each before the next") {
  std::vector<std::string> ended;
  std::mutex lock;
  runtime rt(small(2));
  for (const char* name : {"first", "second", "third"}) {
    auto a = rt.system().spawn([&, name](caf::event_based_actor* self) -> caf::behavior {
      self->attach_functor([&, name](const caf::error&) {
        std::lock_guard guard(lock);
        ended.emplace_back(name);
      });
      return {[](const touch&) {}};
    });
    rt.adopt(a);
  }
  CHECK(rt.stop().actors_left == 0);
  CHECK(ended == std::vector<std::string>{"third", "second", "first"});
}

TEST_CASE("shutdown: an actor nobody ended is reported, and touching it later is safe") {
  auto options = small(1);
  options.actor_stop_ms_max = 20;
  caf::actor forgotten;
  {
    runtime rt(options);
    forgotten = rt.system().spawn<busy_actor>(tenant(1));
    REQUIRE(on_worker(rt, 0, ask<int>(rt, forgotten, spin{1}, 1000)).has_value());
    CHECK(rt.stop().actors_left == 1);
  }
  caf::anon_send(forgotten, spin{1});
  forgotten = nullptr;
}
