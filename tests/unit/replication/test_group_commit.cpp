// When a log write begins.
#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <utility>

#include "actors/replication/group_commit.hpp"

namespace waggle::test {
namespace {

struct world {
  group_commit gathering{true, 256};
  std::size_t waiting = 0, in_log = 0;

  bool arrive() {
    ++waiting;
    gathering.arrived(waiting + in_log, 0);
    return gathering.enough(waiting);
  }
  std::size_t begin() {
    gathering.began(waiting + in_log, 0);
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
  w.gathering.arrived(3, 0);
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
  w.gathering.arrived(8, 0);
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
  full.arrived(100, 0);
  CHECK_FALSE(full.enough(3));
  CHECK(full.enough(4));
  group_commit none(false, 256);
  none.arrived(100, 0);
  CHECK(none.enough(1));
}

/// Writers that each wait for their answer, one CPU that serves them in turn, and a disk. Returns writes per millisecond.
double simulate(int writers, std::int64_t sync_us, std::int64_t cpu_us) {
  group_commit gathering(true, 256);
  std::int64_t now = 0, cpu_free = 0, disk_free = -1, window_end = -1;
  std::uint64_t window = 0;
  std::size_t waiting = 0, in_log = 0, done = 0;
  std::deque<std::int64_t> coming;
  const auto send = [&](std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) coming.push_back(cpu_free = std::max(cpu_free, now) + cpu_us);
  };
  send(static_cast<std::size_t>(writers));
  constexpr std::int64_t end_us = 2'000'000;
  while (now < end_us) {
    std::int64_t next = end_us;
    if (!coming.empty()) next = std::min(next, coming.front());
    if (disk_free >= 0) next = std::min(next, disk_free);
    if (window_end >= 0) next = std::min(next, window_end);
    now = next;
    if (!coming.empty() && coming.front() == now) {
      coming.pop_front();
      gathering.arrived(++waiting + in_log, now);
    } else if (disk_free == now) {
      disk_free = -1;
      gathering.stored(now);
      gathering.answered(in_log, now);
      done += in_log;
      send(std::exchange(in_log, 0));
    } else if (window_end == now) {
      window_end = -1;
      gathering.end(window);
    }
    if (disk_free >= 0 || waiting == 0) continue;
    if (!gathering.enough(waiting)) {
      if (const auto opened = gathering.open()) {
        window = *opened;
        window_end = now + 5000;
      }
      continue;
    }
    gathering.began(waiting + in_log, now);
    in_log = std::exchange(waiting, 0);
    disk_free = now + sync_us;
  }
  return 1000.0 * static_cast<double>(done) / end_us;
}

TEST_CASE("group commit: close to the better of one batch of all and two halves, whatever the disk and the CPU cost") {
  for (const int writers : {2, 16, 64})
    for (const std::int64_t sync_us : {100, 500, 1200, 2200, 10000})
      for (const std::int64_t cpu_us : {5, 30, 75, 130, 300}) {
        const double n = writers, s = static_cast<double>(sync_us), c = static_cast<double>(cpu_us);
        const double together = 1000 * n / (s + c * n);
        const double in_halves = 1000 * std::min(n / 2 / s, 1 / c);
        CAPTURE(writers);
        CAPTURE(sync_us);
        CAPTURE(cpu_us);
        CHECK(simulate(writers, sync_us, cpu_us) >= 0.9 * std::max(together, in_halves));
      }
}

}  // namespace
}  // namespace waggle::test
