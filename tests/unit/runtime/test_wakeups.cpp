#include <array>
#include <atomic>

#include "fixture.hpp"

using namespace waggle;
using namespace runtime_test;
using boost::asio::awaitable;

namespace {

/// Sends `left` back and forth; `ended` falls to 0 when every pair is through.
caf::behavior ping(caf::event_based_actor* self, caf::actor peer, std::int64_t rounds, std::atomic<int>* ended) {
  self->send(peer, add{rounds});
  return {[=](const add& m) {
    if (m.amount > 0) {
      self->send(peer, add{m.amount - 1});
    } else {
      --*ended;
      self->send_exit(peer, caf::exit_reason::user_shutdown);
      self->quit();
    }
  }};
}

caf::behavior pong(caf::event_based_actor* self) {
  return {[=](const add& m) {
    auto back = caf::actor_cast<caf::actor>(self->current_sender());
    // Now and then by way of the clock, so that wake-ups come from a timer, too.
    if (m.amount % 97 == 0)
      self->delayed_send(back, std::chrono::microseconds(200), add{m.amount});
    else
      self->send(back, add{m.amount});
  }};
}

}  // namespace

TEST_CASE("order: messages of one sender arrive in the order they were sent, whatever runs around them") {
  runtime rt(small(3));
#ifdef WAGGLE_SANITIZED
  constexpr int senders = 4, each = 1000;  // ThreadSanitizer makes each message many times as dear
#else
  constexpr int senders = 4, each = 20000;
#endif
  std::atomic<int> out_of_order{0}, received{0};
  auto sink = rt.system().spawn([&]() -> caf::behavior {
    auto last = std::make_shared<std::array<std::int64_t, senders>>();
    last->fill(-1);
    return {[&, last](const add& m) {
      auto& l = (*last)[static_cast<std::size_t>(m.amount % senders)];
      if (m.amount / senders != l + 1) ++out_of_order;
      l = m.amount / senders;
      ++received;
    }};
  });
  rt.adopt(sink);
  std::vector<std::thread> threads;
  for (int s = 0; s < 2; ++s)
    threads.emplace_back([&, s] {
      for (int i = 0; i < each; ++i) caf::anon_send(sink, add{std::int64_t{i} * senders + s});
    });
  for (int s = 2; s < senders; ++s)  // and from workers, where the first send of a batch is handled inline
    boost::asio::co_spawn(
        rt.context(static_cast<std::size_t>(s - 1)),
        [&sink, s]() -> awaitable<void> {
          boost::asio::steady_timer breath(co_await boost::asio::this_coro::executor);
          for (int i = 0; i < each; ++i) {
            caf::anon_send(sink, add{std::int64_t{i} * senders + s});
            if (i % 500 == 0) {
              breath.expires_after(std::chrono::microseconds(50));
              co_await breath.async_wait(boost::asio::use_awaitable);
            }
          }
        },
        boost::asio::detached);
  for (auto& t : threads) t.join();
  REQUIRE(eventually([&] { return received == senders * each; }));
  CHECK(out_of_order == 0);
}

TEST_CASE("wake-ups: none is lost under ping-pong, timers, outside senders and jobs") {
  runtime rt(small(3));
  constexpr int pairs = 40;
  std::atomic<int> left{pairs};
  for (int i = 0; i < pairs; ++i) {
    auto b = rt.system().spawn(pong);
    rt.system().spawn(ping, b, 2000, &left);
  }
  auto c = rt.system().spawn(counter);
  rt.adopt(c);
  std::atomic<int> jobs{0};
  std::vector<std::thread> outside;
  for (int t = 0; t < 3; ++t)
    outside.emplace_back([&, t] {
      for (int i = 0; i < 3000; ++i) {
        caf::anon_send(c, add{1});
        while (!rt.submit(tenant(static_cast<std::uint8_t>(t)), [&jobs] { ++jobs; })) std::this_thread::yield();
        if (i % 50 == 0) std::this_thread::sleep_for(std::chrono::microseconds(300));  // workers fall asleep between
      }
    });
  for (auto& t : outside) t.join();
  CHECK(eventually([&] { return left == 0; }));
  CHECK(eventually([&] { return jobs == 9000; }));
  CHECK(*on_worker(rt, 0, ask<std::int64_t>(rt, c, read_total{}, 30000)) == 9000);
  CHECK(eventually([&] { return rt.stats().queue_depth == 0 && rt.stats().engaged_workers == 0; }));
}

TEST_CASE("wake-ups: a single message to a sleeping runtime, many times") {
  runtime rt(small(2));
  auto c = rt.system().spawn(counter);
  rt.adopt(c);
  std::atomic<int> seen{0};
  for (int i = 1; i <= 2000; ++i) {
    REQUIRE(rt.submit(tenant(1), [&seen] { ++seen; }).has_value());
    const auto end = std::chrono::steady_clock::now() + patience;
    while (seen != i) REQUIRE(std::chrono::steady_clock::now() < end);  // spins: the next one races the worker's going to sleep
  }
}

TEST_CASE("wake-ups: an item doesn't wait behind a long one while a worker is idle") {
  runtime rt(small(2));
  std::atomic<bool> release{false}, ran{false};
  REQUIRE(rt.submit(tenant(1), [&] {
              const auto end = std::chrono::steady_clock::now() + patience;
              while (!release && std::chrono::steady_clock::now() < end) std::this_thread::yield();
            }).has_value());
  REQUIRE(eventually([&] { return rt.stats().queue_depth == 0; }));
  REQUIRE(rt.submit(tenant(1), [&] { ran = true; }).has_value());
  CHECK(eventually([&] { return ran.load(); }));
  CHECK_FALSE(release);
  release = true;
}
