// Brute force: the window, the block, and what is kept.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <atomic>
#include <map>
#include <thread>

#include "net/auth/auth_failures.hpp"

using namespace waggle;

namespace {
constexpr std::int64_t s = 1'000'000;
std::string key(std::string_view address) { return failure_key(ip_address::parse(address).value()); }
}  // namespace

TEST_CASE("failures: five in a minute are a block of five minutes") {
  auth_failures failures({});
  const auto a = key("192.0.2.1"), other = key("192.0.2.2");
  for (int i = 0; i < 4; ++i) CHECK_FALSE(failures.failed(a, i * s));
  CHECK_FALSE(failures.blocked(a, 4 * s));
  CHECK(failures.failed(a, 4 * s));
  CHECK(failures.blocked(a, 4 * s));
  CHECK(failures.retry_after_seconds(a, 4 * s) == 300);
  CHECK(failures.retry_after_seconds(a, 4 * s + 1) == 300);  // rounded up
  CHECK(failures.retry_after_seconds(a, 304 * s - 1) == 1);
  CHECK_FALSE(failures.blocked(a, 304 * s));
  CHECK_FALSE(failures.blocked(other, 4 * s));
  CHECK(failures.blocks_total() == 1);
  // Afterwards it begins anew.
  for (int i = 0; i < 4; ++i) CHECK_FALSE(failures.failed(a, 305 * s));
  CHECK(failures.failed(a, 305 * s));
}

TEST_CASE("failures: the window slides") {
  auth_failures failures({});
  const auto a = key("192.0.2.1");
  for (const int at : {0, 50, 55, 58}) CHECK_FALSE(failures.failed(a, at * s));
  CHECK_FALSE(failures.failed(a, 60 * s));  // the first has just left it
  CHECK(failures.failed(a, 61 * s));        // 50, 55, 58, 60, 61
}

TEST_CASE("failures: a block does not grow, and a success does not end it") {
  auth_failures failures({});
  const auto a = key("192.0.2.1");
  for (int i = 0; i < 5; ++i) failures.failed(a, 0);
  CHECK_FALSE(failures.failed(a, 200 * s));
  failures.succeeded(a, 200 * s);
  CHECK(failures.blocked(a, 299 * s));
  CHECK_FALSE(failures.blocked(a, 300 * s));
  // Without a block it clears the counter.
  for (int i = 0; i < 4; ++i) failures.failed(a, 300 * s);
  failures.succeeded(a, 300 * s);
  CHECK(failures.entries() == 0);
  for (int i = 0; i < 4; ++i) CHECK_FALSE(failures.failed(a, 300 * s));
}

TEST_CASE("failures: an IPv6 client is its /64") {
  auth_failures failures({});
  for (int i = 0; i < 5; ++i) failures.failed(key("2001:db8:1:2::" + std::to_string(i + 1)), 0);
  CHECK(failures.blocked(key("2001:db8:1:2:ffff::1"), 0));
  CHECK_FALSE(failures.blocked(key("2001:db8:1:3::1"), 0));
  CHECK(key("192.0.2.1") == key("::ffff:192.0.2.1"));
  CHECK(key("192.0.2.1") != key("192.0.2.2"));
}

TEST_CASE("failures: bounded, the one that failed longest ago goes first") {
  auth_failures failures({2, 60, 300, 3});
  for (const auto* name : {"a", "b", "c"}) failures.failed(name, 0);
  CHECK(failures.failed("a", 1 * s));  // blocked, and younger than b now
  failures.failed("d", 2 * s);         // b goes
  CHECK(failures.entries() == 3);
  CHECK(failures.blocked("a", 3 * s));
  CHECK_FALSE(failures.failed("b", 3 * s));  // its first again; c goes
  CHECK_FALSE(failures.failed("c", 3 * s));  // and a, the block with it
  CHECK_FALSE(failures.blocked("a", 3 * s));
  CHECK(failures.failed("d", 4 * s));
  CHECK(failures.entries() == 3);
  // What is over is forgotten with the next failure.
  failures.failed("e", 1000 * s);
  CHECK(failures.entries() == 1);
}

TEST_CASE("failures: as a list of all failures says") {
  const bool holds = rc::check([] {
    const auth_failure_limits limits{*rc::gen::inRange(1, 5), 10, 20};
    auth_failures failures(limits);
    struct history {
      std::vector<std::int64_t> at;
      std::int64_t blocked_until = 0;
    };
    std::map<std::string, history> model;
    std::int64_t now = 0;
    for (int step = 0; step < 60; ++step) {
      now += *rc::gen::inRange<std::int64_t>(0, 4) * s;
      const std::string name(1, static_cast<char>('a' + *rc::gen::inRange(0, 3)));
      auto& h = model[name];
      const bool blocked = now < h.blocked_until;
      RC_ASSERT(failures.blocked(name, now) == blocked);
      if (*rc::gen::inRange(0, 6) == 0) {
        failures.succeeded(name, now);
        if (!blocked) h.at.clear();
      } else {
        bool begins = false;
        if (!blocked) {
          h.at.push_back(now);
          begins = std::count_if(h.at.begin(), h.at.end(), [&](auto t) { return t > now - 10 * s; }) >= limits.failures;
          if (begins) h = {{}, now + 20 * s};
        }
        RC_ASSERT(failures.failed(name, now) == begins);
      }
    }
  });
  CHECK(holds);
}

TEST_CASE("failures: of many threads each block begins once") {
  auth_failures failures({5, 60, 300, 50});
  std::atomic<int> begun{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 5000; ++i) {
        const auto name = std::to_string((i * 7 + t) % 40);
        begun += failures.failed(name, i);
        failures.blocked(name, i);
        failures.failed("other", i);
        failures.succeeded("other", i);
      }
    });
  for (auto& t : threads) t.join();
  for (int name = 0; name < 40; ++name) CHECK(failures.blocked(std::to_string(name), 5000));
  CHECK(begun == 40);
  CHECK(failures.entries() <= 41);
}
