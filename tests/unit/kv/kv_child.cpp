// kv_child CASE: what test_kv does in a fresh process (a fork alone would inherit RocksDB without its threads): it dies, or
// lives on a disk that fails. The directory is in the environment. Exit 0: the case ran and held; 77: this machine can't.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>

#include "child_process.hpp"
#include "kv_support.hpp"

using namespace waggle;
using namespace waggle::test;

namespace {

int cases_begun = 0;

/// Every case begins with it: a name that selects none must not pass for success.
std::filesystem::path directory_of_case() {
  ++cases_begun;
  const char* dir = std::getenv(child_directory);
  REQUIRE(dir);
  return dir;
}

struct filled {
  int written = 0;
  failure why;
};
/// Writes synced batches until one fails, fewer than `batches_max`.
filled write_until_it_fails(kv_store& kv, std::size_t value_bytes, int batches_max) {
  for (filled so_far;; ++so_far.written) {
    REQUIRE(so_far.written < batches_max);
    kv_batch batch;
    batch.put(kv_family::points, padded(so_far.written), std::string(value_bytes, 'v'));
    if (auto done = kv.write(batch, kv_sync::yes); done.has_error()) {
      so_far.why = done.error();
      return so_far;
    }
  }
}

}  // namespace

TEST_CASE("acks durable writes until killed") {
  const auto dir = directory_of_case();
  auto opened = kv_store::open({.directory = dir});
  if (opened.has_error()) _exit(3);
  auto [next, count] = prefix_and_count(**opened);
  for (int i = next;; ++i) {
    kv_batch batch;
    batch.put(kv_family::points, padded(i), std::string(100 + i % 5000, 'v'));
    if ((*opened)->write(batch, kv_sync::yes).has_error()) _exit(4);
    if (::write(child_pipe_fd, &i, sizeof i) != sizeof i) _exit(5);
  }
}

TEST_CASE("full disk") {
  const auto dir = directory_of_case();
  // A small file system of one's own needs a user namespace; where the kernel forbids that, say so (77) and let it be.
  const auto uid = getuid();
  const auto gid = getgid();
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) _exit(77);
  std::ofstream("/proc/self/uid_map") << "0 " << uid << " 1" << std::flush;  // or files would belong to nobody
  std::ofstream("/proc/self/setgroups") << "deny" << std::flush;
  std::ofstream("/proc/self/gid_map") << "0 " << gid << " 1" << std::flush;
  if (mount("tmpfs", dir.c_str(), "tmpfs", 0, "size=64m") != 0) _exit(77);
  const auto ballast = dir / "ballast";
  std::ofstream(ballast) << std::string(36u << 20, 'b');
  auto kv = open_at(dir / "db");
  const auto [written, why] = write_until_it_fails(*kv, 100000, 1000);
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
  kv = open_at(dir / "db");
  CHECK(prefix_and_count(*kv).first >= written);
  std::string value;
  CHECK(*kv->get(kv_family::meta, "k", value));
}

TEST_CASE("write error") {
  const auto dir = directory_of_case();
  auto kv = open_at(dir);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  getrlimit(RLIMIT_FSIZE, &limit);
  limit.rlim_cur = 1u << 20;  // no file may grow beyond 1 MiB: EFBIG
  REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  const auto [written, why] = write_until_it_fails(*kv, 50000, 100);
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

int main(int argc, char** argv) {
  doctest::Context context(argc, argv);
  const int failed = context.run();
  return failed ? failed : cases_begun == 1 ? 0 : 78;
}
