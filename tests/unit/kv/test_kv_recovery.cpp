// What survives: kill -9, torn tails, flipped bits, holes, full disks.
#include <doctest/doctest.h>

#include <csignal>
#include <cstdio>
#include <fstream>

#include "child_process.hpp"
#include "kv_support.hpp"

using namespace waggle;
using namespace waggle::test;

namespace {

std::filesystem::path newest_wal(const std::filesystem::path& dir) {
  std::filesystem::path newest;
  for (const auto& file : std::filesystem::directory_iterator(dir)) {
    if (file.path().extension() == ".log" && (newest.empty() || file.path() > newest)) newest = file.path();
  }
  REQUIRE_FALSE(newest.empty());
  return newest;
}

/// A database with `n` records of about `bytes` each in its log, copied while open: what a crash would leave.
void crashed_database(const std::filesystem::path& at, int n, std::size_t bytes) {
  temp_dir live;
  auto kv = open_at(live.path());
  for (int i = 0; i < n; ++i) {
    kv_batch batch;
    batch.put(kv_family::points, padded(i), std::string(bytes, static_cast<char>('a' + i % 26)));
    REQUIRE(kv->write(batch, kv_sync::no).has_value());
  }
  std::filesystem::remove(at);
  std::filesystem::copy(live.path(), at, std::filesystem::copy_options::recursive);
}

void overwrite(const std::filesystem::path& file, std::uint64_t offset, const std::string& bytes) {
  std::fstream out(file, std::ios::in | std::ios::out | std::ios::binary);
  out.seekp(static_cast<std::streamoff>(offset));
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

char byte_at(const std::filesystem::path& file, std::uint64_t offset) {
  std::ifstream in(file, std::ios::binary);
  in.seekg(static_cast<std::streamoff>(offset));
  return static_cast<char>(in.get());
}

}  // namespace

TEST_CASE("kv: kill -9 loses nothing that was acked, over and over") {
  temp_dir dir;
  int acked = -1;
  for (int round = 0; round < 4; ++round) {
    auto child = child::start("acks durable writes until killed", dir.path());
    const int enough = acked + 60 + 37 * round;
    int i = 0;
    while (acked < enough && ::read(child.read_fd, &i, sizeof i) == sizeof i) acked = i;
    kill(child.pid, SIGKILL);
    while (::read(child.read_fd, &i, sizeof i) == sizeof i) acked = i;  // acked before death, not read yet
    REQUIRE(child.wait() == -SIGKILL);
    REQUIRE(acked >= enough);
    auto kv = open_at(dir.path());
    const auto [prefix, count] = prefix_and_count(*kv);
    CHECK(prefix > acked);
    CHECK(count == prefix);
  }
}

TEST_CASE("kv: a log cut off anywhere recovers a prefix") {
  temp_dir dir;
  crashed_database(dir.path(), 200, 900);
  const auto wal = newest_wal(dir.path());
  const auto size = std::filesystem::file_size(wal);
  int longest = 0;
  for (std::uint64_t cut = 1; cut < size; cut += size / 23) {
    temp_dir copy;
    std::filesystem::remove(copy.path());
    std::filesystem::copy(dir.path(), copy.path());
    std::filesystem::resize_file(copy.path() / wal.filename(), size - cut);
    auto kv = open_at(copy.path());
    const auto [prefix, count] = prefix_and_count(*kv);
    CHECK(prefix == count);
    CHECK(prefix < 200);
    longest = std::max(longest, prefix);
    // and the store goes on from there
    kv_batch batch;
    batch.put(kv_family::points, padded(prefix), "again");
    REQUIRE(kv->write(batch, kv_sync::yes).has_value());
    kv.reset();
    CHECK(prefix_and_count(*open_at(copy.path())).first == prefix + 1);
  }
  CHECK(longest == 199);
}

TEST_CASE("kv: a bit flipped in the middle of the log is an error, never silence") {
  temp_dir dir;
  crashed_database(dir.path(), 200, 900);
  const auto wal = newest_wal(dir.path());
  const auto size = std::filesystem::file_size(wal);
  REQUIRE(size > 3 * 32768);
  for (std::uint64_t at = 10; at < size - 32768; at += 4999) {
    CAPTURE(at);
    temp_dir copy;
    std::filesystem::remove(copy.path());
    std::filesystem::copy(dir.path(), copy.path());
    const auto victim = copy.path() / wal.filename();
    overwrite(victim, at, std::string(1, static_cast<char>(byte_at(victim, at) ^ 0x10)));
    const auto opened = kv_store::open({.directory = copy.path()});
    REQUIRE(opened.has_error());
    CHECK(opened.error().code == ec::corrupt_data);
  }
}

TEST_CASE("kv: a lost block in the middle of the log is an error") {
  temp_dir dir;
  crashed_database(dir.path(), 400, 900);
  const auto wal = newest_wal(dir.path());
  REQUIRE(std::filesystem::file_size(wal) > 5 * 32768);
  overwrite(wal, 2 * 32768, std::string(2 * 32768, '\0'));
  const auto opened = kv_store::open({.directory = dir.path()});
  REQUIRE(opened.has_error());
  CHECK(opened.error().code == ec::corrupt_data);
}

TEST_CASE("kv: a hole between whole records is an error too") {
  // Records that end exactly where a block ends: zeros over the second block leave only whole records on both sides,
  // which RocksDB in this mode would take for pre-allocation and skip.
  temp_dir live;
  auto kv = open_at(live.path());
  const auto wal = newest_wal(live.path());
  int i = 0;
  const auto add = [&](std::size_t bytes) {
    kv_batch batch;
    batch.put(kv_family::points, padded(i++), std::string(bytes, 'v'));
    REQUIRE(kv->write(batch, kv_sync::no).has_value());
  };
  add(100);
  const auto first = std::filesystem::file_size(wal);
  add(1000);
  const auto overhead = std::filesystem::file_size(wal) - first - 1000;  // of a value of 2 length bytes, or 3 below
  for (int block = 0; block < 4; ++block) {
    const auto left = 32768 - std::filesystem::file_size(wal) % 32768;
    add(left - overhead - (left - overhead > 16383 ? 1 : 0));
    REQUIRE(std::filesystem::file_size(wal) % 32768 == 0);
  }
  temp_dir copy;
  std::filesystem::remove(copy.path());
  std::filesystem::copy(live.path(), copy.path());
  CHECK(prefix_and_count(*open_at(copy.path())).first == i);
  std::filesystem::remove_all(copy.path());
  std::filesystem::copy(live.path(), copy.path());
  overwrite(copy.path() / wal.filename(), 32768, std::string(32768, '\0'));
  const auto opened = kv_store::open({.directory = copy.path()});
  REQUIRE(opened.has_error());
  CHECK(opened.error().code == ec::corrupt_data);
}

TEST_CASE("kv: damage in a sorted file is reported when it is read") {
  temp_dir dir;
  {
    auto kv = open_at(dir.path());
    for (int i = 0; i < 2000; ++i) {
      kv_batch batch;
      batch.put(kv_family::points, padded(i), std::string(100, 'v') + std::to_string(i * 7919));
      REQUIRE(kv->write(batch, kv_sync::no).has_value());
    }
    REQUIRE(kv->flush_memtables().has_value());
  }
  for (const auto& file : std::filesystem::directory_iterator(dir.path())) {
    if (file.path().extension() == ".sst") overwrite(file.path(), 100, "damage");
  }
  auto kv = open_at(dir.path());
  std::string value;
  const auto got = kv->get(kv_family::points, padded(0), value);
  REQUIRE(got.has_error());
  CHECK(got.error().code == ec::corrupt_data);
  const auto scanned = kv->scan(kv_family::points, "", "", [](auto, auto) { return true; });
  REQUIRE(scanned.has_error());
  CHECK(scanned.error().code == ec::corrupt_data);
}

TEST_CASE("kv: a full disk is storage_full, reads go on, and room heals it") {
  temp_dir dir;
  auto child = child::start("full disk", dir.path());
  const int code = child.wait();
  if (code == 77) {
    MESSAGE("skipped: this machine gives no mount namespace");
    return;
  }
  CHECK(code == 0);
}

TEST_CASE("kv: a failing write is io_error, reads go on, resume heals it") {
  temp_dir dir;
  auto child = child::start("write error", dir.path());
  CHECK(child.wait() == 0);
}
