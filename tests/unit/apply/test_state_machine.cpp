// The state machine: outcomes, exact counts, idempotence by index, retried requests, isolation by owner.
#include <map>
#include <random>

#include "machine_world.hpp"

using namespace waggle;
using namespace apply_test;

TEST_CASE("a name is taken once per tenant, and free again after delete") {
  machine_world w;
  const auto a = make(w, owner(1), "docs");
  make(w, owner(2), "docs");
  collection_config config;
  config.name = "docs";
  CHECK(w.one(entry(owner(1), {}, create_collection_op{config})).code == ec::collection_already_exists);
  CHECK(w.one(entry(owner(1), a, delete_collection_op{})).code == ec::ok);
  CHECK(w.one(entry(owner(1), {}, create_collection_op{config})).code == ec::ok);
}

TEST_CASE("another owner's collection is not there") {
  machine_world w;
  const auto a = make(w, owner(1), "docs");
  make(w, owner(1), "more");
  const auto out = w.one(entry(owner(2), a, upsert({make_point("x", 1)})));
  CHECK(out.code == ec::collection_not_found);
  CHECK(w.counters(owner(1), a).points == 0);
}

TEST_CASE("upsert, update and delete count exactly and name every version") {
  machine_world w;
  const auto who = owner(1);
  const auto c = make(w, who, "docs");
  auto out = w.one(entry(who, c, upsert({make_point("a", 1, R"({"k":1})"), make_point("b", 2)})));
  CHECK(out.inserted == 2);
  CHECK(w.counters(who, c).points == 2);
  CHECK(w.counters(who, c).bytes == 2 * 8 + 2 + 7);
  out = w.one(entry(who, c, upsert({make_point("a", 3)})));
  CHECK(out.updated == 1);
  CHECK(out.items[0].seq == seq_no(3));
  CHECK(w.counters(who, c).bytes == 2 * 8 + 2);
  delete_points_op gone;
  gone.ids = {"a", "nobody"};
  out = w.one(entry(who, c, gone));
  CHECK(out.deleted == 1);
  CHECK(out.items[1].code == ec::vector_not_found);
  CHECK(w.counters(who, c).points == 1);
  CHECK(w.counters(who, c).last_seq == seq_no(4));
}

TEST_CASE("a wrong dimension refuses that point alone") {
  machine_world w;
  const auto c = make(w, owner(1), "docs", 3);
  const auto out = w.one(entry(owner(1), c, upsert({make_point("a", 1)})));
  CHECK(out.items[0].code == ec::dimension_mismatch);
  CHECK(out.inserted == 0);
}

TEST_CASE("if_version holds against the version in the log's order") {
  machine_world w;
  const auto c = make(w, owner(1), "docs");
  w.one(entry(owner(1), c, upsert({make_point("a", 1)})));
  update_point_op op;
  op.id = "a";
  op.payload = R"({"v":2})";
  op.if_version = 1;
  CHECK(w.one(entry(owner(1), c, op)).items[0].code == ec::ok);
  CHECK(w.one(entry(owner(1), c, op)).items[0].code == ec::precondition_failed);
  op.id = "b";
  CHECK(w.one(entry(owner(1), c, op)).items[0].code == ec::vector_not_found);
}

TEST_CASE("an entry at or below the applied index changes nothing") {
  machine_world w;
  const auto c = make(w, owner(1), "docs");
  w.one(entry(owner(1), c, upsert({make_point("a", 1)})));
  const auto before = w.machine().applied();
  auto again = w.machine().apply(w.last());
  REQUIRE(again.has_value());
  CHECK(again->shards.empty());
  CHECK(w.machine().applied() == before);
  CHECK(w.counters(owner(1), c).last_seq == seq_no(1));
  w.reopen();
  CHECK(w.machine().applied() == before);
  again = w.machine().apply(w.last());
  REQUIRE(again.has_value());
  CHECK(w.counters(owner(1), c).last_seq == seq_no(1));
}

TEST_CASE("a retried request is answered from the window, in the same batch and after a restart") {
  machine_world w;
  const auto c = make(w, owner(1), "docs");
  auto e = entry(owner(1), c, upsert({make_point("a", 1)}));
  e.request.bytes[3] = 9;
  e.fingerprint = 77;
  auto both = w.apply({e, e});
  CHECK(!both.outcomes[0].repeated);
  CHECK(both.outcomes[1].repeated);
  CHECK(both.outcomes[1].items[0].seq == both.outcomes[0].items[0].seq);
  w.reopen();
  const auto later = w.one(e);
  CHECK(later.repeated);
  CHECK(later.inserted == 1);
  CHECK(later.ids == std::vector<std::string>{"a"});
  CHECK(w.counters(owner(1), c).last_seq == seq_no(1));
  e.fingerprint = 78;
  CHECK(w.one(e).code == ec::conflict);
  e.owner = owner(2);
  CHECK(w.one(e).code == ec::collection_not_found);
}

TEST_CASE("replacing a text removes the chunks that the new one lacks, also inside one batch") {
  machine_world w;
  const auto c = make(w, owner(1), "docs");
  const auto text = [&](int chunks) {
    replace_text_op op;
    op.parent = "t";
    for (int i = 0; i < chunks; ++i)
      op.points.push_back(make_point("t#" + std::to_string(i), 1, R"({"parent_id":"t"})"));
    return entry(owner(1), c, op);
  };
  w.one(text(5));
  CHECK(w.counters(owner(1), c).points == 5);
  CHECK(w.counters(owner(1), c).documents == 1);
  w.one(entry(owner(1), c, upsert({make_point("t#x", 1), make_point("tt#1", 1)})));
  w.apply({text(3), text(2)});
  CHECK(w.counters(owner(1), c).points == 4);
  CHECK(w.counters(owner(1), c).documents == 3);
}

TEST_CASE("a refused cleanup of a collection that is not empty loses nothing of its batch") {
  machine_world w;
  const auto c = make(w, owner(1), "docs");
  delete_collection_op only_empty;
  only_empty.only_empty = true;
  auto done = w.apply({entry(owner(1), c, upsert({make_point("a", 1)})), entry(owner(1), c, only_empty)});
  CHECK(done.outcomes[1].code == ec::conflict);
  REQUIRE(done.shards.size() == 1);
  CHECK(done.shards[0].rows.size() == 1);
  CHECK(w.counters(owner(1), c).points == 1);
}

TEST_CASE("a snapshot brings back what was there, with new versions") {
  machine_world w;
  const auto c = make(w, owner(1), "docs");
  w.one(entry(owner(1), c, upsert({make_point("a", 1), make_point("b", 2)})));
  w.one(entry(owner(1), c, create_snapshot_op{"s"}));
  delete_points_op gone;
  gone.ids = {"a"};
  w.one(entry(owner(1), c, gone));
  w.one(entry(owner(1), c, upsert({make_point("c", 3)})));
  CHECK(w.one(entry(owner(1), c, restore_snapshot_op{"unknown"})).code == ec::snapshot_not_found);
  CHECK(w.one(entry(owner(1), c, restore_snapshot_op{"s"})).code == ec::ok);
  CHECK(w.counters(owner(1), c).points == 2);
  std::string bytes;
  const auto keys = tenant_keyspace::of_verified_owner(owner(1));
  CHECK(*w.kv().get(kv_family::points, keys.point(c, shard_id{}, "a"), bytes));
  CHECK(!*w.kv().get(kv_family::points, keys.point(c, shard_id{}, "c"), bytes));
}

TEST_CASE("random histories: counters and change index equal a recount, deltas rebuild the rows") {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 rng(seed);
    machine_world w;
    const auto who = owner(1);
    const auto c = make(w, who, "docs");
    std::map<std::uint64_t, std::string> live;  // rows as a shard would hold them: seq -> id
    std::map<std::string, float> model;
    for (int round = 0; round < 60; ++round) {
      std::vector<log_entry> batch;
      for (auto n = rng() % 5 + 1; n > 0; --n) {
        const auto id = "p" + std::to_string(rng() % 25);
        if (rng() % 3 == 0) {
          delete_points_op op;
          op.ids = {id};
          batch.push_back(entry(who, c, op));
          model.erase(id);
        } else {
          const auto x = static_cast<float>(rng() % 1000);
          batch.push_back(entry(who, c, upsert({make_point(id, x, R"({"x":1})")})));
          model[id] = x;
        }
      }
      for (auto& delta : w.apply(std::move(batch)).shards) {
        for (const auto& r : delta.rows) live[r.seq.value] = r.data.id.str();
        for (const auto& t : delta.tombstones) CHECK(live.erase(t.victim.value) == 1);
      }
      if (rng() % 10 == 0) w.reopen();
    }
    std::map<std::uint64_t, std::string> indexed;
    std::uint64_t bytes = 0, count = 0;
    const auto keys = tenant_keyspace::of_verified_owner(who);
    auto [begin, end] = keys.range(c, shard_id{}, 'S');
    REQUIRE(w.kv().scan(kv_family::points, begin, end, [&](std::string_view k, std::string_view v) {
               if (v.front() == '+') indexed[tenant_keyspace::read_be64(tenant_keyspace::rest(k))] = v.substr(1);
               return true;
             }).has_value());
    std::tie(begin, end) = keys.range(c, shard_id{}, 'P');
    REQUIRE(w.kv().scan(kv_family::points, begin, end, [&](std::string_view k, std::string_view v) {
               const auto record = decode_point(tenant_keyspace::rest(k), v);
               REQUIRE(record.has_value());
               CHECK(model.at(record->data.id.str()) == record->data.vector[0]);
               bytes += logical_bytes(record->data);
               ++count;
               return true;
             }).has_value());
    CHECK(indexed == live);
    CHECK(count == model.size());
    CHECK(w.counters(who, c).points == count);
    CHECK(w.counters(who, c).bytes == bytes);
    CHECK(w.counters(who, c).documents == count);
  }
}

namespace {
log_entry about_records(std::vector<operation> ops) {
  log_entry e;
  e.time_ms = 1000;
  e.parts.push_back({shard_id{}, std::move(ops)});
  return e;
}
std::optional<node_record> stored(machine_world& w, std::string_view space, std::string_view key) {
  std::string bytes;
  const auto found = w.kv().get(kv_family::meta, tenant_keyspace::node_record(space, key), bytes);
  REQUIRE(found.has_value());
  if (!*found) return std::nullopt;
  return *decode_node_record(bytes);
}
}  // namespace

TEST_CASE("records of the node are written, handed out, read back and erased") {
  machine_world w;
  const auto done = w.apply({about_records({put_record_op{"keys", "a", "1", {}}, put_record_op{"users", "a", "2", {}}}),
                             about_records({erase_record_op{"users", "a"}})});
  REQUIRE(done.records.size() == 3);
  CHECK(done.records[0].space == "keys");
  CHECK(done.records[0].value == "1");
  CHECK(done.records[0].version == done.outcomes[0].index.value);
  CHECK(done.records[2].value == std::nullopt);
  CHECK(done.records[2].version == done.outcomes[1].index.value);
  CHECK(done.catalog.empty());
  w.reopen();
  REQUIRE(stored(w, "keys", "a"));
  CHECK(stored(w, "keys", "a")->value == "1");
  CHECK(stored(w, "keys", "a")->version == done.outcomes[0].index.value);
  CHECK_FALSE(stored(w, "users", "a"));
  const auto again = w.machine().apply(w.last());
  REQUIRE(again.has_value());
  CHECK(again->records.empty());  // was applied before
}

TEST_CASE("a range of records holds one space") {
  machine_world w;
  w.apply({about_records({put_record_op{"key", "a", "", {}}, put_record_op{"keys", "a", "", {}},
                          put_record_op{"keys", std::string("\xff\xff", 2), "", {}}, put_record_op{"keyt", "a", "", {}}})});
  std::size_t count = 0;
  const auto [begin, end] = tenant_keyspace::node_record_range("keys");
  const auto scanned =
      w.kv().scan(kv_family::meta, begin, end, [&](std::string_view, std::string_view) { return ++count, true; });
  REQUIRE(scanned.has_value());
  CHECK(count == 2);
}

TEST_CASE("a record with a version is written only over that version, and the entry as a whole or not at all") {
  machine_world w;
  const auto put = [](std::string value, std::optional<std::uint64_t> version) {
    return put_record_op{"keys", "a", std::move(value), version};
  };
  const auto first = w.one(about_records({put("1", 0)}));
  CHECK(first.code == ec::ok);
  CHECK(w.one(about_records({put("2", 0)})).code == ec::conflict);
  const auto second = w.one(about_records({put("2", first.index.value)}));
  CHECK(second.code == ec::ok);
  CHECK(w.one(about_records({put("3", first.index.value)})).code == ec::conflict);
  CHECK(stored(w, "keys", "a")->value == "2");
  const auto refused = w.apply({about_records({put_record_op{"keys", "b", "x", {}}, put("4", first.index.value)})});
  CHECK(refused.outcomes[0].code == ec::conflict);
  CHECK(refused.records.empty());
  CHECK_FALSE(stored(w, "keys", "b"));
  w.one(about_records({erase_record_op{"keys", "a"}}));
  CHECK(w.one(about_records({put("5", second.index.value)})).code == ec::conflict);
  CHECK(w.one(about_records({put("5", 0)})).code == ec::ok);
}

TEST_CASE("no tenant's entry writes a record of the node") {
  machine_world w;
  const auto c = make(w, owner(1), "docs");
  auto owned = about_records({put_record_op{"keys", "a", "1", {}}});
  owned.owner = owner(1);
  CHECK(w.one(owned).code == ec::bad_request);
  owned.collection = c;
  CHECK(w.one(owned).code == ec::bad_request);
  owned.parts.front().ops = {erase_record_op{"keys", "a"}};
  CHECK(w.one(owned).code == ec::bad_request);
  const auto own = make(w, tenant_id{}, "docs");
  auto mixed = entry(tenant_id{}, own, upsert({make_point("x", 1)}));
  mixed.parts.front().ops.push_back(put_record_op{"keys", "a", "1", {}});
  CHECK(w.one(mixed).code == ec::bad_request);
  CHECK(w.counters(tenant_id{}, own).points == 0);
  CHECK_FALSE(stored(w, "keys", "a"));
}
