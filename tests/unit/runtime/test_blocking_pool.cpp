#include "fixture.hpp"

using namespace waggle;
using namespace runtime_test;
using boost::asio::awaitable;

namespace {

/// Holds threads until it is opened.
struct gate {
  std::promise<void> open;
  std::shared_future<void> opened = open.get_future().share();
};

}  // namespace

TEST_CASE("blocking pool: values, results, void and exceptions come back on the caller's thread") {
  runtime rt(small(1));
  auto r = on_worker(rt, 0, run_blocking(rt, [] { return 41 + 1; }));
  CHECK(*r == 42);
  auto failed = on_worker(rt, 0, run_blocking(rt, []() -> result<int> { return failure(ec::io_error, "disk"); }));
  CHECK(failed.error().code == ec::io_error);
  bool ran = false;
  CHECK(on_worker(rt, 0, run_blocking(rt, [&ran] { ran = true; })).has_value());
  CHECK(ran);
  auto threw = on_worker(rt, 0, run_blocking(rt, []() -> int { throw std::runtime_error("oops"); }));
  CHECK(threw.error().code == ec::internal_error);
  CHECK(threw.error().log_text == "oops");
  auto threads = on_worker(rt, 0, [&]() -> awaitable<bool> {
    const auto mine = std::this_thread::get_id();
    auto other = co_await run_blocking(rt, [] { return std::this_thread::get_id(); });
    co_return other && *other != mine && mine == std::this_thread::get_id();
  }());
  CHECK(threads);
}

TEST_CASE("blocking pool: a full queue refuses; the worker stays free meanwhile") {
  auto options = small(1);
  options.blocking_threads = 1;
  options.blocking_queue_max = 3;
  runtime rt(options);
  gate g;
  REQUIRE(rt.submit_blocking([g = g.opened] { g.wait(); }).has_value());
  REQUIRE(eventually([&] { return rt.stats().blocking_running == 1; }));
  std::atomic<int> ran{0};
  for (int i = 0; i < 3; ++i) REQUIRE(rt.submit_blocking([&ran] { ++ran; }).has_value());
  CHECK(rt.stats().blocking_depth == 3);
  CHECK(rt.submit_blocking([&ran] { ++ran; }).error().code == ec::queue_full);
  CHECK(on_worker(rt, 0, run_blocking(rt, [&ran] { ++ran; })).error().code == ec::queue_full);
  CHECK(*on_worker(rt, 0, run_job(rt, tenant(1), [] { return 5; })) == 5);
  g.open.set_value();
  CHECK(eventually([&] { return ran == 3; }));
}

TEST_CASE("blocking pool: an exception of a bare function is counted, the thread lives") {
  runtime rt(small(1));
  for (int i = 0; i < 5; ++i) REQUIRE(rt.submit_blocking([] { throw 1; }).has_value());
  CHECK(eventually([&] { return rt.stats().jobs_thrown == 5; }));
  CHECK(*on_worker(rt, 0, run_blocking(rt, [] { return 1; })) == 1);
}
