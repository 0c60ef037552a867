// The raft log in the key-value store: formats, group commit, damage, and a core on top of it.
#include <doctest/doctest.h>

#include <deque>

#include "cluster/raft/log_codec.hpp"
#include "cluster/raft/log_window.hpp"
#include "cluster/raft/raft_core.hpp"
#include "cluster/raft/rocks_raft_storage.hpp"
#include "memory_storage.hpp"
#include "tests/unit/kv/child_process.hpp"

using namespace waggle;
namespace codec = raft_log_codec;

namespace {

/// Blocking work waits here until the test runs it: the pool.
struct pool {
  struct job {
    std::function<result<void>()> work;
    std::function<void(result<void>)> done;
  };
  std::deque<job> jobs;
  rocks_raft_storage::executor executor() {
    return [this](auto work, auto done) { jobs.push_back({std::move(work), std::move(done)}); };
  }
  bool run_one() {
    if (jobs.empty()) return false;
    auto next = std::move(jobs.front());
    jobs.pop_front();
    auto outcome = next.work();
    next.work = nullptr;
    next.done(outcome);
    return true;
  }
  void run_all() {
    while (run_one()) {
    }
  }
  void fail_one(failure why) {
    auto next = std::move(jobs.front());
    jobs.pop_front();
    next.work = nullptr;
    next.done(why);
  }
};

struct listener final : raft_storage_listener {
  void on_append_done(std::uint64_t token, result<void> done) override {
    log += (done.has_value() ? "a" : "A") + std::to_string(token) + " ";
  }
  void on_snapshot_done(std::uint64_t token, result<void> done) override {
    log += (done.has_value() ? "s" : "S") + std::to_string(token) + " ";
  }
  std::string log;
};

struct fixture {
  test::temp_dir dir;
  std::unique_ptr<kv_store> kv;
  pool workers;
  group_id group{7};
  test::manual_clock time;
  no_transport transport;

  fixture() { open(); }
  void open() {
    kv.reset();
    auto opened = kv_store::open({.directory = dir.path()});
    REQUIRE(opened.has_value());
    kv = std::move(*opened);
  }
  rocks_raft_storage storage() { return rocks_raft_storage(*kv, group, workers.executor()); }
  std::string value_of(const std::string& key) {
    std::string value;
    REQUIRE(*kv->get(kv_family::raft_log, key, value));
    return value;
  }
  void put(const std::string& key, const std::string& value) {
    kv_batch batch;
    batch.put(kv_family::raft_log, key, value);
    REQUIRE(kv->write(batch, kv_sync::no).has_value());
  }
  void erase(const std::string& key) {
    kv_batch batch;
    batch.erase(kv_family::raft_log, key);
    REQUIRE(kv->write(batch, kv_sync::no).has_value());
  }
  std::string entry_key(std::uint64_t index) { return codec::key(group, codec::kind::entry, index); }
};

/// A core over a fixture's store, its state machine in memory.
struct node {
  node(fixture& f, raft_options opts = {}, std::uint64_t held = 0) : log(*f.kv, f.group, f.workers.executor()) {
    opts.group = f.group;
    core = std::make_unique<raft_core>(opts, log, f.transport, f.time);
    core->set_applied(held);
    core->set_apply([this](std::uint64_t index, std::string_view data) { applied.emplace_back(index, data); });
    core->set_lost([this](std::uint64_t first, std::uint64_t last, const failure&) { lost += last - first + 1; });
  }
  rocks_raft_storage log;
  std::vector<std::pair<std::uint64_t, std::string>> applied;
  std::uint64_t lost = 0;
  std::unique_ptr<raft_core> core;
};

raft_record_view command(std::string_view data, std::uint64_t term = 1) {
  return {term, raft_record_type::command, data};
}

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    out += "0123456789abcdef"[static_cast<std::uint8_t>(c) >> 4];
    out += "0123456789abcdef"[static_cast<std::uint8_t>(c) & 15];
  }
  return out;
}

}  // namespace

TEST_CASE("raft log codec: keys order by group, kind and index") {
  const auto key = [](std::uint32_t g, codec::kind k, std::uint64_t i) { return codec::key(group_id(g), k, i); };
  CHECK(hex(key(0x01020304, codec::kind::entry, 0x05060708090a0b0cull)) == "010203040305060708090a0b0c");
  CHECK(key(1, codec::kind::entry, 255) < key(1, codec::kind::entry, 256));
  CHECK(key(1, codec::kind::hard_state, 0) < key(1, codec::kind::entry, 1));
  CHECK(key(1, codec::kind::entry, ~0ull) < codec::entries_end(group_id(1)));
  CHECK(codec::entries_end(group_id(1)) < key(2, codec::kind::hard_state, 0));
  CHECK(codec::entry_index(key(1, codec::kind::entry, 77)) == 77);
  CHECK(codec::entry_index(key(1, codec::kind::snapshot, 0)) == 0);
  CHECK(codec::entry_index("short") == 0);
}

TEST_CASE("raft log codec: version 1, byte for byte") {
  const auto entry_key = codec::key(group_id(1), codec::kind::entry, 5);
  const auto hard_key = codec::key(group_id(1), codec::kind::hard_state);
  const auto snapshot_key = codec::key(group_id(1), codec::kind::snapshot);
  const raft_snapshot_descriptor snapshot{9, 3, 4, 8, 1, {{1, "a", raft_role::voter}, {2, "bc", raft_role::spare}}};
  CHECK(hex(codec::encode(entry_key, {3, raft_record_type::command, "hi"})).substr(8) ==
        "0101"
        "0300000000000000"
        "6869");
  CHECK(hex(codec::encode(hard_key, raft_hard_state{3, 2})).substr(8) ==
        "01"
        "0300000000000000"
        "0200000000000000");
  CHECK(hex(codec::encode(snapshot_key, snapshot)).substr(8) ==
        "01"
        "0900000000000000"
        "0300000000000000"
        "0400000000000000"
        "0800000000000000"
        "0100000000000000"
        "02"
        "0100000000000000"
        "01"
        "0161"
        "0200000000000000"
        "02"
        "026263");
  CHECK(hex(codec::encode(entry_key, {3, raft_record_type::command, "hi"})).substr(0, 8) == "0befb032");
}

TEST_CASE("raft log codec: what was changed, cut or moved doesn't decode") {
  const auto key = codec::key(group_id(1), codec::kind::entry, 5);
  const auto value = codec::encode(key, {3, raft_record_type::barrier, "data"});
  const auto decoded = codec::decode_entry(key, value);
  REQUIRE(decoded.has_value());
  CHECK(*decoded == raft_record{3, raft_record_type::barrier, "data"});
  for (std::size_t bit = 0; bit < value.size() * 8; ++bit) {
    auto damaged = value;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    CHECK(codec::decode_entry(key, damaged).has_error());
  }
  for (std::size_t n = 0; n < value.size(); ++n) CHECK(codec::decode_entry(key, value.substr(0, n)).has_error());
  CHECK(codec::decode_entry(codec::key(group_id(1), codec::kind::entry, 6), value).has_error());
  CHECK(codec::decode_entry(codec::key(group_id(2), codec::kind::entry, 5), value).has_error());
  const auto snapshot_key = codec::key(group_id(1), codec::kind::snapshot);
  const raft_snapshot_descriptor snapshot{9, 3, 4, 8, 1, {{1, "a", raft_role::voter}}};
  const auto sealed = codec::encode(snapshot_key, snapshot);
  CHECK(*codec::decode_snapshot(snapshot_key, sealed) == snapshot);
  for (std::size_t n = 0; n < sealed.size(); ++n) {
    CHECK(codec::decode_snapshot(snapshot_key, sealed.substr(0, n)).has_error());
  }
  CHECK(codec::decode_hard_state(snapshot_key, sealed).has_error());
}

TEST_CASE("log window: terms, bytes, trims") {
  log_window w;
  CHECK(w.last_index() == 0);
  CHECK(w.term_of(1) == 0);
  const auto cost = [](std::size_t n) { return n + log_window::entry_overhead_bytes; };
  for (const std::uint64_t term : {1, 1, 2, 2, 2, 5}) w.push(term, 100);
  CHECK(w.bytes() == 6 * cost(100));
  CHECK(w.last_index() == 6);
  CHECK(w.term_of(2) == 1);
  CHECK(w.term_of(3) == 2);
  CHECK(w.term_of(6) == 5);
  CHECK(w.term_of(7) == 0);
  CHECK(w.plan_trim(6 * cost(100), 6).freed_bytes == 0);
  CHECK(w.plan_trim(6 * cost(100) - 1, 6).index == 1);
  CHECK(w.plan_trim(0, 4).index == 4);
  CHECK(w.plan_trim(0, 4).freed_bytes == 4 * cost(100));
  CHECK(w.plan_trim(2 * cost(100), 6).index == 4);
  CHECK(w.plan_trim(0, 0).index == 0);
  w.trim_to(4);
  CHECK(w.first_index() == 5);
  CHECK(w.term_of(4) == 0);
  CHECK(w.term_of(5) == 2);
  CHECK(w.bytes() == 2 * cost(100));
  w.truncate_from(6);
  CHECK(w.last_index() == 5);
  w.push(9, 1);
  CHECK(w.term_of(6) == 9);
  w.truncate_from(1);
  CHECK(w.bytes() == 0);
  CHECK(w.last_index() == 4);
  w.reset(100);
  CHECK(w.first_index() == 100);
  w.push(1, 0);
  CHECK(w.last_index() == 100);
  w.trim_to(500);
  CHECK(w.first_index() == 101);
  CHECK(w.bytes() == 0);
}

TEST_CASE("raft storage: appends made during a commit share the next one") {
  fixture f;
  auto log = f.storage();
  listener heard;
  REQUIRE(log.load().has_value());
  log.attach(&heard);
  const auto first = command("a");
  REQUIRE(log.bootstrap({1, 0}, {1, raft_record_type::change, "conf"}).has_value());
  log.append(1, 2, {&first, 1});
  CHECK(f.workers.jobs.size() == 1);
  CHECK(log.busy());
  for (std::uint64_t i = 2; i <= 9; ++i) log.append(i, i + 1, {&first, 1});
  CHECK(f.workers.jobs.size() == 1);
  CHECK(heard.log.empty());
  const auto syncs = f.kv->stats().wal_syncs_total;
  f.workers.run_one();
  CHECK(heard.log == "a1 ");
  f.workers.run_one();
  CHECK(heard.log == "a1 a2 a3 a4 a5 a6 a7 a8 a9 ");
  CHECK(f.kv->stats().wal_syncs_total == syncs + 2);
  CHECK_FALSE(log.busy());
  CHECK(f.workers.jobs.empty());
  f.open();
  auto again = f.storage();
  const auto state = again.load();
  REQUIRE(state.has_value());
  CHECK(state->entries.size() == 10);
  CHECK(state->hard == raft_hard_state{1, 0});
  CHECK(state->entries[0].data == "conf");
}

TEST_CASE("raft storage: truncation comes before the appends that follow it") {
  fixture f;
  auto log = f.storage();
  listener heard;
  log.attach(&heard);
  REQUIRE(log.bootstrap({5, 0}, {1, raft_record_type::change, "conf"}).has_value());
  const raft_record_view old[] = {command("x2"), command("x3"), command("x4")};
  log.append(1, 2, old);
  log.truncate(3);
  const raft_record_view fresh[] = {command("y3", 5)};
  log.append(2, 3, fresh);
  f.workers.run_all();
  CHECK(heard.log == "a1 a2 ");
  const auto state = log.load();
  REQUIRE(state.has_value());
  REQUIRE(state->entries.size() == 3);
  CHECK(state->entries[1].data == "x2");
  CHECK(state->entries[2].data == "y3");
}

TEST_CASE("raft storage: a failed commit is reported once; what waited is dropped until a load") {
  fixture f;
  auto log = f.storage();
  listener heard;
  log.attach(&heard);
  REQUIRE(log.bootstrap({1, 0}, {1, raft_record_type::change, "conf"}).has_value());
  const auto entry = command("a");
  log.append(1, 2, {&entry, 1});
  log.append(2, 3, {&entry, 1});
  f.workers.fail_one(failure(ec::storage_full));
  CHECK(heard.log == "A1 ");
  CHECK(f.workers.jobs.empty());
  log.append(3, 4, {&entry, 1});
  CHECK(f.workers.jobs.empty());  // nothing may follow a write of unknown fate
  log.attach(nullptr);
  REQUIRE(log.load().has_value());
  log.attach(&heard);
  log.append(4, 2, {&entry, 1});
  f.workers.run_all();
  CHECK(heard.log == "A1 a4 ");
  CHECK(log.load()->entries.size() == 2);
}

TEST_CASE("raft storage: nobody opens a log while an old commit is on its way, and late news finds nobody") {
  fixture f;
  listener heard;
  {
    auto log = f.storage();
    log.attach(&heard);
    REQUIRE(log.bootstrap({1, 0}, {1, raft_record_type::change, "conf"}).has_value());
    const auto entry = command("a");
    log.append(1, 2, {&entry, 1});
    CHECK(log.load().error().code == ec::not_ready);
  }
  auto next = f.storage();
  CHECK(next.load().error().code == ec::not_ready);
  rocks_raft_storage other(*f.kv, group_id(8), f.workers.executor());
  CHECK(other.load().has_value());  // another group's business
  f.workers.run_all();
  CHECK(heard.log.empty());
  const auto state = next.load();
  REQUIRE(state.has_value());
  CHECK(state->entries.size() == 2);
}

TEST_CASE("raft storage: a pool that throws the work away doesn't lock the log for ever") {
  fixture f;
  {
    auto log = f.storage();
    listener heard;
    log.attach(&heard);
    REQUIRE(log.bootstrap({1, 0}, {1, raft_record_type::change, "conf"}).has_value());
    const auto entry = command("a");
    log.append(1, 2, {&entry, 1});
  }
  f.workers.jobs.clear();
  CHECK(f.storage().load().has_value());
}

TEST_CASE("raft on rocks: propose, restart, trim, restart") {
  fixture f;
  std::vector<std::pair<std::uint64_t, std::string>> all;
  std::uint64_t term = 0;
  const raft_options opts{.log_memory_bytes_max = 20000};
  for (int life = 0; life < 4; ++life) {
    const auto held = all.empty() ? 0 : all.back().first;
    node n(f, opts, held);
    REQUIRE(n.core->start().has_value());
    CHECK(n.core->term() > term);
    term = n.core->term();
    for (const auto& [index, data] : n.applied) {
      const auto known = std::find(all.begin(), all.end(), std::pair(index, data));
      CHECK(known != all.end());
    }
    if (life > 0) CHECK(n.core->last_applied() >= held);
    for (int i = 0; i < 200; ++i) {
      n.applied.clear();
      const auto data = std::to_string(life) + "/" + std::to_string(i) + std::string(300, 'x');
      REQUIRE(n.core->propose({data}).has_value());
      f.workers.run_all();
      REQUIRE(n.applied.size() == 1);
      CHECK(n.applied[0].second == data);
      all.push_back(n.applied[0]);
      n.core->set_applied(all.back().first);
    }
    CHECK(n.core->log_bytes() < 21000);
    CHECK(n.core->first_index() > 100);
    if (life % 2) {
      n.core.reset();
      f.open();
    }
  }
  int entries = 0;
  REQUIRE(f.kv->scan(kv_family::raft_log, "", "", [&](auto, auto) { return ++entries, true; }).has_value());
  CHECK(entries < 60);  // trimmed on disk too
  auto log = f.storage();
  CHECK(log.load()->entries.back().data == all.back().second);
}

TEST_CASE("raft on rocks: groups share a store, not a log") {
  fixture f;
  for (int round = 0; round < 2; ++round) {
    for (const std::uint32_t g : {1u, 2u, 0xffffffffu}) {
      f.group = group_id(g);
      node n(f);
      REQUIRE(n.core->start().has_value());
      CHECK(n.applied.size() == static_cast<std::size_t>(round));
      for (const auto& [index, data] : n.applied) CHECK(data == std::to_string(g));
      REQUIRE(n.core->propose({std::to_string(g)}).has_value());
      f.workers.run_all();
    }
  }
}

TEST_CASE("raft on rocks: a failed commit ends the core; the next one finds what is there") {
  fixture f;
  {
    node n(f);
    REQUIRE(n.core->start().has_value());
    REQUIRE(n.core->propose({"a"}).has_value());
    f.workers.run_all();
    REQUIRE(n.core->propose({"b"}).has_value());
    REQUIRE(n.core->propose({"c", "d"}).has_value());
    f.workers.fail_one(failure(ec::io_error));
    CHECK(n.core->failed());
    CHECK(n.lost == 3);
    CHECK(n.core->why_failed().log_text.find("group 7") != std::string::npos);
  }
  node n(f);
  REQUIRE(n.core->start().has_value());
  REQUIRE(n.applied.size() == 1);
  CHECK(n.applied[0].second == "a");
  REQUIRE(n.core->propose({"e"}).has_value());
  f.workers.run_all();
  CHECK(n.applied.back().second == "e");
}

TEST_CASE("raft on rocks: a damaged or missing record is refused by name, never skipped") {
  fixture f;
  {
    node n(f, {.log_memory_bytes_max = 3000});
    REQUIRE(n.core->start().has_value());
    for (int i = 0; i < 30; ++i) {
      REQUIRE(n.core->propose({std::string(100, static_cast<char>('a' + i))}).has_value());
      f.workers.run_all();
      n.core->set_applied(n.applied.back().first);
    }
    REQUIRE(n.core->first_index() > 2);
    REQUIRE(n.core->last_index() == 31);
  }
  constexpr std::uint64_t held = 31;
  const auto hard_key = codec::key(f.group, codec::kind::hard_state);
  const auto snapshot_key = codec::key(f.group, codec::kind::snapshot);
  const auto refused = [&]() -> std::string {
    node n(f, {}, held);
    const auto started = n.core->start();
    if (started.has_value()) return "";
    CHECK(started.error().code == ec::corrupt_data);
    return started.error().log_text;
  };
  CHECK(refused() == "");
  for (const auto& [key, name] : {std::pair{f.entry_key(29), "entry 29"}, std::pair{f.entry_key(31), "entry 31"},
                                  std::pair{hard_key, "hard state"}, std::pair{snapshot_key, "snapshot"}}) {
    CAPTURE(name);
    const auto sound = f.value_of(key);
    for (const std::size_t at : {std::size_t{0}, std::size_t{4}, sound.size() / 2, sound.size() - 1}) {
      auto damaged = sound;
      damaged[at] = static_cast<char>(damaged[at] ^ 1);
      f.put(key, damaged);
      CHECK(refused().find(name) != std::string::npos);
    }
    f.put(key, sound.substr(0, sound.size() - 1));
    CHECK(refused().find(name) != std::string::npos);
    f.put(key, "");
    CHECK(refused().find(name) != std::string::npos);
    f.put(key, sound);
    CHECK(refused() == "");
  }
  const auto entry = f.value_of(f.entry_key(29));
  f.erase(f.entry_key(29));
  CHECK(refused().find("entry 29 is missing") != std::string::npos);
  f.put(f.entry_key(29), f.value_of(f.entry_key(30)));  // another entry's bytes
  CHECK(refused().find("entry 29") != std::string::npos);
  f.put(f.entry_key(29), entry);
  const auto hard = f.value_of(hard_key);
  f.erase(hard_key);
  CHECK(refused().find("hard state is missing") != std::string::npos);
  f.put(hard_key, hard);
  const auto snapshot = f.value_of(snapshot_key);
  f.erase(snapshot_key);
  CHECK(refused().find("missing") != std::string::npos);
  f.put(snapshot_key, snapshot);
  CHECK(refused() == "");
}
