// Three cores on a seeded, lossy network: messages as bytes, elections, truncation, restarts.
#include <doctest/doctest.h>

#include <map>
#include <random>

#include "cluster/raft/raft_core.hpp"
#include "memory_storage.hpp"

using namespace waggle;
using test::manual_clock;
using test::memory_storage;

namespace {

struct world;

struct peer final : raft_transport {
  peer(world& w, std::uint64_t id) : in(w), id(id) {}
  void send(std::uint64_t to, std::string message) override;
  void start();
  /// The process dies; some of what it was writing made it. Then it starts again.
  void crash(std::size_t surviving_writes) {
    disk.crash(surviving_writes);
    core->set_lost([](std::uint64_t, std::uint64_t, const failure&) {});  // nobody is left to be told
    core.reset();
    open.clear();
    start();
  }
  world& in;
  const std::uint64_t id;
  memory_storage disk;
  std::map<std::uint64_t, std::string> open;
  std::uint64_t applied = 0;
  std::unique_ptr<raft_core> core;
};

struct world {
  explicit world(std::uint64_t seed) : random(seed) {
    for (std::uint64_t id = 1; id <= 3; ++id) peers.push_back(std::make_unique<peer>(*this, id));
    for (auto& p : peers) p->start();
  }
  void deliver(bool lossy) {
    auto now = std::move(mail);
    mail.clear();
    for (auto& [from, to, bytes] : now) {
      const bool cut = isolated == from || isolated == to;
      if (cut || (lossy && random() % 20 == 0)) continue;
      auto& target = *peers[to - 1];
      if (target.core && target.core->running()) REQUIRE(target.core->on_message(from, bytes).has_value());
    }
  }
  void step(bool lossy) {
    time.now_ms += 20;
    for (auto& p : peers) {
      if (p->disk.waiting() && (!lossy || random() % 2)) p->disk.complete();
      if (time.now_ms % 100 == 0) p->core->tick();
    }
    deliver(lossy);
  }
  peer* leader() {
    for (auto& p : peers) {
      if (p->core->is_leader() && p->id != isolated) return p.get();
    }
    return nullptr;
  }
  std::mt19937_64 random;
  manual_clock time;
  struct letter {
    std::uint64_t from, to;
    std::string bytes;
  };
  std::vector<letter> mail;
  std::uint64_t isolated = 0;
  std::map<std::uint64_t, std::string> truth;  ///< what any core applied, by index
  std::map<std::uint64_t, std::string> acked;
  std::vector<std::unique_ptr<peer>> peers;
};

void peer::send(std::uint64_t to, std::string message) { in.mail.push_back({id, to, std::move(message)}); }

void peer::start() {
  raft_options opts{.self_id = id, .address = "node-" + std::to_string(id), .seed = in.random()};
  for (std::uint64_t i = 1; i <= 3; ++i) opts.bootstrap.push_back({i, "node-" + std::to_string(i), raft_role::voter});
  core = std::make_unique<raft_core>(opts, disk, *this, in.time);
  applied = 0;
  core->set_apply([this](std::uint64_t index, std::string_view data) {
    REQUIRE(index > applied);
    applied = index;
    const auto [known, fresh] = in.truth.emplace(index, data);
    REQUIRE(known->second == data);  // all logs agree
    if (auto mine = open.find(index); mine != open.end()) {
      REQUIRE(mine->second == data);
      in.acked.insert(*mine);
      open.erase(mine);
    }
  });
  core->set_lost([this](std::uint64_t first, std::uint64_t last, const failure&) {
    for (auto i = first; i <= last; ++i) REQUIRE(open.erase(i) == 1);
  });
  REQUIRE(core->start().has_value());
}

}  // namespace

TEST_CASE("raft: three voters elect one leader and agree") {
  world w(1);
  CHECK(w.leader() == nullptr);  // nobody leads without a vote
  for (int i = 0; i < 500 && !w.leader(); ++i) w.step(false);
  auto* leader = w.leader();
  REQUIRE(leader);
  const auto first = leader->core->propose({"a", "b"});
  REQUIRE(first.has_value());
  leader->open = {{*first, "a"}, {*first + 1, "b"}};
  for (int i = 0; i < 50; ++i) w.step(false);
  for (auto& p : w.peers) {
    CHECK(p->applied == *first + 1);
    CHECK(p->core->leader_id() == leader->id);
    CHECK(p->core->term() == leader->core->term());
    if (p.get() != leader) CHECK(p->core->propose({"x"}).error().code == ec::no_quorum);
  }
  CHECK(w.acked.size() == 2);
}

TEST_CASE("raft: without a majority nothing is acked, and the isolated leader steps down and says so") {
  world w(2);
  for (int i = 0; i < 500 && !w.leader(); ++i) w.step(false);
  auto* old = w.leader();
  REQUIRE(old);
  w.isolated = old->id;
  const auto first = old->core->propose({"never"});
  REQUIRE(first.has_value());
  old->open = {{*first, "never"}};
  for (int i = 0; i < 500; ++i) w.step(false);
  CHECK_FALSE(old->core->is_leader());
  CHECK(old->open.empty());
  CHECK(w.acked.empty());
  auto* next = w.leader();
  REQUIRE(next);
  CHECK(next->core->term() > 1);
  const auto second = next->core->propose({"instead"});
  REQUIRE(second.has_value());
  w.isolated = 0;
  for (int i = 0; i < 500; ++i) w.step(false);
  CHECK(old->applied == *second);  // its own entry was truncated
  CHECK(w.truth.at(*second) == "instead");
}

TEST_CASE("raft: partitions, loss, failing disks and restarts: logs agree, acked entries stay") {
  for (std::uint64_t seed = 1; seed <= 25; ++seed) {
    CAPTURE(seed);
    world w(seed);
    int serial = 0;
    for (int step = 0; step < 3000; ++step) {
      w.step(true);
      if (step % 300 == 100) w.isolated = w.random() % 4;
      if (step % 300 == 250) w.isolated = 0;
      auto& p = *w.peers[w.random() % 3];
      if (p.core->is_leader() && w.random() % 3 == 0) {
        std::vector<std::string> entries;
        for (auto k = w.random() % 3 + 1; k > 0; --k) entries.push_back("entry " + std::to_string(++serial));
        if (const auto first = p.core->propose(entries); first.has_value()) {
          for (std::size_t i = 0; i < entries.size(); ++i) p.open.emplace(*first + i, entries[i]);
        }
      }
      if (w.random() % 500 == 0) {
        auto& victim = *w.peers[w.random() % 3];
        if (victim.disk.waiting() && w.random() % 2) {
          victim.disk.fail(w.random() % 2, failure(ec::io_error));
        } else {
          victim.crash(w.random() % 3);
        }
      }
      for (auto& q : w.peers) {
        if (q->core->failed() || w.random() % 2000 == 0) {
          q->core->stop();
          REQUIRE(q->open.empty());
          q->core.reset();
          q->start();
        }
      }
    }
    w.isolated = 0;
    for (auto& p : w.peers) p->disk.complete_all();
    for (int i = 0; i < 500; ++i) w.step(false);
    REQUIRE(w.leader());
    const auto last = w.leader()->core->propose({"last"});
    REQUIRE(last.has_value());
    for (int i = 0; i < 500; ++i) w.step(false);
    for (auto& p : w.peers) CHECK(p->applied == *last);
    for (const auto& [index, data] : w.acked) CHECK(w.truth.at(index) == data);
    CHECK(w.acked.size() > 50);
  }
}

TEST_CASE("raft: messages that aren't are dropped") {
  world w(3);
  for (int i = 0; i < 500 && !w.leader(); ++i) w.step(false);
  REQUIRE(w.leader());
  auto& core = *w.leader()->core;
  const auto first = core.propose({"a", "bb", ""});
  REQUIRE(first.has_value());
  w.leader()->open = {{*first, "a"}, {*first + 1, "bb"}, {*first + 2, ""}};
  w.deliver(false);
  for (int i = 0; i < 20 && w.mail.empty(); ++i) w.step(false);
  REQUIRE_FALSE(w.mail.empty());
  const auto good = w.mail.front().bytes;
  auto& target = *w.peers[w.mail.front().to - 1]->core;
  for (std::size_t n = 0; n < good.size(); ++n)
    CHECK(target.on_message(w.mail.front().from, good.substr(0, n)).has_error());
  CHECK(target.on_message(w.mail.front().from, good + "x").has_error());
  CHECK(target.on_message(0, good).has_error());
  CHECK(core.on_message(w.leader()->id, good).has_error());  // from itself
  std::mt19937_64 random(5);
  int accepted = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string noise(random() % 60, '\0');
    for (auto& c : noise) c = static_cast<char>(random());
    if (!noise.empty()) noise[0] = 1;
    if (noise.size() > 1) noise[1] = 1;  // append entries, the one with structure
    if (noise.size() > 2) noise[2] = static_cast<char>(random() % 4);
    memory_storage disk;
    accepted += target.on_message(99, noise).has_value();
  }
  CHECK(accepted < 20000);
  CHECK(target.on_message(w.mail.front().from, good).has_value());
  target.stop();
  CHECK(target.on_message(w.mail.front().from, good).error().code == ec::shutting_down);
}
