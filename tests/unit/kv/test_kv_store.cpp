#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <fstream>
#include <map>
#include <random>
#include <thread>

#include "child_process.hpp"
#include "kv_support.hpp"

using namespace waggle;
using namespace waggle::test;

namespace {

void put(kv_store& kv, kv_family family, std::string_view key, std::string_view value, kv_sync sync = kv_sync::no) {
  kv_batch batch;
  batch.put(family, key, value);
  REQUIRE(kv.write(batch, sync).has_value());
}

std::string keys_in(const kv_store& kv, std::string_view begin, std::string_view end, bool reverse = false,
                    const kv_snapshot* snapshot = nullptr) {
  std::string out;
  const auto visit = [&](std::string_view key, std::string_view) {
    out += key;
    out += ' ';
    return true;
  };
  const auto done = reverse ? kv.scan_reverse(kv_family::points, begin, end, visit, snapshot)
                            : kv.scan(kv_family::points, begin, end, visit, snapshot);
  REQUIRE(done.has_value());
  return out;
}

}  // namespace

TEST_CASE("kv: values come back, byte for byte, and absent is not empty") {
  temp_dir dir;
  auto kv = open_at(dir.path());
  const std::string binary("\0\xff\n\0", 4);
  put(*kv, kv_family::points, binary, binary);
  put(*kv, kv_family::points, "empty", "");
  std::string value = "before";
  CHECK(*kv->get(kv_family::points, binary, value) == true);
  CHECK(value == binary);
  CHECK(*kv->get(kv_family::points, "empty", value) == true);
  CHECK(value.empty());
  value = "before";
  CHECK(*kv->get(kv_family::points, "absent", value) == false);
  CHECK(value.empty());
}

TEST_CASE("kv: what was purged is in no file any more, and the rest is") {
  temp_dir dir;
  auto kv = open_at(dir.path());
  const auto found_on_disk = [&](const std::string& text) {
    for (const auto& file : std::filesystem::recursive_directory_iterator(dir.path())) {
      std::ifstream in(file.path(), std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(in), {}};
      if (bytes.find(text) != std::string::npos) return true;
    }
    return false;
  };
  // Random, so that compression leaves them as they are.
  std::mt19937 random(1);
  const auto noise = [&] {
    std::string text(200, ' ');
    for (auto& c : text) c = static_cast<char>('!' + random() % 90);
    return text;
  };
  for (const auto family : {kv_family::points, kv_family::meta, kv_family::raft_log})
    for (const char* owner : {"a", "b", "c"})
      for (int i = 0; i < 300; ++i) put(*kv, family, owner + ("-key-of-" + std::string(owner)) + std::to_string(i), "value of " + (owner + noise()));
  REQUIRE(kv->flush_memtables().has_value());
  put(*kv, kv_family::points, "b-key-of-b-late", "value of b");
  kv_batch gone;
  for (const auto family : {kv_family::points, kv_family::meta, kv_family::raft_log}) gone.erase_range(family, "b", "c");
  REQUIRE(kv->write(gone, kv_sync::yes).has_value());
  CHECK(found_on_disk("key-of-b"));
  CHECK(found_on_disk("value of b"));
  REQUIRE(kv->purge("b", "c").has_value());
  CHECK_FALSE(found_on_disk("key-of-b"));
  CHECK_FALSE(found_on_disk("value of b"));
  CHECK(found_on_disk("key-of-a"));
  CHECK(found_on_disk("value of c"));
  kv = nullptr;
  kv = open_at(dir.path());
  std::string value;
  CHECK(*kv->get(kv_family::meta, "c-key-of-c299", value) == true);
  CHECK(*kv->get(kv_family::meta, "b-key-of-b7", value) == false);
}

TEST_CASE("kv: families are separate keyspaces") {
  temp_dir dir;
  auto kv = open_at(dir.path());
  put(*kv, kv_family::points, "k", "points");
  put(*kv, kv_family::meta, "k", "meta");
  std::string value;
  CHECK(*kv->get(kv_family::raft_log, "k", value) == false);
  CHECK(*kv->get(kv_family::points, "k", value) == true);
  CHECK(value == "points");
  CHECK(*kv->get(kv_family::meta, "k", value) == true);
  CHECK(value == "meta");
}

TEST_CASE("kv: a batch applies in order, across families, and can be used again") {
  temp_dir dir;
  auto kv = open_at(dir.path());
  kv_batch batch;
  CHECK(batch.empty());
  batch.put(kv_family::points, "a", "1");
  batch.erase(kv_family::points, "a");
  batch.put(kv_family::points, "b", "1");
  batch.put(kv_family::points, "b", "2");
  batch.put(kv_family::meta, "m", "x");
  CHECK_FALSE(batch.empty());
  CHECK(batch.bytes() > 10);
  kv_batch more;
  more.erase_range(kv_family::points, "b", "c");
  more.put(kv_family::points, "bb", "3");
  batch.append(more);
  REQUIRE(kv->write(batch, kv_sync::yes).has_value());
  CHECK(keys_in(*kv, "", "") == "bb ");
  batch.clear();
  CHECK(batch.empty());
  CHECK(kv->write(batch, kv_sync::yes).has_value());
  CHECK(kv->write(batch, kv_sync::no).has_value());
}

TEST_CASE("kv: reopening keeps every family") {
  temp_dir dir;
  {
    auto kv = open_at(dir.path());
    put(*kv, kv_family::points, "p", "1");
    put(*kv, kv_family::raft_log, "r", "2");
    put(*kv, kv_family::meta, "m", "3");
  }
  for (int round = 0; round < 3; ++round) {
    auto kv = open_at(dir.path());
    std::string value;
    CHECK(*kv->get(kv_family::points, "p", value));
    CHECK(value == "1");
    CHECK(*kv->get(kv_family::raft_log, "r", value));
    CHECK(value == "2");
    CHECK(*kv->get(kv_family::meta, "m", value));
    CHECK(value == "3");
    if (round == 1) REQUIRE(kv->flush_memtables().has_value());
  }
}

TEST_CASE("kv: range erase is [begin, end); an inverted or empty range erases nothing") {
  temp_dir dir;
  auto kv = open_at(dir.path());
  for (const auto* key : {"a", "b", "c", "d"}) put(*kv, kv_family::points, key, "v");
  kv_batch batch;
  batch.erase_range(kv_family::points, "b", "d");
  batch.erase_range(kv_family::points, "z", "a");
  batch.erase_range(kv_family::points, "a", "a");
  batch.erase_range(kv_family::points, "a", "");
  REQUIRE(kv->write(batch, kv_sync::no).has_value());
  CHECK(keys_in(*kv, "", "") == "a d ");
  kv.reset();
  CHECK(keys_in(*open_at(dir.path()), "", "") == "a d ");
}

TEST_CASE("kv: scans respect bounds, direction and the visitor's word") {
  temp_dir dir;
  auto kv = open_at(dir.path());
  for (const auto* key : {"a", "b", "ba", "c"}) put(*kv, kv_family::points, key, "v");
  put(*kv, kv_family::meta, "bb", "other family");
  CHECK(keys_in(*kv, "", "") == "a b ba c ");
  CHECK(keys_in(*kv, "b", "c") == "b ba ");
  CHECK(keys_in(*kv, "b", "") == "b ba c ");
  CHECK(keys_in(*kv, "bz", "c") == "");
  CHECK(keys_in(*kv, "c", "a") == "");
  CHECK(keys_in(*kv, "", "", true) == "c ba b a ");
  CHECK(keys_in(*kv, "b", "c", true) == "ba b ");
  CHECK(keys_in(*kv, "d", "", true) == "");
  int seen = 0;
  REQUIRE(kv->scan(kv_family::points, "", "", [&](auto, auto) { return ++seen < 2; }).has_value());
  CHECK(seen == 2);
  seen = 0;
  REQUIRE(kv->scan_reverse(kv_family::points, "", "", [&](auto, auto) { return ++seen < 3; }).has_value());
  CHECK(seen == 3);
}

TEST_CASE("kv: multi_get answers in the order asked, with gaps and repeats") {
  temp_dir dir;
  auto kv = open_at(dir.path());
  for (int i = 0; i < 100; i += 2) put(*kv, kv_family::points, std::to_string(i), std::to_string(i * i));
  std::vector<std::string> keys = {"4", "3", "98", "4", ""};
  std::vector<std::optional<std::string>> out;
  REQUIRE(kv->multi_get(kv_family::points, keys, out).has_value());
  REQUIRE(out.size() == 5);
  CHECK(out[0] == "16");
  CHECK_FALSE(out[1].has_value());
  CHECK(out[2] == "9604");
  CHECK(out[3] == "16");
  CHECK_FALSE(out[4].has_value());
  REQUIRE(kv->multi_get(kv_family::points, {}, out).has_value());
  CHECK(out.empty());
}

TEST_CASE("kv: a snapshot sees the past, and may outlive the store") {
  temp_dir dir;
  auto kv = open_at(dir.path());
  put(*kv, kv_family::points, "a", "old");
  put(*kv, kv_family::points, "b", "old");
  auto past = kv->snapshot();
  put(*kv, kv_family::points, "a", "new");
  kv_batch batch;
  batch.erase_range(kv_family::points, "b", "c");
  batch.put(kv_family::points, "c", "new");
  REQUIRE(kv->write(batch, kv_sync::no).has_value());
  std::string value;
  CHECK(*kv->get(kv_family::points, "a", value, past.get()));
  CHECK(value == "old");
  CHECK(*kv->get(kv_family::points, "a", value));
  CHECK(value == "new");
  CHECK(keys_in(*kv, "", "", false, past.get()) == "a b ");
  CHECK(keys_in(*kv, "", "", true, past.get()) == "b a ");
  CHECK(keys_in(*kv, "", "") == "a c ");
  kv.reset();
  CHECK(kv_store::open({.directory = dir.path()}).has_error());  // the snapshot still holds the database
  past.reset();
  CHECK(keys_in(*open_at(dir.path()), "", "") == "a c ");
}

TEST_CASE("kv: random batches leave what a map would hold, also after reopening") {
  temp_dir dir;
  std::mt19937 random(7);
  std::map<std::string, std::string> model;
  const auto key = [&] { return std::to_string(random() % 200); };
  for (int round = 0; round < 4; ++round) {
    auto kv = open_at(dir.path());
    for (int i = 0; i < 300; ++i) {
      kv_batch batch;
      for (auto n = random() % 5; n > 0; --n) {
        const auto k = key();
        switch (random() % 4) {
          case 0:
            batch.erase(kv_family::points, k);
            model.erase(k);
            break;
          case 1: {
            const auto to = key();
            batch.erase_range(kv_family::points, k, to);
            if (k < to) model.erase(model.lower_bound(k), model.lower_bound(to));
            break;
          }
          default: model[k] = std::to_string(random()); batch.put(kv_family::points, k, model[k]);
        }
      }
      REQUIRE(kv->write(batch, random() % 10 ? kv_sync::no : kv_sync::yes).has_value());
    }
    std::map<std::string, std::string> stored;
    REQUIRE(kv->scan(kv_family::points, "", "", [&](std::string_view k, std::string_view v) {
                stored.emplace(k, v);
                return true;
              }).has_value());
    CHECK(stored == model);
  }
}

TEST_CASE("kv: many threads write at once; nothing is lost") {
  temp_dir dir;
  constexpr int writers = 4, each = 200;
  {
    auto kv = open_at(dir.path());
    std::atomic<int> failures{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < writers; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < each; ++i) {
          kv_batch batch;
          batch.put(kv_family::points, std::to_string(t) + "/" + std::to_string(i), "v");
          if (!kv->write(batch, i % 8 ? kv_sync::no : kv_sync::yes).has_value()) ++failures;
        }
      });
    }
    for (auto& thread : threads) thread.join();
    CHECK(failures == 0);
  }
  auto kv = open_at(dir.path());
  int count = 0;
  REQUIRE(kv->scan(kv_family::points, "", "", [&](auto, auto) { return ++count, true; }).has_value());
  CHECK(count == writers * each);
}

TEST_CASE("kv: the stats tell of bytes, syncs and room") {
  temp_dir dir;
  auto kv = open_at(dir.path());
  const auto before = kv->stats();
  for (int i = 0; i < 5; ++i) put(*kv, kv_family::points, std::to_string(i), std::string(1000, 'x'), kv_sync::yes);
  auto after = kv->stats();
  CHECK(after.wal_syncs_total == before.wal_syncs_total + 5);
  CHECK(after.wal_bytes_total >= before.wal_bytes_total + 5000);
  CHECK(after.wal_sync_micros_total > before.wal_sync_micros_total);
  CHECK(after.disk_total_bytes >= after.disk_free_bytes);
  CHECK(after.disk_total_bytes > 0);
  REQUIRE(kv->flush_memtables().has_value());
  after = kv->stats();
  CHECK(after.family_bytes[static_cast<int>(kv_family::points)] > 0);
  CHECK(after.family_bytes[static_cast<int>(kv_family::meta)] == 0);
}

TEST_CASE("kv: without fsync, kv_sync::yes doesn't sync, sync_wal does") {
  temp_dir dir;
  auto opened = kv_store::open({.directory = dir.path(), .fsync = false});
  REQUIRE(opened.has_value());
  auto& kv = **opened;
  put(kv, kv_family::points, "a", "1", kv_sync::yes);
  CHECK(kv.stats().wal_syncs_total == 0);
  REQUIRE(kv.sync_wal().has_value());
  CHECK(kv.stats().wal_syncs_total == 1);
}

TEST_CASE("kv: ten thousand small owners cost little memory") {
  temp_dir dir;
  auto kv = open_at(dir.path());
  const auto before = kv->stats();
  for (int i = 0; i < 10000; ++i) {
    kv_batch batch;
    batch.put(kv_family::meta, "collection/" + std::to_string(i), std::string(300, 'm'));
    REQUIRE(kv->write(batch, kv_sync::no).has_value());
  }
  const auto after = kv->stats();
  const auto grown = after.memtable_bytes + after.block_cache_bytes + after.table_reader_bytes -
                     (before.memtable_bytes + before.block_cache_bytes + before.table_reader_bytes);
  CHECK(grown < (16u << 20));
}

TEST_CASE("kv: what can't be opened says why") {
  temp_dir dir;
  SUBCASE("a file where the directory should be") {
    std::ofstream(dir.path() / "file") << "x";
    const auto opened = kv_store::open({.directory = dir.path() / "file" / "db"});
    REQUIRE(opened.has_error());
    CHECK(opened.error().code == ec::io_error);
    CHECK(opened.error().message.find(dir.path().string()) == std::string::npos);  // paths go to the log only
    CHECK_FALSE(opened.error().log_text.empty());
  }
  SUBCASE("a directory nobody may write to") {
    const auto opened = kv_store::open({.directory = "/proc/self/waggle"});
    REQUIRE(opened.has_error());
    CHECK(opened.error().code == ec::io_error);
  }
  SUBCASE("already open") {
    auto kv = open_at(dir.path());
    const auto second = kv_store::open({.directory = dir.path()});
    REQUIRE(second.has_error());
    CHECK(second.error().code == ec::io_error);
  }
  SUBCASE("a damaged manifest") {
    open_at(dir.path()).reset();
    for (const auto& file : std::filesystem::directory_iterator(dir.path())) {
      if (file.path().filename().string().starts_with("MANIFEST")) {
        std::fstream out(file.path(), std::ios::in | std::ios::out | std::ios::binary);
        out.seekp(20);
        out.write("\xde\xad\xbe\xef", 4);
      }
    }
    const auto opened = kv_store::open({.directory = dir.path()});
    REQUIRE(opened.has_error());
    CHECK(opened.error().code == ec::corrupt_data);
  }
}
