// Tenants' own databases: which key goes where, how many are open, and what one that is damaged does to the others.
#include <doctest/doctest.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "child_process.hpp"
#include "kv_support.hpp"
#include "storage/kv/tenant_route.hpp"

using namespace waggle;
using namespace waggle::test;
namespace fs = std::filesystem;

namespace {

tenant_id tenant(int n) {
  tenant_id id;
  id.bytes.fill(static_cast<std::uint8_t>(n));
  return id;
}

std::string key_of(const tenant_id& owner, std::string_view rest) {
  return std::string(owner.bytes.begin(), owner.bytes.end()).append(rest);
}

struct apart {
  temp_dir dir;
  std::size_t open_max = 256;
  std::unique_ptr<kv_store> kv;

  explicit apart(std::size_t most = 256) : open_max(most) { open(); }
  void open() {
    kv.reset();
    kv_store::options options;
    options.directory = dir.path() / "_node" / "kv";
    options.tenants_root = dir.path();
    options.open_tenants_max = open_max;
    auto opened = kv_store::open(options);
    REQUIRE(opened.has_value());
    kv = std::move(*opened);
  }
  fs::path files_of(const tenant_id& owner) const { return dir.path() / to_string(owner) / "kv"; }
  result<void> put(const std::string& key, std::string_view value, kv_family family = kv_family::points) {
    kv_batch batch;
    batch.put(family, key, value);
    return kv->write(batch, kv_sync::no);
  }
  std::string get(const std::string& key, kv_family family = kv_family::points) {
    std::string value;
    const auto found = kv->get(family, key, value);
    return !found ? std::string(info(found.error().code).name) : *found ? value : "-";
  }
};

}  // namespace

TEST_CASE("tenant databases: keys of a tenant go to its own, the node's and the implicit tenant's to the shared one") {
  apart a;
  const auto one = tenant(1), two = tenant(2);
  kv_batch batch;
  batch.put(kv_family::points, key_of(one, "p"), "of one");
  batch.put(kv_family::points, key_of(two, "p"), "of two");
  batch.put(kv_family::meta, key_of(tenant_id{}, "r"), "of the node");
  batch.put(kv_family::meta, key_of(tenant(0xff), "A"), "of the group");
  batch.put(kv_family::raft_log, key_of(one, "log"), "entry");
  REQUIRE(a.kv->write(batch, kv_sync::yes).has_value());
  CHECK(a.get(key_of(one, "p")) == "of one");
  CHECK(a.get(key_of(two, "p")) == "of two");
  CHECK(a.kv->stats().tenants_open == 2);
  a.kv.reset();
  const auto keys_at = [](const fs::path& path) {
    const auto kv = open_at(path);
    int count = 0;
    for (const auto family : {kv_family::points, kv_family::meta, kv_family::raft_log})
      REQUIRE(kv->scan(family, {}, {}, [&count](std::string_view, std::string_view) { return ++count, true; }).has_value());
    return count;
  };
  CHECK(keys_at(a.files_of(one)) == 1);
  CHECK(keys_at(a.files_of(two)) == 1);
  CHECK(keys_at(a.dir.path() / "_node" / "kv") == 3);
}

TEST_CASE("tenant databases: reading makes none") {
  apart a;
  const auto nobody = tenant(9);
  CHECK(a.get(key_of(nobody, "p")) == "-");
  int seen = 0;
  CHECK(a.kv->scan(kv_family::points, key_of(nobody, ""), key_of(tenant(10), ""),
                   [&seen](std::string_view, std::string_view) { return ++seen, true; }).has_value());
  CHECK(seen == 0);
  CHECK(a.kv->snapshot(nobody) == nullptr);
  CHECK_FALSE(fs::exists(a.files_of(nobody).parent_path()));
}

TEST_CASE("tenant databases: few are open, under readers and writers of many; nothing is lost by closing") {
  apart a(3);
  constexpr int tenants = 12, writes = 60;
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < writes; ++i) {
        const auto owner = tenant(1 + (i * 5 + t * 3) % tenants);
        const auto key = key_of(owner, std::to_string(t) + "/" + std::to_string(i));
        if (!a.put(key, key) || a.get(key) != key) ++wrong;
        if (i % 7 == 0) {
          const auto snapshot = a.kv->snapshot(owner);
          std::string value;
          if (!snapshot || !a.kv->get(kv_family::points, key, value, snapshot.get())) ++wrong;
        }
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(a.get(key_of(tenant(1), "-")) == "-");
  CHECK(a.kv->stats().tenants_open <= 4);  // one more while it was being opened
  a.open();
  int found = 0;
  for (int n = 1; n <= tenants; ++n)
    REQUIRE(a.kv->scan(kv_family::points, key_of(tenant(n), ""), key_of(tenant(n + 1), ""),
                       [&found](std::string_view, std::string_view) { return ++found, true; }).has_value());
  CHECK(found == 4 * writes);
}

TEST_CASE("tenant databases: one that is in use is not closed") {
  apart a(1);
  REQUIRE(a.put(key_of(tenant(1), "p"), "old").has_value());
  const auto snapshot = a.kv->snapshot(tenant(1));
  REQUIRE(snapshot);
  REQUIRE(a.put(key_of(tenant(2), "p"), "x").has_value());
  REQUIRE(a.put(key_of(tenant(3), "p"), "x").has_value());
  REQUIRE(a.put(key_of(tenant(1), "p"), "new").has_value());
  std::string value;
  REQUIRE(*a.kv->get(kv_family::points, key_of(tenant(1), "p"), value, snapshot.get()));
  CHECK(value == "old");
}

TEST_CASE("tenant databases: one that is damaged or lost shuts out its tenant, and nobody else") {
  apart a;
  for (int n : {1, 2, 3}) {
    REQUIRE(a.put(key_of(tenant(n), "p"), "x").has_value());
    REQUIRE(a.put(tenant_route::mirror_key(tenant(n)), "account", kv_family::meta).has_value());
  }
  a.kv.reset();
  std::ofstream(a.files_of(tenant(1)) / "CURRENT") << "nonsense";
  fs::remove_all(a.files_of(tenant(2)));
  a.open();
  CHECK(a.get(key_of(tenant(1), "p")) == "TENANT_UNAVAILABLE");
  CHECK(a.get(key_of(tenant(2), "p")) == "TENANT_UNAVAILABLE");
  const auto written = a.put(key_of(tenant(1), "q"), "y");
  REQUIRE_FALSE(written.has_value());
  CHECK(written.error().code == ec::tenant_unavailable);
  CHECK(a.kv->quarantined(tenant(1)));
  CHECK_FALSE(a.kv->quarantined(tenant(3)));
  CHECK(a.kv->stats().tenants_quarantined == 2);
  CHECK(a.get(key_of(tenant(3), "p")) == "x");
  CHECK_FALSE(a.kv->failed());
  CHECK(a.kv->sync_tenants().has_value());
  // Given up, it begins anew.
  REQUIRE(a.kv->drop_tenant(tenant(2), log_index(7)).has_value());
  CHECK(a.get(key_of(tenant(2), "p")) == "-");
  REQUIRE(a.put(key_of(tenant(2), "p"), "again").has_value());
  CHECK(a.get(key_of(tenant(2), "p")) == "again");
}

TEST_CASE("tenant databases: a dropped one is gone, also when the node died in between") {
  apart a;
  REQUIRE(a.put(key_of(tenant(1), "p"), "x").has_value());
  REQUIRE(a.put(tenant_route::mirror_key(tenant(1)), "account", kv_family::meta).has_value());
  const auto snapshot = a.kv->snapshot(tenant(1));
  CHECK(a.kv->drop_tenant(tenant(1), log_index(5)).error().code == ec::not_ready);  // somebody reads
  // The mark is written, the files are still there: the next start removes them.
  CHECK(fs::exists(a.files_of(tenant(1)) / "CURRENT"));
}

TEST_CASE("tenant databases: what a crash left of a dropped one goes with the next start; a new one stays") {
  apart a;
  REQUIRE(a.put(key_of(tenant(1), "p"), "x").has_value());
  REQUIRE(a.put(tenant_route::dropped_key(tenant(1)), std::string(8, '\0'), kv_family::meta).has_value());
  a.open();
  CHECK_FALSE(fs::exists(a.files_of(tenant(1))));
  CHECK(a.get(key_of(tenant(1), "p")) == "-");
  REQUIRE(a.put(key_of(tenant(1), "p"), "second life").has_value());
  a.open();
  CHECK(a.get(key_of(tenant(1), "p")) == "second life");
  CHECK(a.get(tenant_route::dropped_key(tenant(1)), kv_family::meta) == "-");
}
