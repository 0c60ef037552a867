// What survives: kill -9, torn tails, flipped bits, holes, full disks.
#include <doctest/doctest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <fstream>

#include "child_process.hpp"
#include "storage/kv/kv_store.hpp"

using namespace waggle;
using test::temp_dir;

namespace {

std::unique_ptr<kv_store> open_at(const std::filesystem::path& path) {
  auto opened = kv_store::open({.directory = path});
  if (opened.has_error()) FAIL(opened.error().log_text);
  return std::move(*opened);
}

std::string padded(int i) {
  char text[16];
  std::snprintf(text, sizeof text, "%08d", i);
  return text;
}

/// How many of the keys 0, 1, 2 … are there before the first gap, and in all.
std::pair<int, int> prefix_and_count(const kv_store& kv) {
  int prefix = 0, count = 0;
  REQUIRE(kv.scan(kv_family::points, "", "", [&](std::string_view key, std::string_view) {
              if (key == padded(prefix)) ++prefix;
              return ++count, true;
            }).has_value());
  return {prefix, count};
}

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

TEST_CASE("child: acks durable writes until killed" * doctest::skip()) {
  const char* dir = std::getenv(test::child_directory);
  if (!dir) return;
  auto opened = kv_store::open({.directory = dir});
  if (opened.has_error()) _exit(3);
  auto [next, count] = prefix_and_count(**opened);
  for (int i = next;; ++i) {
    kv_batch batch;
    batch.put(kv_family::points, padded(i), std::string(100 + i % 5000, 'v'));
    if ((*opened)->write(batch, kv_sync::yes).has_error()) _exit(4);
    if (::write(test::child_pipe_fd, &i, sizeof i) != sizeof i) _exit(5);
  }
}

TEST_CASE("kv: kill -9 loses nothing that was acked, over and over") {
  temp_dir dir;
  int acked = -1;
  for (int round = 0; round < 4; ++round) {
    auto child = test::child::start("child: acks durable writes until killed", dir.path());
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

TEST_CASE("child: full disk" * doctest::skip()) {
  const char* dir = std::getenv(test::child_directory);
  if (!dir) return;
  // A small file system of one's own needs a user namespace; where the kernel forbids that, say so (77) and let it be.
  const auto uid = getuid();
  const auto gid = getgid();
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) _exit(77);
  std::ofstream("/proc/self/uid_map") << "0 " << uid << " 1" << std::flush;  // or files would belong to nobody
  std::ofstream("/proc/self/setgroups") << "deny" << std::flush;
  std::ofstream("/proc/self/gid_map") << "0 " << gid << " 1" << std::flush;
  if (mount("tmpfs", dir, "tmpfs", 0, "size=64m") != 0) _exit(77);
  const auto ballast = std::filesystem::path(dir) / "ballast";
  std::ofstream(ballast) << std::string(36u << 20, 'b');
  auto kv = open_at(std::filesystem::path(dir) / "db");
  int written = 0;
  failure why;
  for (;; ++written) {
    kv_batch batch;
    batch.put(kv_family::points, padded(written), std::string(100000, 'v'));
    if (auto done = kv->write(batch, kv_sync::yes); done.has_error()) {
      why = done.error();
      break;
    }
    REQUIRE(written < 1000);
  }
  CHECK(why.code == ec::storage_full);
  CHECK(kv->failed());
  CHECK(written > 10);
  CHECK(prefix_and_count(*kv) == std::pair{written, written});  // reads go on
  kv_batch small;
  small.put(kv_family::meta, "k", "v");
  REQUIRE(kv->write(small, kv_sync::yes).has_error());
  CHECK(kv->resume().has_error());  // no room yet
  CHECK(kv->failed());
  CHECK(kv->stats().disk_free_bytes < (4u << 20));
  std::filesystem::remove(ballast);
  auto held = kv->snapshot();
  const auto refused = kv->resume();
  REQUIRE(refused.has_error());
  CHECK(refused.error().code == ec::not_ready);
  CHECK(prefix_and_count(*kv).first == written);
  held.reset();
  const auto healed = kv->resume();
  if (healed.has_error()) MESSAGE(healed.error().log_text);
  REQUIRE(healed.has_value());
  CHECK_FALSE(kv->failed());
  REQUIRE(kv->write(small, kv_sync::yes).has_value());
  kv.reset();
  kv = open_at(std::filesystem::path(dir) / "db");
  CHECK(prefix_and_count(*kv).first >= written);
  std::string value;
  CHECK(*kv->get(kv_family::meta, "k", value));
}

TEST_CASE("kv: a full disk is storage_full, reads go on, and room heals it") {
  temp_dir dir;
  auto child = test::child::start("child: full disk", dir.path());
  const int code = child.wait();
  if (code == 77) {
    MESSAGE("skipped: this machine gives no mount namespace");
    return;
  }
  CHECK(code == 0);
}

TEST_CASE("child: write error" * doctest::skip()) {
  const char* dir = std::getenv(test::child_directory);
  if (!dir) return;
  auto kv = open_at(dir);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  getrlimit(RLIMIT_FSIZE, &limit);
  limit.rlim_cur = 1u << 20;  // no file may grow beyond 1 MiB: EFBIG
  REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  int written = 0;
  failure why;
  for (;; ++written) {
    kv_batch batch;
    batch.put(kv_family::points, padded(written), std::string(50000, 'v'));
    if (auto done = kv->write(batch, kv_sync::yes); done.has_error()) {
      why = done.error();
      break;
    }
    REQUIRE(written < 100);
  }
  CHECK(why.code == ec::io_error);
  CHECK(kv->failed());
  CHECK(prefix_and_count(*kv).first == written);
  limit.rlim_cur = limit.rlim_max;
  REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  REQUIRE(kv->resume().has_value());
  CHECK_FALSE(kv->failed());
  CHECK(prefix_and_count(*kv).first >= written);
  kv_batch batch;
  batch.put(kv_family::meta, "k", "v");
  CHECK(kv->write(batch, kv_sync::yes).has_value());
}

TEST_CASE("kv: a failing write is io_error, reads go on, resume heals it") {
  temp_dir dir;
  auto child = test::child::start("child: write error", dir.path());
  CHECK(child.wait() == 0);
}
