// Lockouts, with a clock of the test's own.
#include <doctest/doctest.h>

#include "net/identity/login_guard.hpp"

using namespace waggle;

namespace {
constexpr std::int64_t second = 1'000'000;

struct world {
  auth_failure_limits address_limits{5, 60, 300};
  auth_failures addresses{address_limits};
  login_guard guard{addresses, address_limits};
  std::int64_t now = 1000 * second;
  int next_address = 0;

  /// From an address of its own, unless one is given.
  int fail(const std::string& user, std::string address = {}) { return attempt(user, false, std::move(address)); }
  int attempt(const std::string& user, bool right, std::string address = {}) {
    if (address.empty()) address = "10.0.0." + std::to_string(++next_address);
    const int wait = guard.begin(user, address, now);
    if (wait == 0) guard.end(user, address, right, now);
    return wait;
  }
};
}  // namespace

TEST_CASE("log-ins: five failures of one user in five minutes lock the name for fifteen, for the right password too") {
  world w;
  for (int i = 0; i < 5; ++i, w.now += 60 * second) CHECK(w.fail("ann") == 0);
  CHECK(w.attempt("ann", true) == 840);  // the last failure was a minute ago
  CHECK(w.attempt("bob", true) == 0);
  w.now += 839 * second;
  CHECK(w.attempt("ann", true) == 1);
  w.now += second;
  CHECK(w.attempt("ann", true) == 0);
  CHECK(w.guard.lockouts_total() == 1);
}

TEST_CASE("log-ins: failures further apart than the window lock nobody") {
  world w;
  for (int i = 0; i < 50; ++i, w.now += 76 * second) CHECK(w.fail("ann") == 0);
}

TEST_CASE("log-ins: a right password in time forgets the failures before it") {
  world w;
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 4; ++i) CHECK(w.fail("ann") == 0);
    CHECK(w.attempt("ann", true) == 0);
  }
}

TEST_CASE("log-ins: one address that tries many names is blocked") {
  world w;
  for (int i = 0; i < 5; ++i) CHECK(w.fail("user" + std::to_string(i), "10.1.1.1") == 0);
  CHECK(w.attempt("ann", true, "10.1.1.1") == 300);
  CHECK(w.attempt("ann", true, "10.1.1.2") == 0);
}

TEST_CASE("log-ins: many at once are no way around the limit") {
  world w;
  int let_in = 0;
  for (int i = 0; i < 100; ++i) let_in += w.guard.begin("ann", "10.0.0." + std::to_string(i), w.now) == 0;
  CHECK(let_in == 5);
  for (int i = 0; i < 5; ++i) w.guard.end("ann", "10.0.0." + std::to_string(i), false, w.now);
  CHECK(w.attempt("ann", true) == 900);
  // Those that could not be tried leave their places and count for nothing.
  for (int i = 0; i < 5; ++i) CHECK(w.guard.begin("bob", "10.2.0.1", w.now) == 0);
  CHECK(w.guard.begin("bob", "10.2.0.2", w.now) == 1);
  CHECK(w.guard.begin("eve", "10.2.0.1", w.now) == 1);
  for (int i = 0; i < 5; ++i) w.guard.end("bob", "10.2.0.1", std::nullopt, w.now);
  CHECK(w.attempt("bob", true, "10.2.0.1") == 0);
}
