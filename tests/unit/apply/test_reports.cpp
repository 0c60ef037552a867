// Usage reports in a tenant's account: one at a time, frozen when it begins, and what each collection held then.
#include <map>

#include "machine_world.hpp"
#include "storage/apply/account.hpp"

using namespace waggle;
using namespace apply_test;

namespace {
reported_collections reported(machine_world& w, const tenant_id& who, bool on_its_way) {
  const auto keys = tenant_keyspace::of_verified_owner(who);
  const auto bytes = write_overlay(w.kv()).get(kv_family::meta, keys.reported_record(on_its_way));
  REQUIRE(bytes.has_value());
  if (!*bytes) return {};
  auto list = decode_reported(**bytes);
  REQUIRE(list.has_value());
  return std::move(*list);
}
}  // namespace

TEST_CASE("usage: one report at a time, frozen when it begins") {
  machine_world w;
  const auto who = owner(1);
  const auto c = make(w, who, "docs");
  const auto begin = [&] { CHECK(w.one(entry(who, {}, begin_report_op{})).code == ec::ok); };
  const auto end = [&](std::uint64_t at) { CHECK(w.one(entry(who, {}, end_report_op{at})).code == ec::ok); };
  begin();
  auto now = account(w, who);
  REQUIRE(now.reporting);
  CHECK(now.reporting->position == 1);
  CHECK(now.reporting->total.collections_created == 1);
  w.one(entry(who, c, upsert({make_point("a", 1)})));
  begin();
  CHECK(account(w, who).reporting->position == 1);
  w.reopen();
  end(2);  // of another report
  CHECK(account(w, who).reporting);
  end(1);
  CHECK(!account(w, who).reporting);
  CHECK(account(w, who).reported.position == 1);
  end(1);
  begin();
  CHECK(account(w, who).reporting->position == 2);
  CHECK(account(w, who).reporting->total.vectors_inserted == 1);
  end(2);
  begin();
  CHECK(!account(w, who).reporting);  // nothing new
}

TEST_CASE("usage: a report says what each collection held when it began, and keeps that of the one before") {
  machine_world w;
  const auto who = owner(1);
  const auto c = make(w, who, "docs");
  const auto held = [&](bool on_its_way) { return reported(w, who, on_its_way); };
  // The points and the report in one batch: their counters are not in the store yet.
  w.apply({entry(who, c, upsert({make_point("a", 1, "xx")})), entry(who, {}, begin_report_op{})});
  w.one(entry(who, c, create_snapshot_op{"s"}));
  REQUIRE(held(true).size() == 1);
  const auto first = held(true).front();
  CHECK(first.name == "docs");
  CHECK(first.uuid == collection_uuid(who, "docs"));
  CHECK(first.points == 1);
  CHECK(first.bytes == 11);
  w.one(entry(who, {}, begin_report_op{}));  // it has begun: nothing changes
  CHECK(held(true).front() == first);
  w.one(entry(who, {}, end_report_op{account(w, who).reporting->position}));
  CHECK(held(true).empty());
  CHECK(held(false).front() == first);
  w.one(entry(who, c, rename_collection_op{"other"}));
  w.one(entry(who, {}, begin_report_op{}));
  CHECK(held(true).front().uuid == first.uuid);
  CHECK(held(true).front().name == "other");
  CHECK(held(true).front().bytes == account(w, who).now.bytes);  // with the snapshot
  CHECK(held(true).front().bytes > first.bytes);
}

TEST_CASE("usage: collections under one id are one in a report") {
  machine_world w;
  const auto who = owner(1);
  const auto c = make(w, who, "docs");
  w.one(entry(who, c, upsert({make_point("a", 1)})));
  w.one(entry(who, c, rename_collection_op{"old"}));
  w.one(entry(who, make(w, who, "other"), upsert({make_point("a", 1)})));
  w.one(entry(who, make(w, who, "docs"), upsert({make_point("a", 1), make_point("b", 1)})));
  w.one(entry(who, {}, begin_report_op{}));
  const auto held = reported(w, who, true);
  REQUIRE(held.size() == 2);
  std::map<std::array<std::uint8_t, 16>, std::uint64_t> points;
  for (const auto& one : held) points[one.uuid] = one.points;
  CHECK(points[collection_uuid(who, "docs")] == 3);
  CHECK(points[collection_uuid(who, "other")] == 1);
  CHECK(held[0].bytes + held[1].bytes == account(w, who).now.bytes);
}

TEST_CASE("usage: what a report in flight says of collections outlives their tenant, without their names") {
  machine_world w;
  const auto who = owner(1);
  const auto c = make(w, who, "docs");
  w.one(entry(who, c, upsert({make_point("a", 1)})));
  w.one(entry(who, {}, begin_report_op{}));
  const auto before = reported(w, who, true);
  w.one(entry(who, {}, erase_tenant_op{}));
  const auto after = reported(w, who, true);
  REQUIRE(after.size() == 1);
  CHECK(after[0].name.empty());
  CHECK(after[0].uuid == before[0].uuid);
  CHECK(after[0].points == 1);
  // The next one says that nothing is left.
  w.one(entry(who, {}, end_report_op{account(w, who).reporting->position}));
  w.one(entry(who, {}, begin_report_op{}));
  CHECK(reported(w, who, false) == after);
  CHECK(reported(w, who, true).empty());
  CHECK(account(w, who).reporting->collections == 0);
}
