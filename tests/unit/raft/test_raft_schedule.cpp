// One voter under any schedule of proposals, completions, failures, crashes and restarts.
#include <doctest/doctest.h>

#include <map>
#include <random>

#include "cluster/raft/raft_core.hpp"
#include "memory_storage.hpp"

using namespace waggle;
using test::memory_storage;

namespace {

/// What outlives every core, and the rules it must keep.
struct history {
  explicit history(std::uint64_t seed) : seed(seed), random(seed) {}
  std::uint64_t seed;
  std::mt19937_64 random;
  memory_storage disk;
  std::map<std::uint64_t, std::string> truth;  ///< applied: a later life may extend it, never contradict it
  std::uint64_t held = 0;                      ///< by the state machine
  int serial = 0;
};

struct life {
  explicit life(history& h) : h(h), core({.log_memory_bytes_max = 2000, .seed = h.seed}, h.disk, transport, time) {
    core.set_applied(h.held);
    core.set_apply([this](std::uint64_t index, std::string_view data) { apply(index, data); });
    core.set_lost([this](std::uint64_t first, std::uint64_t last, const failure&) {
      for (auto i = first; i <= last; ++i) REQUIRE(open.erase(i) == 1);
    });
    if (auto started = core.start(); started.has_error()) FAIL(started.error().log_text);
    if (!h.truth.empty()) REQUIRE(core.last_applied() >= h.truth.rbegin()->first);  // nothing applied was lost
  }
  void apply(std::uint64_t index, std::string_view data) {
    REQUIRE(index > previous);
    previous = index;
    REQUIRE(h.truth.emplace(index, data).first->second == data);
    if (auto mine = open.find(index); mine != open.end()) {
      REQUIRE(mine->second == data);
      open.erase(mine);
    }
  }
  void propose() {
    std::vector<std::string> entries;
    for (auto k = h.random() % 4 + 1; k > 0; --k) {
      entries.push_back(std::to_string(++h.serial) + std::string(h.random() % 100, 'p'));
    }
    const auto first = core.propose(entries);
    if (first.has_error()) {
      REQUIRE(first.error().code == ec::queue_full);
      return;
    }
    for (std::size_t i = 0; i < entries.size(); ++i) open.emplace(*first + i, entries[i]);
  }
  void step() {
    const auto dice = h.random() % 8;
    if (dice < 3) {
      propose();
    } else if (dice < 6) {
      if (h.disk.waiting()) h.disk.complete();
    } else if (dice == 6) {
      h.held = std::max(h.held, previous - std::min(previous, h.random() % 5));
      core.set_applied(h.held);
    } else {
      time.now_ms += 100;
      core.tick();
      if (h.random() % 20 == 0 && h.disk.waiting()) h.disk.fail(h.random() % 2, failure(ec::io_error));
    }
  }
  void end() {
    if (h.random() % 2) {
      h.disk.crash(h.random() % 4);
      core.set_lost([](std::uint64_t, std::uint64_t, const failure&) {});  // nobody is left to be told
    } else {
      core.stop();
      REQUIRE(open.empty());  // exactly one outcome each
    }
  }
  history& h;
  test::manual_clock time;
  no_transport transport;
  std::map<std::uint64_t, std::string> open;  ///< proposed in this life, without an outcome
  std::uint64_t previous = 0;
  raft_core core;
};

}  // namespace

TEST_CASE("raft: any schedule of completions, failures, crashes and restarts keeps the promises") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    history h(seed);
    for (int i = 0; i < 6; ++i) {
      life now(h);
      for (int step = 0; step < 120 && now.core.running(); ++step) now.step();
      now.end();
    }
    REQUIRE(h.truth.size() > 20);
  }
}
