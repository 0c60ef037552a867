#include "fixture.hpp"

using namespace waggle;
using namespace runtime_test;
using std::chrono::milliseconds;

namespace {

/// Holds the one thread for long jobs until it is opened.
struct gate {
  explicit gate(runtime& rt) {
    REQUIRE(rt.submit_long(tenant(9), [held = opened.get_future().share(), this] {
                entered.set_value();
                held.wait();
              }).has_value());
    entered.get_future().wait();
  }
  void open() { opened.set_value(); }
  std::promise<void> entered, opened;
};

}  // namespace

TEST_CASE("long jobs: value, failure, exception; beside the workers, and the coroutine goes on on its own") {
  runtime rt(small(2));
  std::thread::id worker, job, after;
  auto run = [&]() -> boost::asio::awaitable<result<int>> {
    worker = std::this_thread::get_id();
    auto work = [&job] {
      job = std::this_thread::get_id();
      return 7;
    };
    auto done = co_await run_long_job(rt, tenant(1), std::move(work));
    after = std::this_thread::get_id();
    co_return done;
  };
  CHECK(*on_worker(rt, 1, run()) == 7);
  CHECK(job != worker);
  CHECK(after == worker);
  auto failed = on_worker(rt, 0, run_long_job(rt, tenant(1), []() -> result<int> { return failure(ec::not_found); }));
  CHECK(failed.error().code == ec::not_found);
  auto threw = on_worker(rt, 0, run_long_job(rt, tenant(1), []() -> int { throw std::runtime_error("bad"); }));
  CHECK(threw.error().log_text == "bad");
}

TEST_CASE("long jobs: a worker serves sockets, actors and short jobs meanwhile") {
  runtime rt(small(1));
  gate held(rt);
  auto a = rt.system().spawn(counter);
  rt.adopt(a);
  CHECK(*on_worker(rt, 0, ask<std::int64_t>(rt, a, add{1}, 5000)) == 1);
  CHECK(*on_worker(rt, 0, run_job(rt, tenant(1), [] { return 3; })) == 3);
  held.open();
}

TEST_CASE("long jobs: tenants take turns by time, not by the order in which they came") {
  runtime rt(small(1));
  gate held(rt);
  std::atomic<int> of_first{0};
  std::promise<int> ahead;
  for (int i = 0; i < 50; ++i)
    REQUIRE(rt.submit_long(tenant(1), [&of_first] {
                burn(milliseconds(2));
                ++of_first;
              }).has_value());
  REQUIRE(rt.submit_long(tenant(2), [&] { ahead.set_value(of_first); }).has_value());
  CHECK(rt.stats().long_depth == 51);
  held.open();
  CHECK(ahead.get_future().get() <= 1);
  CHECK(eventually([&] { return of_first == 50; }));
}

TEST_CASE("long jobs: their time is their tenant's, and says where its next ones begin") {
  runtime rt(small(1));
  CHECK_FALSE(rt.has_long_jobs(tenant(1)));
  for (int i = 0; i < 8; ++i)
    CHECK(on_worker(rt, 0, run_job(rt, tenant(1), [] { burn(milliseconds(3)); })).has_value());
  CHECK(eventually([&] { return rt.has_long_jobs(tenant(1)); }));
  CHECK_FALSE(rt.has_long_jobs(tenant(2)));
  const auto before = rt.spent(tenant(1)).cpu_us;
  CHECK(on_worker(rt, 0, run_long_job(rt, tenant(1), [] { burn(milliseconds(3)); })).has_value());
  CHECK(eventually([&] { return rt.spent(tenant(1)).cpu_us - before >= 3000; }));
  // Short ones bring it back.
  for (int i = 0; i < 40; ++i) CHECK(on_worker(rt, 0, run_long_job(rt, tenant(1), [] {})).has_value());
  CHECK(eventually([&] { return !rt.has_long_jobs(tenant(1)); }));
}

TEST_CASE("long jobs: a tenant's queue is bounded, and a tenant with work is not forgotten") {
  auto options = small(1);
  options.jobs_per_tenant_max = 2;
  runtime rt(options);
  gate held(rt);
  std::atomic<int> ran{0};
  for (int i = 0; i < 2; ++i) REQUIRE(rt.submit_long(tenant(1), [&ran] { ++ran; }).has_value());
  CHECK(rt.submit_long(tenant(1), [&ran] { ++ran; }).error().code == ec::queue_full);
  CHECK_FALSE(rt.forget(tenant(1)));
  held.open();
  CHECK(eventually([&] { return ran == 2; }));
  CHECK(eventually([&] { return rt.forget(tenant(1)); }));
}

TEST_CASE("long jobs: who waits when the node stops gets an answer; a job that throws is counted") {
  runtime rt(small(1));
  REQUIRE(rt.submit_long(tenant(1), [] { throw std::runtime_error("bug"); }).has_value());
  CHECK(eventually([&] { return rt.stats().jobs_thrown == 1; }));
  gate held(rt);
  std::promise<ec> told;
  boost::asio::co_spawn(
      rt.context(0),
      [&]() -> boost::asio::awaitable<void> {
        auto done = co_await run_long_job(rt, tenant(1), [] { return 1; });
        told.set_value(done ? ec::ok : done.error().code);
      },
      boost::asio::detached);
  CHECK(eventually([&] { return rt.stats().long_depth == 1; }));
  std::thread opens([&] {
    std::this_thread::sleep_for(milliseconds(20));
    held.open();
  });
  rt.stop();
  opens.join();
  CHECK(told.get_future().get() == ec::shutting_down);
  CHECK(rt.submit_long(tenant(1), [] {}).error().code == ec::shutting_down);
}
