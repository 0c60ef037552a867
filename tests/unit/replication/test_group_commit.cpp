// When a log write begins.
#include <doctest/doctest.h>

#include <utility>

#include "actors/replication/group_commit.hpp"

namespace waggle::test {
namespace {

struct world {
  group_commit gathering{true, 256};
  std::size_t waiting = 0, in_log = 0;

  bool arrive() {
    ++waiting;
    gathering.arrived(waiting + in_log);
    return gathering.enough(waiting);
  }
  std::size_t begin() {
    gathering.began(waiting + in_log);
    return in_log = std::exchange(waiting, 0);
  }
};

TEST_CASE("group commit: the only writer never waits") {
  world w;
  for (int i = 0; i < 5; ++i) {
    CHECK(w.arrive());
    CHECK(w.begin() == 1);
    w.in_log = 0;
  }
}

TEST_CASE("group commit: writers that come back one by one share every log write") {
  constexpr std::size_t writers = 16;
  world w;
  CHECK(w.arrive());
  w.begin();
  for (std::size_t i = 1; i < writers; ++i) w.arrive();  // behind the first, whose log write is out
  w.in_log = 0;
  CHECK(w.arrive());
  CHECK(w.begin() == writers);
  for (int round = 0; round < 10; ++round) {
    w.in_log = 0;
    for (std::size_t i = 1; i < writers; ++i) {
      CHECK_FALSE(w.arrive());
    }
    CHECK(w.arrive());
    CHECK(w.begin() == writers);
  }
}

TEST_CASE("group commit: a window ends for its own log write only") {
  world w;
  w.gathering.arrived(3);
  CHECK_FALSE(w.arrive());
  const auto first = w.gathering.open();
  REQUIRE(first);
  CHECK_FALSE(w.gathering.open());  // it is open
  CHECK_FALSE(w.arrive());
  CHECK(w.arrive());
  w.begin();
  w.in_log = 0;
  CHECK_FALSE(w.arrive());
  w.gathering.end(*first);  // late, and nobody has opened the next one
  CHECK_FALSE(w.gathering.enough(1));
  const auto second = w.gathering.open();
  REQUIRE(second);
  w.gathering.end(*first);
  CHECK_FALSE(w.gathering.enough(1));
  w.gathering.end(*second);
  CHECK(w.gathering.enough(1));
}

TEST_CASE("group commit: writers that left are waited for once") {
  world w;
  w.gathering.arrived(8);
  w.arrive();
  CHECK_FALSE(w.arrive());
  w.gathering.end(*w.gathering.open());
  CHECK(w.gathering.enough(2));
  CHECK(w.begin() == 2);
  w.in_log = 0;
  CHECK_FALSE(w.arrive());
  CHECK(w.arrive());
}

TEST_CASE("group commit: a full log write does not wait, and without windows none does") {
  group_commit full(true, 4);
  full.arrived(100);
  CHECK_FALSE(full.enough(3));
  CHECK(full.enough(4));
  group_commit none(false, 256);
  none.arrived(100);
  CHECK(none.enough(1));
}

}  // namespace
}  // namespace waggle::test
