#include <doctest/doctest.h>

#include <optional>

#include "cluster/raft/log_window.hpp"
#include "cluster/raft/raft_core.hpp"
#include "memory_storage.hpp"

using namespace waggle;
using test::manual_clock;
using test::memory_storage;

namespace {

/// A core and what its owner sees.
struct node {
  explicit node(memory_storage& s, raft_options opts = {}) : storage(s) {
    core = std::make_unique<raft_core>(opts, storage, transport, time);
    core->set_apply([this](std::uint64_t index, std::string_view data) { applied.emplace_back(index, data); });
    core->set_lost([this](std::uint64_t first, std::uint64_t last, const failure& why) {
      for (auto i = first; i <= last; ++i) lost.emplace_back(i, why.code);
    });
  }
  std::uint64_t propose(std::vector<std::string> entries) {
    auto first = core->propose(std::move(entries));
    if (first.has_error()) FAIL(first.error().message);
    return *first;
  }
  std::vector<std::string> applied_data() const {
    std::vector<std::string> out;
    for (const auto& [index, data] : applied) out.push_back(data);
    return out;
  }
  memory_storage& storage;
  manual_clock time;
  no_transport transport;
  std::vector<std::pair<std::uint64_t, std::string>> applied;
  std::vector<std::pair<std::uint64_t, ec>> lost;
  std::unique_ptr<raft_core> core;
};

using strings = std::vector<std::string>;

}  // namespace

TEST_CASE("raft: a single voter leads at once and applies what is durable, in order") {
  memory_storage disk;
  node n(disk);
  REQUIRE(n.core->start().has_value());
  CHECK(n.core->is_leader());
  CHECK(n.core->running());
  CHECK(n.core->leader_id() == 1);
  const auto first = n.propose({"a", "", "c"});
  CHECK(n.core->writing());
  const auto second = n.propose({"d"});
  CHECK(second == first + 3);
  CHECK(n.applied.empty());  // nothing is committed before it is durable
  CHECK(n.core->commit_index() < first);
  disk.complete();
  CHECK(n.applied_data() == strings{"a", "", "c"});
  CHECK(n.applied[0].first == first);
  CHECK(n.applied[2].first == first + 2);
  disk.complete();
  CHECK(n.applied.back() == std::pair<std::uint64_t, std::string>(second, "d"));
  CHECK(n.core->last_applied() == second);
  CHECK(n.core->commit_index() == second);
  CHECK_FALSE(n.core->writing());
  CHECK(n.lost.empty());
}

TEST_CASE("raft: a restart delivers the same log again, in a new term") {
  memory_storage disk;
  std::uint64_t term = 0;
  std::vector<std::pair<std::uint64_t, std::string>> before;
  {
    node n(disk);
    REQUIRE(n.core->start().has_value());
    term = n.core->term();
    for (int i = 0; i < 10; ++i) n.propose({std::to_string(i), std::to_string(-i)});
    disk.complete_all();
    before = n.applied;
    REQUIRE(before.size() == 20);
  }
  node n(disk);
  REQUIRE(n.core->start().has_value());
  CHECK(n.applied == before);
  CHECK(n.core->term() > term);
  CHECK(n.core->is_leader());
  const auto next = n.propose({"more"});
  CHECK(next == before.back().first + 1);
  disk.complete_all();
  CHECK(n.applied.back().second == "more");
  CHECK(disk.disk.entries.back().term == n.core->term());
}

TEST_CASE("raft: what may not be proposed") {
  memory_storage disk;
  node n(disk);
  CHECK(n.core->propose({"x"}).error().code == ec::shutting_down);  // not started
  REQUIRE(n.core->start().has_value());
  CHECK(n.core->propose({}).error().code == ec::validation_error);
  CHECK(n.core->propose(strings(limits::proposal_batch_entries_max + 1, "x")).error().code == ec::validation_error);
  CHECK(n.core->propose(strings(limits::proposal_batch_entries_max, "x")).has_value());
  CHECK(n.core->start().has_error());  // once
  CHECK(n.core->running());
  std::optional<result<std::uint64_t>> inside;
  n.core->set_apply([&](std::uint64_t, std::string_view) { inside = n.core->propose({"nested"}); });
  disk.complete_all();
  REQUIRE(inside.has_value());
  CHECK(inside->has_error());
  n.core->stop();
  CHECK(n.core->propose({"x"}).error().code == ec::shutting_down);
}

TEST_CASE("raft: invalid options don't start") {
  memory_storage disk;
  for (const auto& opts :
       {raft_options{.self_id = 0}, raft_options{.address = ""},
        raft_options{.election_timeout_ms = 100, .heartbeat_ms = 100}, raft_options{.log_memory_bytes_max = 0}}) {
    node n(disk, opts);
    CHECK(n.core->start().has_error());
    CHECK_FALSE(n.core->running());
    n.core->tick();
  }
}

TEST_CASE("raft: a failed append loses every open proposal once; a new core goes on from the disk") {
  for (const bool reached : {false, true}) {
    CAPTURE(reached);
    memory_storage disk;
    std::uint64_t first = 0;
    {
      node n(disk);
      REQUIRE(n.core->start().has_value());
      n.propose({"safe"});
      disk.complete_all();
      first = n.propose({"a", "b"});
      n.propose({"c"});
      n.propose({"d", "e"});
      disk.fail(reached, failure(ec::storage_full));
      CHECK(n.core->failed());
      CHECK(n.core->why_failed().code == ec::storage_full);
      CHECK_FALSE(n.core->running());
      CHECK_FALSE(n.core->is_leader());
      REQUIRE(n.lost.size() == 5);
      for (std::size_t i = 0; i < 5; ++i) {
        CHECK(n.lost[i] == std::pair(first + i, ec::storage_full));
      }
      CHECK(n.core->propose({"x"}).error().code == ec::storage_full);
      n.core->tick();
      n.core->stop();
      CHECK(n.lost.size() == 5);
      CHECK(n.applied_data() == strings{"safe"});
    }
    node n(disk);
    REQUIRE(n.core->start().has_value());
    CHECK(n.applied_data() == (reached ? strings{"safe", "a", "b"} : strings{"safe"}));
    n.propose({"after"});
    disk.complete_all();
    CHECK(n.applied_data().back() == "after");
    CHECK_FALSE(n.core->failed());
  }
}

TEST_CASE("raft: stop loses what is open; completions that come late are nobody's") {
  memory_storage disk;
  node n(disk);
  REQUIRE(n.core->start().has_value());
  const auto first = n.propose({"a", "b"});
  n.propose({"c"});
  n.core->stop();
  REQUIRE(n.lost.size() == 3);
  CHECK(n.lost[0] == std::pair(first, ec::shutting_down));
  n.core->on_append_done(1, {});
  n.core->on_append_done(1, failure(ec::io_error));
  n.core->on_snapshot_done(99, {});
  CHECK(n.applied.empty());
  CHECK_FALSE(n.core->failed());
  CHECK(n.lost.size() == 3);
}

TEST_CASE("raft: a storage that completes out of order is not believed") {
  memory_storage disk;
  node n(disk);
  REQUIRE(n.core->start().has_value());
  n.propose({"a"});
  n.propose({"b"});
  disk.complete_out_of_order();
  CHECK(n.core->failed());
  CHECK(n.applied.empty());
  CHECK(n.lost.size() == 2);
}

TEST_CASE("raft: a storage that completes inside the call works too") {
  memory_storage disk;
  disk.immediate = true;
  node n(disk);
  REQUIRE(n.core->start().has_value());
  for (int i = 0; i < 100; ++i) n.propose({std::to_string(i)});
  CHECK(n.applied.size() == 100);
  CHECK(n.lost.empty());
}

TEST_CASE("raft: lost may propose again and is refused, not entangled") {
  memory_storage disk;
  node n(disk);
  REQUIRE(n.core->start().has_value());
  n.propose({"a"});
  n.propose({"b"});
  int refused = 0;
  n.core->set_lost(
      [&](std::uint64_t, std::uint64_t, const failure&) { refused += n.core->propose({"again"}).has_error(); });
  disk.fail(false, failure(ec::io_error));
  CHECK(refused == 2);
}

TEST_CASE("raft: two hundred thousand entries, bounded memory and disk, and a restart") {
  memory_storage disk;
  disk.immediate = true;
  constexpr std::size_t limit = 256 * 1024;
  const raft_options opts{.log_memory_bytes_max = limit};
  constexpr int total = 200000, batch = 200;
  std::uint64_t held = 0, last = 0;
  std::size_t most = 0;
  {
    node n(disk, opts);
    n.core->set_applied(0);
    REQUIRE(n.core->start().has_value());
    int next = 0;
    n.core->set_apply([&](std::uint64_t index, std::string_view data) {
      CHECK_MESSAGE(data == std::to_string(next), data);
      ++next;
      last = index;
    });
    for (int i = 0; i < total; i += batch) {
      strings entries;
      for (int k = 0; k < batch; ++k) entries.push_back(std::to_string(i + k));
      REQUIRE(n.core->propose(std::move(entries)).has_value());
      // the state machine is one batch behind
      held = last - batch;
      n.core->set_applied(held);
      most = std::max(most, n.core->log_bytes());
    }
    CHECK(next == total);
    CHECK(most < limit + 2 * batch * 200);
    CHECK(disk.disk.entries.size() < limit / log_window::entry_overhead_bytes + 2 * batch);
    CHECK(disk.snapshots_saved > 50);
    CHECK(disk.snapshots_saved < 400);  // by bytes, not one per commit
    REQUIRE(disk.disk.snapshot.has_value());
    CHECK(disk.disk.snapshot->index <= held);
    CHECK(disk.disk.first_index <= disk.disk.snapshot->index);
  }
  node n(disk, opts);
  n.core->set_applied(held);
  REQUIRE(n.core->start().has_value());
  REQUIRE_FALSE(n.applied.empty());
  CHECK(n.applied.front().first == disk.disk.snapshot->index + 1);
  CHECK(n.applied.back().second == std::to_string(total - 1));
  CHECK(n.applied.back().first == last);
  CHECK(n.propose({"more"}) == last + 1);
  CHECK(n.applied.back().second == "more");
}

TEST_CASE("raft: nothing is trimmed that the state machine doesn't hold") {
  memory_storage disk;
  disk.immediate = true;
  node n(disk, {.log_memory_bytes_max = 64 * 1024});
  n.core->set_applied(0);
  REQUIRE(n.core->start().has_value());
  const std::string kilobyte(1024, 'x');
  // apply never holds anything: the log fills up to the hard limit, then proposals are refused
  int accepted = 0;
  for (; accepted < 1000; ++accepted) {
    if (const auto p = n.core->propose({kilobyte}); p.has_error()) {
      CHECK(p.error().code == ec::queue_full);
      break;
    }
  }
  CHECK(accepted > 100);
  CHECK(accepted < 140);
  CHECK(disk.snapshots_saved == 0);
  n.core->tick();
  CHECK(disk.snapshots_saved == 0);
  // the state machine catches up half way: the next tick trims without a proposal's help
  n.core->set_applied(n.applied[accepted / 2].first);
  n.core->tick();
  CHECK(disk.snapshots_saved == 1);
  CHECK(disk.disk.snapshot->index == n.applied[accepted / 2].first);
  CHECK(n.core->propose({kilobyte}).has_value());
  // and all the way
  n.core->set_applied(n.applied.back().first);
  for (int i = 0; i < 20; ++i) n.core->tick();
  CHECK(n.core->log_bytes() <= 32 * 1024);
  CHECK(disk.snapshots_saved <= 3);
  const auto quiet = n.core->last_index();
  for (int i = 0; i < 20; ++i) n.core->tick();
  CHECK(n.core->last_index() == quiet);  // no barrier without need
}

TEST_CASE("raft: what shall be forgotten leaves a log of any size, once the state machine holds it") {
  memory_storage disk;
  disk.immediate = true;
  node n(disk);
  n.core->set_applied(0);
  REQUIRE(n.core->start().has_value());
  for (const char* text : {"a", "b", "c"}) n.propose({text});
  const auto last = n.applied.back().first;
  n.core->forget(last);
  for (int i = 0; i < 3; ++i) n.core->tick();
  CHECK(disk.snapshots_saved == 0);
  n.core->set_applied(last - 1);
  for (int i = 0; i < 3; ++i) n.core->tick();
  CHECK(n.core->first_index() <= last);
  n.core->set_applied(last);
  for (int i = 0; i < 3; ++i) n.core->tick();
  CHECK(n.core->first_index() == last + 1);
  CHECK(disk.disk.entries.size() <= 2);
  const auto quiet = n.core->last_index();
  const auto saved = disk.snapshots_saved;
  for (int i = 0; i < 20; ++i) n.core->tick();
  CHECK(n.core->last_index() == quiet);
  CHECK(disk.snapshots_saved == saved);

  n.propose({"d"});
  n.core.reset();
  node again(disk);
  again.core->set_applied(last);
  REQUIRE(again.core->start().has_value());
  CHECK(again.applied.back().second == "d");
}

TEST_CASE("raft: an entry larger than the limit passes and doesn't block what follows") {
  memory_storage disk;
  disk.immediate = true;
  node n(disk, {.log_memory_bytes_max = 1024});
  n.core->set_applied(0);
  REQUIRE(n.core->start().has_value());
  for (int i = 0; i < 5; ++i) {
    REQUIRE(n.core->propose({std::string(100000, 'x')}).has_value());
    CHECK(n.core->propose({"small"}).error().code == ec::queue_full);
    n.core->set_applied(n.applied.back().first);
    n.core->tick();
    CHECK(n.core->log_bytes() < 1024);
  }
  CHECK(n.applied.size() == 5);
}

TEST_CASE("raft: a snapshot that fails ends the core like any write; the log is still whole") {
  memory_storage disk;
  std::uint64_t last = 0;
  {
    node n(disk, {.log_memory_bytes_max = 4096});
    n.core->set_applied(0);
    REQUIRE(n.core->start().has_value());
    for (int i = 0; i < 100 && disk.snapshots_saved == 0; ++i) {
      n.propose({std::string(200, 'x')});
      disk.complete();
      last = n.applied.back().first;
      n.core->set_applied(last);
    }
    REQUIRE(disk.snapshots_saved == 1);
    disk.fail(false, failure(ec::io_error));
    CHECK(n.core->failed());
  }
  node n(disk);
  REQUIRE(n.core->start().has_value());
  CHECK(n.applied.front().first == 2);
  CHECK(n.applied.back().first == last);
}

TEST_CASE("raft: stopping while a snapshot is under way leaves the log as it is") {
  memory_storage disk;
  node n(disk, {.log_memory_bytes_max = 4096});
  n.core->set_applied(0);
  REQUIRE(n.core->start().has_value());
  while (disk.snapshots_saved == 0) {
    n.propose({std::string(200, 'x')});
    disk.complete();
    n.core->set_applied(n.applied.back().first);
  }
  n.propose({"open"});
  n.core->stop();
  CHECK(n.lost.size() == 1);
  CHECK_FALSE(disk.disk.snapshot.has_value());
}

TEST_CASE("raft: a log that begins after what the state machine holds is refused, whenever it says so") {
  memory_storage disk;
  disk.immediate = true;
  {
    node n(disk, {.log_memory_bytes_max = 4096});
    n.core->set_applied(0);
    REQUIRE(n.core->start().has_value());
    for (int i = 0; i < 100; ++i) {
      n.propose({std::string(200, 'x')});
      n.core->set_applied(n.applied.back().first);
    }
    REQUIRE(disk.disk.snapshot.has_value());
  }
  {
    node n(disk);
    n.core->set_applied(disk.disk.snapshot->state_index - 1);
    const auto started = n.core->start();
    REQUIRE(started.has_error());
    CHECK(started.error().code == ec::corrupt_data);
  }
  {
    node n(disk);
    REQUIRE(n.core->start().has_value());
    n.core->set_applied(disk.disk.snapshot->state_index - 1);
    CHECK(n.core->failed());
    CHECK(n.core->why_failed().code == ec::corrupt_data);
  }
  node n(disk);
  n.core->set_applied(disk.disk.snapshot->state_index);
  CHECK(n.core->start().has_value());
}

TEST_CASE("raft: a log that contradicts itself is refused before C-raft sees it") {
  memory_storage sound;
  sound.immediate = true;
  {
    node n(sound, {.log_memory_bytes_max = 4096});
    n.core->set_applied(0);
    REQUIRE(n.core->start().has_value());
    for (int i = 0; i < 60; ++i) {
      n.propose({std::string(200, 'x')});
      n.core->set_applied(n.applied.back().first);
    }
    REQUIRE(sound.disk.snapshot.has_value());
    REQUIRE(sound.disk.entries.size() > 3);
  }
  const auto refused = [&](auto&& damage) {
    memory_storage disk;
    disk.disk = sound.disk;
    damage(disk.disk);
    node n(disk);
    const auto started = n.core->start();
    return started.has_error() && started.error().code == ec::corrupt_data && n.applied.empty();
  };
  CHECK_FALSE(refused([](raft_loaded_state&) {}));
  CHECK(refused([](raft_loaded_state& d) { d.snapshot.reset(); }));
  CHECK(refused([](raft_loaded_state& d) { d.entries.clear(); }));
  CHECK(refused([](raft_loaded_state& d) { d.hard.term = 1; }));
  CHECK(refused([](raft_loaded_state& d) { d.entries[1].term = d.hard.term + 1; }));
  CHECK(refused([](raft_loaded_state& d) { d.entries[2].term = 0; }));
  CHECK(refused([](raft_loaded_state& d) { d.entries.back().term -= 1; }));
  CHECK(refused([](raft_loaded_state& d) { d.snapshot->term += 1; }));
  CHECK(refused([](raft_loaded_state& d) { d.snapshot->index = 0; }));
  CHECK(refused([](raft_loaded_state& d) { d.snapshot->index += 1000; }));
  CHECK(refused([](raft_loaded_state& d) { d.snapshot->members.clear(); }));
  CHECK(refused([](raft_loaded_state& d) { d.snapshot->state_index = d.snapshot->index + 1; }));
  CHECK(refused([](raft_loaded_state& d) { d.first_index = d.snapshot->index + 2; }));
  CHECK(refused([](raft_loaded_state& d) { d.first_index += 1; }));
  CHECK(refused([](raft_loaded_state& d) {
    d.snapshot.reset();
    d.first_index = 1;  // begins with a command
  }));
}

TEST_CASE("raft: a start that can't write its hard state fails") {
  memory_storage disk;
  {
    node n(disk);
    REQUIRE(n.core->start().has_value());
    n.propose({"a"});
    disk.complete_all();
  }
  disk.next_hard_state = failure(ec::storage_full);
  node n(disk);
  const auto started = n.core->start();
  REQUIRE(started.has_error());
  CHECK(started.error().code == ec::storage_full);
  CHECK(n.core->failed());
  CHECK_FALSE(n.core->is_leader());
}
