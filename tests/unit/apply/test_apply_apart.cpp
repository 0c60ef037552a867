// Applying with a database for each tenant: whatever part of a batch a crash kept, applying the log again leads to what
// would have been without it.
#include <fstream>

#include "machine_world.hpp"
#include "storage/apply/account.hpp"
#include "storage/kv/tenant_route.hpp"

using namespace apply_test;
namespace fs = std::filesystem;

namespace {

struct apart_world : machine_world {
  apart_world() : machine_world(true) {}

  fs::path shared() const { return directory() / "_node" / "kv"; }
  fs::path own(int n) const { return directory() / to_string(owner(n)); }
  void keep(const fs::path& files) {
    fs::remove_all(files.string() + ".kept");
    fs::copy(files, files.string() + ".kept", fs::copy_options::recursive);
  }
  /// As it was kept: what was written since is lost.
  void lose(const fs::path& files) {
    fs::remove_all(files);
    fs::rename(files.string() + ".kept", files);
  }
  /// Exact by the points themselves, in account, mirror and totals.
  void check_exact(std::vector<int> owners) {
    group_totals all;
    for (const int n : owners) {
      const write_overlay store(kv());
      const auto truth = load_account(store, owner(n)), known = known_account(store, owner(n));
      const auto counted = recount_points(store, owner(n));
      REQUIRE(counted.has_value());
      REQUIRE((truth && *truth && known && *known));
      CHECK((*truth)->now.points == counted->points);
      CHECK((*truth)->now.bytes == counted->bytes);
      CHECK(encode_tenant(**truth) == encode_tenant(**known));
      all.collections += counted->collections;
      all.points += counted->points;
    }
    CHECK(machine().totals().collections == all.collections);
    CHECK(machine().totals().points == all.points);
  }
  std::uint64_t points_of(int n) { return counters(owner(n), collection_id(1)).points; }
};

log_entry reads(std::vector<int> owners, std::uint64_t each) {
  count_reads_op op;
  for (const int n : owners) op.lines.push_back({owner(n), each, each});
  return entry(tenant_id{}, {}, op);
}

std::uint64_t searches_of(apart_world& w, int n) {
  const auto account = load_account(write_overlay(w.kv()), owner(n));
  REQUIRE((account && *account));
  return (*account)->now.total.search_count;
}

/// Two tenants, and one batch that concerns both and the node.
std::vector<log_entry> batch_of_both(collection_id c) {
  std::vector<log_entry> list;
  list.push_back(entry(owner(1), c, upsert({make_point("a", 1), make_point("b", 2)})));
  list.push_back(entry(owner(2), c, upsert({make_point("a", 1)})));
  list.push_back(entry(tenant_id{}, {}, put_record_op{"space", "key", "value", std::uint64_t{0}}));
  list.push_back(reads({1, 2}, 10));
  list.push_back(entry(owner(1), c, delete_points_op{{"a"}, {}}));
  return list;
}

void check_batch(apart_world& w) {
  CHECK(w.points_of(1) == 2);  // "first" and "b"
  CHECK(w.points_of(2) == 2);
  CHECK(searches_of(w, 1) == 10);
  CHECK(searches_of(w, 2) == 10);
  w.check_exact({1, 2});
}

}  // namespace

TEST_CASE("apart: a batch over tenants goes to their databases, and applying it again changes nothing") {
  apart_world w;
  const auto c = make(w, owner(1), "docs");
  REQUIRE(make(w, owner(2), "docs") == c);
  for (int n : {1, 2}) w.one(entry(owner(n), c, upsert({make_point("first", 0)})));
  for (const auto& out : w.apply(batch_of_both(c)).outcomes) CHECK(out.code == ec::ok);
  check_batch(w);
  w.reopen();
  CHECK(w.machine().applied() == log_index(0));  // nothing is known to be durable
  for (const auto& out : w.apply_again().outcomes) CHECK((out.code == ec::conflict || out.code == ec::ok));
  check_batch(w);
  REQUIRE(state_machine::make_durable(w.kv(), group_id{}, w.machine().applied()).has_value());
  const auto applied = w.machine().applied();
  w.reopen();
  CHECK(w.machine().applied() == applied);
}

TEST_CASE("apart: any part of a batch may be lost in a crash") {
  for (int lost = 1; lost < 8; ++lost) {
    CAPTURE(lost);
    apart_world w;
    const auto c = make(w, owner(1), "docs");
    make(w, owner(2), "docs");
    for (int n : {1, 2}) w.one(entry(owner(n), c, upsert({make_point("first", 0)})));
    w.close();
    const std::vector<fs::path> files = {w.shared(), w.own(1), w.own(2)};
    for (const auto& f : files) w.keep(f);
    w.open();
    w.apply_again();
    w.apply(batch_of_both(c));
    w.close();
    for (int i = 0; i < 3; ++i)
      if (lost & (1 << i)) w.lose(files[static_cast<std::size_t>(i)]);
    w.open();
    w.apply_again();
    check_batch(w);
    // And life goes on.
    CHECK(w.one(entry(owner(1), c, upsert({make_point("later", 3)}))).code == ec::ok);
    w.check_exact({1, 2});
  }
}

TEST_CASE("apart: a request that is repeated after such a crash gets its outcome") {
  apart_world w;
  const auto c = make(w, owner(1), "docs");
  auto once = entry(owner(1), c, upsert({make_point("a", 1)}));
  once.request.bytes.fill(3);
  w.close();
  w.keep(w.shared());
  w.open();
  w.apply_again();
  const auto first = w.one(once);
  w.close();
  w.lose(w.shared());
  w.open();
  w.apply_again();
  const auto again = w.one(once);
  CHECK(again.code == ec::ok);
  CHECK(again.index == first.index);
  CHECK(w.points_of(1) == 1);
}

TEST_CASE("apart: reads that a crash took from one tenant only are counted again, for it alone") {
  for (const bool as_request : {false, true}) {
    CAPTURE(as_request);
    apart_world w;
    for (int n : {1, 2}) make(w, owner(n), "docs");
    w.close();
    w.keep(w.own(1));
    w.open();
    w.apply_again();
    auto counted = reads({1, 2}, 10);
    if (as_request) counted.request.bytes.fill(4);
    w.one(counted);
    w.close();
    w.lose(w.own(1));
    w.open();
    w.apply_again();
    CHECK(searches_of(w, 1) == 10);
    CHECK(searches_of(w, 2) == 10);
    if (!as_request) continue;
    w.one(counted);
    CHECK(searches_of(w, 1) == 10);
    CHECK(searches_of(w, 2) == 10);
  }
}

TEST_CASE("apart: a damaged tenant is refused; the batch goes on for the others") {
  apart_world w;
  const auto c = make(w, owner(1), "docs");
  make(w, owner(2), "docs");
  for (int n : {1, 2}) w.one(entry(owner(n), c, upsert({make_point("first", 0)})));
  w.close();
  std::ofstream(w.own(1) / "kv" / "CURRENT") << "nonsense";
  w.open();
  w.apply_again();
  const auto done = w.apply(batch_of_both(c));
  CHECK(done.outcomes[0].code == ec::tenant_unavailable);
  CHECK(done.outcomes[1].code == ec::ok);
  CHECK(done.outcomes[2].code == ec::ok);
  CHECK(done.outcomes[3].code == ec::ok);  // counted for the other one
  CHECK(done.outcomes[4].code == ec::tenant_unavailable);
  CHECK(done.shards.size() == 1);
  CHECK(w.points_of(2) == 2);
  CHECK(searches_of(w, 2) == 10);
  CHECK(state_machine::make_durable(w.kv(), group_id{}, w.machine().applied()).has_value());
  // What is known of it still shows.
  const auto known = known_account(write_overlay(w.kv()), owner(1));
  REQUIRE((known && *known));
  CHECK((*known)->now.points == 1);
  CHECK(w.machine().totals().points == 3);
}

TEST_CASE("apart: an erased and dropped tenant goes on counting when it returns; the log does not bring it back") {
  apart_world w;
  const auto c = make(w, owner(1), "docs");
  w.one(entry(owner(1), c, upsert({make_point("a", 1)})));
  const auto erased = w.one(entry(owner(1), {}, erase_tenant_op{}));
  CHECK(erased.deleted == 1);
  REQUIRE(w.kv().drop_tenant(owner(1), erased.index).has_value());
  CHECK_FALSE(fs::exists(w.own(1) / "kv"));
  w.reopen();
  w.apply_again();
  CHECK_FALSE(fs::exists(w.own(1) / "kv"));
  auto account = load_account(write_overlay(w.kv()), owner(1));
  REQUIRE((account && *account));
  CHECK((*account)->now.points == 0);
  CHECK((*account)->now.total.vectors_inserted == 1);
  CHECK(make(w, owner(1), "docs") > c);
  account = load_account(write_overlay(w.kv()), owner(1));
  REQUIRE((account && *account));
  CHECK((*account)->now.total.collections_created == 2);
  w.check_exact({1});
}

TEST_CASE("apart: every account is visited, without opening a database") {
  apart_world w;
  for (int n : {3, 1, 2}) make(w, owner(n), "docs");
  w.reopen();
  std::vector<tenant_id> seen;
  REQUIRE(visit_accounts(w.kv(), std::nullopt, [&](const tenant_id& id, const tenant_record&) {
            seen.push_back(id);
            return true;
          }).has_value());
  CHECK(seen == std::vector<tenant_id>{owner(1), owner(2), owner(3)});
  seen.clear();
  REQUIRE(visit_accounts(w.kv(), owner(1), [&](const tenant_id& id, const tenant_record&) {
            seen.push_back(id);
            return false;
          }).has_value());
  CHECK(seen == std::vector<tenant_id>{owner(2)});
  CHECK(w.kv().stats().tenants_open == 0);
}
