#include <algorithm>
#include <functional>
#include <set>

#include "fixture.hpp"

using namespace waggle;
using namespace runtime_test;
using boost::asio::awaitable;

TEST_CASE("submit: one tenant's jobs start in the order they were submitted") {
  runtime rt(small(1));
  std::vector<int> order;
  std::promise<void> done;
  for (int i = 0; i < 2000; ++i) REQUIRE(rt.submit(tenant(1), [&order, i] { order.push_back(i); }).has_value());
  REQUIRE(rt.submit(tenant(1), [&] { done.set_value(); }).has_value());
  REQUIRE(done.get_future().wait_for(patience) == std::future_status::ready);
  REQUIRE(order.size() == 2000);
  CHECK(std::is_sorted(order.begin(), order.end()));
}

TEST_CASE("submit: a tenant's queue is bounded, another tenant's isn't touched") {
  auto options = small(1);
  options.jobs_per_tenant_max = 10;
  runtime rt(options);
  std::promise<void> open;
  boost::asio::post(rt.context(0), [f = open.get_future().share()] { f.wait(); });
  std::atomic<int> ran{0};
  for (int i = 0; i < 10; ++i) REQUIRE(rt.submit(tenant(1), [&ran] { ++ran; }).has_value());
  CHECK(rt.submit(tenant(1), [&ran] { ++ran; }).error().code == ec::queue_full);
  CHECK(rt.submit(tenant(2), [&ran] { ++ran; }).has_value());
  CHECK(rt.stats().active_tenants == 2);
  CHECK(rt.stats().queue_depth == 11);
  open.set_value();
  CHECK(eventually([&] { return ran == 11; }));
}

TEST_CASE("submit: a job that throws is counted and harms nobody") {
  runtime rt(small(1));
  REQUIRE(rt.submit(tenant(1), [] { throw std::runtime_error("bug"); }).has_value());
  CHECK(eventually([&] { return rt.stats().jobs_thrown == 1; }));
  CHECK(*on_worker(rt, 0, run_job(rt, tenant(1), [] { return 3; })) == 3);
}

TEST_CASE("a socket's handler that throws doesn't take its worker with it") {
  runtime rt(small(1));
  boost::asio::post(rt.context(0), [] { throw std::runtime_error("bug"); });
  CHECK(eventually([&] { return rt.stats().jobs_thrown == 1; }));
  CHECK(*on_worker(rt, 0, run_job(rt, tenant(1), [] { return 3; })) == 3);
}

TEST_CASE("run_job: value, failure, exception") {
  runtime rt(small(2));
  CHECK(*on_worker(rt, 0, run_job(rt, tenant(1), [] { return std::string("found"); })) == "found");
  auto failed = on_worker(rt, 1, run_job(rt, tenant(1), []() -> result<int> { return failure(ec::not_found); }));
  CHECK(failed.error().code == ec::not_found);
  auto threw = on_worker(rt, 1, run_job(rt, tenant(1), []() -> int { throw std::runtime_error("bad"); }));
  CHECK(threw.error().log_text == "bad");
  CHECK(rt.totals().size() == 1);
}

TEST_CASE("run_jobs: the coroutine goes on on its own worker whoever ran the jobs") {
  runtime rt(small(3));
  std::atomic<int> done{0}, strayed{0}, elsewhere{0};
  for (int s = 0; s < 12; ++s)
    boost::asio::co_spawn(
        rt.next_context(),
        [&rt, &done, &strayed, &elsewhere, s]() -> awaitable<void> {
          auto work = [] {
            burn(std::chrono::microseconds(300));
            return std::this_thread::get_id();
          };
          for (int i = 0; i < 20; ++i) {
            const auto mine = std::this_thread::get_id();
            auto ran_on = co_await run_jobs(rt, tenant(static_cast<std::uint8_t>(s % 4)), std::vector(3, work));
            if (std::this_thread::get_id() != mine) ++strayed;
            for (auto& id : ran_on)
              if (!id)
                ++strayed;
              else if (*id != mine)
                ++elsewhere;
          }
          ++done;
        },
        boost::asio::detached);
  REQUIRE(eventually([&] { return done == 12; }));
  CHECK(strayed == 0);
  CHECK(elsewhere > 0);
}

TEST_CASE("run_jobs: idle workers help, order is kept, what doesn't fit fails alone") {
  auto options = small(2);
  options.jobs_per_tenant_max = 6;
  runtime rt(options);
  std::vector<std::function<int()>> fns;
  std::mutex lock;
  std::set<std::thread::id> threads;
  for (int i = 0; i < 6; ++i)
    fns.push_back([&, i] {
      burn(std::chrono::milliseconds(5));
      std::lock_guard guard(lock);
      threads.insert(std::this_thread::get_id());
      return i;
    });
  auto all = on_worker(rt, 0, run_jobs(rt, tenant(1), fns));
  REQUIRE(all.size() == 6);
  for (int i = 0; i < 6; ++i) CHECK(*all[static_cast<std::size_t>(i)] == i);
  CHECK(threads.size() == 2);

  std::vector<std::function<int()>> many(50, [] {
    burn(std::chrono::microseconds(500));
    return 1;
  });
  auto some = on_worker(rt, 0, run_jobs(rt, tenant(1), many));
  std::size_t fitted = 0, refused = 0;
  for (auto& r : some) r ? ++fitted : (r.error().code == ec::queue_full ? ++refused : 0);
  CHECK(fitted >= 6);
  CHECK(refused > 0);
  CHECK(fitted + refused == 50);
  CHECK(on_worker(rt, 0, run_jobs(rt, tenant(1), std::vector<std::function<int()>>{})).empty());
}
