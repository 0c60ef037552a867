#include <doctest/doctest.h>

#include <initializer_list>

#include "net/hub/circuit_breaker.hpp"

using namespace waggle;

namespace {
const breaker_bounds bounds{5, 1'000, 8'000};

/// A breaker that opened at `at_ms`.
circuit_breaker opened(std::int64_t at_ms) {
  circuit_breaker breaker(bounds);
  for (int i = 0; i < bounds.failures; ++i) {
    REQUIRE(breaker.admits(at_ms));
    breaker.failed(at_ms);
  }
  REQUIRE(breaker.open());
  return breaker;
}
}  // namespace

TEST_CASE("breaker: opens after so many failures in a row") {
  circuit_breaker breaker(bounds);
  CHECK_FALSE(breaker.open());
  CHECK(breaker.retry_ms(0) == 0);
  for (int i = 0; i < 4; ++i) {
    CHECK(breaker.admits(i));
    breaker.failed(i);
    CHECK_FALSE(breaker.open());
  }
  breaker.failed(100);
  CHECK(breaker.open());
  CHECK_FALSE(breaker.admits(100));
  CHECK(breaker.retry_ms(100) == 1'000);
  CHECK(breaker.retry_ms(600) == 500);
}

TEST_CASE("breaker: failures in a row are counted over any time, and a success ends the row") {
  circuit_breaker slow(bounds);
  for (int i = 0; i < 5; ++i) slow.failed(i * 1'000'000);
  CHECK(slow.open());

  circuit_breaker mixed(bounds);
  for (int round = 0; round < 3; ++round) {  // 12 of 15: too few calls to judge by their share
    for (int i = 0; i < 4; ++i) mixed.failed(round);
    mixed.succeeded(round);
  }
  CHECK_FALSE(mixed.open());
  for (int i = 0; i < 4; ++i) mixed.failed(3);
  CHECK_FALSE(mixed.open());
}

TEST_CASE("breaker: opens when half of at least twenty calls fail") {
  circuit_breaker half(bounds);
  for (int i = 0; i < 19; ++i) {
    i % 2 == 0 ? half.succeeded(i) : half.failed(i);
    CHECK_FALSE(half.open());
  }
  half.failed(19);  // 10 of 20
  CHECK(half.open());

  circuit_breaker less(bounds);
  for (int i = 0; i < 100; ++i) i % 20 < 11 || i % 2 == 0 ? less.succeeded(i) : less.failed(i);
  CHECK_FALSE(less.open());
}

TEST_CASE("breaker: calls of ten seconds ago are no longer counted") {
  circuit_breaker breaker(bounds);
  const auto half = [&](std::int64_t at_ms, int calls) {
    for (int i = 0; i < calls; ++i) i % 2 == 0 ? breaker.succeeded(at_ms) : breaker.failed(at_ms);
  };
  half(0, 18);
  half(10'000, 18);
  CHECK_FALSE(breaker.open());
  half(10'001, 2);
  CHECK(breaker.open());
}

TEST_CASE("breaker: lets one probe through when its time is over") {
  auto breaker = opened(100);
  CHECK_FALSE(breaker.admits(1'099));
  CHECK(breaker.admits(1'100));
  for (const std::int64_t at_ms : {1'100, 1'101, 50'000}) CHECK_FALSE(breaker.admits(at_ms));
  CHECK(breaker.open());
  CHECK(breaker.retry_ms(1'100) > 0);
}

TEST_CASE("breaker: a probe that succeeds closes it, and the past is forgotten") {
  auto breaker = opened(0);
  REQUIRE(breaker.admits(1'000));
  breaker.succeeded(1'001);
  CHECK_FALSE(breaker.open());
  CHECK(breaker.retry_ms(1'001) == 0);
  for (int i = 0; i < 4; ++i) {
    CHECK(breaker.admits(1'002));
    breaker.failed(1'002);
  }
  CHECK_FALSE(breaker.open());
  breaker.failed(1'003);
  CHECK(breaker.open());
}

TEST_CASE("breaker: stays open twice as long after each probe that fails, up to a bound") {
  auto breaker = opened(0);
  std::int64_t now_ms = 1'000;
  for (const std::int64_t open_ms : {2'000, 4'000, 8'000, 8'000, 8'000}) {
    REQUIRE(breaker.admits(now_ms));
    breaker.failed(now_ms);
    CHECK(breaker.open());
    CHECK(breaker.retry_ms(now_ms) == open_ms);
    CHECK_FALSE(breaker.admits(now_ms + open_ms - 1));
    now_ms += open_ms;
  }
  REQUIRE(breaker.admits(now_ms));
  breaker.succeeded(now_ms);
  for (int i = 0; i < 5; ++i) breaker.failed(now_ms);
  CHECK(breaker.retry_ms(now_ms) == 1'000);  // the doubling begins anew
}

TEST_CASE("breaker: calls that were out when it opened don't prolong it") {
  auto breaker = opened(0);
  for (int i = 0; i < 20; ++i) breaker.failed(500);
  CHECK(breaker.retry_ms(500) == 500);
  CHECK(breaker.admits(1'000));
}

TEST_CASE("breaker: its state, as metrics show it") {
  circuit_breaker breaker(bounds);
  CHECK(breaker.state(0) == breaker_state::closed);
  breaker = opened(0);
  CHECK(breaker.state(999) == breaker_state::open);
  CHECK(breaker.state(1'000) == breaker_state::half_open);
  REQUIRE(breaker.admits(1'000));
  CHECK(breaker.state(1'500) == breaker_state::half_open);
  breaker.failed(1'500);
  CHECK(breaker.state(1'500) == breaker_state::open);
  REQUIRE(breaker.admits(3'500));
  breaker.succeeded(3'600);
  CHECK(breaker.state(3'600) == breaker_state::closed);
}
