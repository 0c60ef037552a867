// A tenant's account: exact quotas, usage counted with the write, a refused entry leaves nothing behind.
#include <random>

#include "machine_world.hpp"
#include "storage/apply/account.hpp"

using namespace waggle;
using namespace apply_test;

namespace {

log_entry limited(log_entry e, quota_limits limits) {
  e.limits = limits;
  return e;
}
quota_limits points_max(std::uint64_t n) { return {std::nullopt, n, std::nullopt, std::nullopt}; }
quota_limits bytes_max(std::uint64_t n) { return {std::nullopt, std::nullopt, n, std::nullopt}; }

void check_no_drift(machine_world& w, const tenant_id& who) {
  const auto counted = recount_points(write_overlay(w.kv()), who);
  REQUIRE(counted.has_value());
  const auto now = account(w, who).now;
  CHECK(now.collections == counted->collections);
  CHECK(now.points == counted->points);
  CHECK(now.bytes == counted->bytes);
  CHECK(now.total.vectors_inserted - now.total.vectors_deleted == counted->points);
  CHECK(now.total.storage_added - now.total.storage_freed == counted->bytes);
  CHECK(now.total.collections_created - now.total.collections_deleted == counted->collections);
}

std::string everything(kv_store& kv) {
  std::string all;
  for (const auto family : {kv_family::points, kv_family::meta})
    REQUIRE(kv.scan(family, std::string(), std::string(17, '\xff'), [&](std::string_view k, std::string_view v) {
                if (k.substr(0, 16) != std::string(16, '\xff')) all.append(k).append("=").append(v).append(";");
                return true;
              }).has_value());
  return all;
}

}  // namespace

TEST_CASE("quota: the collection that is one too many is refused, and one fits again after a delete") {
  machine_world w;
  collection_config config;
  quota_limits two{2, std::nullopt, std::nullopt, std::nullopt};
  const auto create = [&](const std::string& name) {
    config.name = name;
    return w.one(limited(entry(owner(1), {}, create_collection_op{config}), two));
  };
  const auto a = create("a");
  CHECK(create("b").code == ec::ok);
  const auto refused = create("c");
  CHECK(refused.code == ec::quota_exceeded);
  REQUIRE(refused.quota);
  CHECK(refused.quota->type == quota_type::collection_count);
  CHECK(refused.quota->limit == 2);
  CHECK(refused.quota->used == 2);
  CHECK(create("a").code == ec::collection_already_exists);
  CHECK(w.one(entry(owner(1), a.collection->id, delete_collection_op{})).code == ec::ok);
  CHECK(create("c").code == ec::ok);
  check_no_drift(w, owner(1));
}

TEST_CASE("quota: a batch fits or is refused whole; overwrites and shrinking pass when full") {
  machine_world w;
  const auto who = owner(1);
  const auto c = make(w, who, "docs");
  const auto put = [&](std::vector<point> points) {
    return w.one(limited(entry(who, c, upsert(std::move(points))), points_max(3)));
  };
  CHECK(put({make_point("a", 1), make_point("b", 1)}).inserted == 2);
  const auto before = everything(w.kv());
  const auto refused = put({make_point("a", 9), make_point("c", 1), make_point("d", 1)});
  CHECK(refused.code == ec::quota_exceeded);
  REQUIRE(refused.quota);
  CHECK(refused.quota->type == quota_type::vector_count);
  CHECK(refused.quota->used == 2);
  CHECK(refused.quota->requested == 2);
  CHECK(everything(w.kv()) == before);
  CHECK(put({make_point("a", 9), make_point("c", 1)}).inserted == 1);
  CHECK(put({make_point("a", 7), make_point("b", 7), make_point("c", 7)}).updated == 3);
  CHECK(put({make_point("d", 1)}).code == ec::quota_exceeded);
  delete_points_op gone;
  gone.ids = {"a"};
  CHECK(w.one(limited(entry(who, c, gone), points_max(3))).deleted == 1);
  CHECK(put({make_point("d", 1)}).inserted == 1);
  // A lower limit than what is there deletes nothing, and still refuses growth only.
  CHECK(w.one(limited(entry(who, c, upsert({make_point("d", 2)})), points_max(1))).updated == 1);
  CHECK(w.one(limited(entry(who, c, upsert({make_point("e", 2)})), points_max(1))).code == ec::quota_exceeded);
  check_no_drift(w, who);
}

TEST_CASE("quota: bytes grow by the difference only") {
  machine_world w;
  const auto who = owner(1);
  const auto c = make(w, who, "docs");
  const auto put = [&](std::string payload) {
    return w.one(limited(entry(who, c, upsert({make_point("a", 1, std::move(payload))})), bytes_max(9 + 20)));
  };
  CHECK(put(std::string(12, 'x')).code == ec::ok);
  auto grown = put(std::string(20, 'x'));
  CHECK(grown.code == ec::ok);
  CHECK(grown.bytes_added == 8);
  grown = put(std::string(21, 'x'));
  CHECK(grown.code == ec::quota_exceeded);
  REQUIRE(grown.quota);
  CHECK(grown.quota->type == quota_type::storage);
  CHECK(grown.quota->bytes_used == 29);
  CHECK(grown.quota->bytes_requested == 1);
  CHECK(put("").bytes_freed == 20);
  CHECK(account(w, who).now.total.storage_added == 9 + 20);
  CHECK(account(w, who).now.total.storage_freed == 20);
  check_no_drift(w, who);
}

TEST_CASE("quota: a refused entry leaves nothing in its batch, nor for the live shards, and may be tried again") {
  machine_world w;
  const auto who = owner(1);
  const auto c = make(w, who, "docs");
  auto refused = limited(entry(who, c, upsert({make_point("b", 1), make_point("c", 1)})), points_max(2));
  refused.request.bytes[0] = 5;
  auto done = w.apply({limited(entry(who, c, upsert({make_point("a", 1)})), points_max(2)), refused,
                       limited(entry(who, c, upsert({make_point("d", 1)})), points_max(2))});
  CHECK(done.outcomes[1].code == ec::quota_exceeded);
  CHECK(done.outcomes[2].inserted == 1);
  REQUIRE(done.shards.size() == 1);
  REQUIRE(done.shards[0].rows.size() == 2);
  CHECK(done.shards[0].rows[0].data.id.str() == "a");
  CHECK(done.shards[0].rows[1].data.id.str() == "d");
  CHECK(done.shards[0].rows[1].seq == seq_no(2));
  refused.limits = points_max(4);
  const auto again = w.one(refused);
  CHECK(again.inserted == 2);
  CHECK(!again.repeated);
  check_no_drift(w, who);
}

TEST_CASE("quota: HiveHub's last word is kept, also that there are no limits any more") {
  machine_world w;
  const auto who = owner(1);
  const auto c = make(w, who, "docs");
  const auto kept = [&](log_entry e, quota_limits limits, std::int64_t said_ms) {
    limits.said_ms = said_ms;
    CHECK(w.one(limited(std::move(e), limits)).code == ec::ok);
    auto now = account(w, who).limits;
    CHECK(now.said_ms >= said_ms);
    now.said_ms = 0;
    return now;
  };
  const quota_limits none;
  CHECK(kept(entry(who, c, upsert({make_point("a", 1)})), points_max(3), 0) == none);  // the configuration's
  CHECK(kept(entry(who, c, upsert({make_point("a", 1)})), points_max(3), 5) == points_max(3));
  CHECK(kept(entry(who, {}, begin_report_op{}), none, 0) == points_max(3));  // no client's
  CHECK(kept(entry(tenant_id{}, {}, count_reads_op{{{who, 1, 1}}}), none, 0) == points_max(3));
  CHECK(kept(entry(who, c, upsert({make_point("b", 1)})), none, 6) == none);
  CHECK(account(w, who).limits.said_ms == 6);
  w.reopen();
  CHECK(account(w, who).limits.said_ms == 6);
}

TEST_CASE("quota: a word too old to grow on refuses what grows and nothing else") {
  machine_world w;
  const auto who = owner(1);
  const auto c = make(w, who, "docs");
  const auto act = [&](operation op, bool no_growth) {
    quota_limits limits;
    limits.said_ms = 1;
    limits.no_growth = no_growth;
    return w.one(limited(entry(who, c, std::move(op)), limits));
  };
  CHECK(act(upsert({make_point("a", 1, "xxxx"), make_point("b", 1)}), false).code == ec::ok);
  for (auto points : {std::vector{make_point("c", 1)}, std::vector{make_point("a", 1, "xxxxx")}}) {
    const auto refused = act(upsert(points), true);
    CHECK(refused.code == ec::quota_exceeded);
    REQUIRE(refused.quota);
    CHECK(refused.quota->entitlement_expired);
  }
  collection_config more;
  more.name = "more";
  CHECK(act(create_collection_op{more}, true).code == ec::quota_exceeded);
  CHECK(act(upsert({make_point("a", 1, "x")}), true).updated == 1);
  CHECK(act(delete_points_op{{"b"}, {}}, true).deleted == 1);
  CHECK_FALSE(account(w, who).limits.no_growth);  // it is the moment's, not HiveHub's word
  check_no_drift(w, who);
}

TEST_CASE("an entry over several shards happens whole or not at all") {
  machine_world w;
  const auto who = owner(1);
  collection_config config;
  config.name = "wide";
  config.dimension = 2;
  config.shard_count = 3;
  const auto c = w.one(entry(who, {}, create_collection_op{config})).collection->id;
  log_entry e;
  e.owner = who;
  e.collection = c;
  for (std::uint32_t s = 0; s < 3; ++s)
    e.parts.push_back({shard_id(s), {upsert({make_point("p" + std::to_string(s), 1)})}});
  auto done = w.apply({limited(e, points_max(2))});
  CHECK(done.outcomes[0].code == ec::quota_exceeded);
  for (const auto& shard : done.shards) CHECK(shard.rows.empty());
  CHECK(account(w, who).now.points == 0);
  done = w.apply({limited(e, points_max(3))});
  CHECK(done.outcomes[0].inserted == 3);
  CHECK(done.shards.size() == 3);
  e.parts.push_back({shard_id(3), {}});
  CHECK(w.one(e).code == ec::collection_not_found);
  check_no_drift(w, who);
}

TEST_CASE("usage: what was read is counted for many tenants in one entry, by the month") {
  machine_world w;
  make(w, owner(1), "docs");
  const auto reads = [&](std::int64_t time_ms, std::vector<count_reads_op::line> lines) {
    auto e = entry(tenant_id{}, {}, count_reads_op{std::move(lines)});
    e.time_ms = time_ms;
    CHECK(w.one(e).code == ec::ok);
  };
  constexpr std::int64_t november = 1'795'219'200'000, december = november + 15 * 86'400'000ll;  // 2026-11-21, 2026-12-06
  reads(november, {{owner(1), 3, 10}, {owner(2), 0, 2}});
  reads(november + 1000, {{owner(1), 1, 5}});
  CHECK(account(w, owner(1)).now.total.search_count == 4);
  CHECK(account(w, owner(1)).now.total.api_requests == 15);
  CHECK(account(w, owner(1)).month == 202611);
  CHECK(account(w, owner(1)).month_requests == 15);
  CHECK(account(w, owner(2)).now.total.api_requests == 2);
  reads(december, {{owner(1), 0, 1}});
  CHECK(account(w, owner(1)).month == 202612);
  CHECK(account(w, owner(1)).month_requests == 1);
  CHECK(account(w, owner(1)).now.total.api_requests == 16);
}

TEST_CASE("usage: time and bytes are counted with the reads") {
  machine_world w;
  const auto who = owner(1);
  CHECK(w.one(entry(tenant_id{}, {}, count_reads_op{{{who, 1, 2, 300, 40, 5}}})).code == ec::ok);
  CHECK(w.one(entry(tenant_id{}, {}, count_reads_op{{{who, 0, 0, 1, 2, 3}}})).code == ec::ok);
  w.reopen();
  const auto total = account(w, who).now.total;
  CHECK(total.cpu_us == 301);
  CHECK(total.bytes_in == 42);
  CHECK(total.bytes_out == 8);
}

TEST_CASE("an account of version 1 is counted from the shards") {
  machine_world w;
  const auto who = owner(1);
  const auto c = make(w, who, "docs");
  w.one(entry(who, c, upsert({make_point("a", 1, "{}"), make_point("b", 1)})));
  w.one(entry(who, c, create_snapshot_op{"s"}));
  const auto now = account(w, who).now;
  std::string old(1, '\1');
  old += std::string("\1\0\0\0\0\0\0\0", 8) + std::string("\1\0\0\0\0\0\0\0", 8);
  kv_batch batch;
  batch.put(kv_family::meta, tenant_keyspace::of_verified_owner(who).tenant_record(), old);
  REQUIRE(w.kv().write(batch, kv_sync::no).has_value());
  CHECK(account(w, who).now.points == 2);
  CHECK(account(w, who).now.bytes == now.bytes);
  CHECK(account(w, who).now.collections == 1);
  w.one(entry(who, c, upsert({make_point("c", 1)})));
  CHECK(account(w, who).now.points == 3);
  CHECK(account(w, who).last_collection == c);
}

TEST_CASE("random histories near the limits: never over, no drift, a refused entry changes nothing") {
  int refused = 0;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 rng(seed);
    machine_world w;
    const auto who = owner(1);
    const auto c = make(w, who, "docs");
    const quota_limits limits{std::nullopt, 10, 400, std::nullopt};
    for (int round = 0; round < 80; ++round) {
      const auto id = [&] { return std::string(1, static_cast<char>('a' + rng() % 20)); };
      const auto payload = [&] { return rng() % 2 ? std::string(rng() % 30, 'x') : std::string(); };
      operation op;
      switch (rng() % 6) {
        case 0: op = delete_points_op{{id(), id()}, {}}; break;
        case 1: op = replace_text_op{"t", {make_point("t#0", 1, payload()), make_point("t#1", 1, payload())}}; break;
        case 2: op = create_snapshot_op{"s" + std::to_string(rng() % 2)}; break;
        case 3: op = restore_snapshot_op{"s" + std::to_string(rng() % 2)}; break;
        default: op = upsert({make_point(id(), 1, payload()), make_point(id(), 1, payload())});
      }
      const auto before = everything(w.kv());
      const auto out = w.one(limited(entry(who, c, op), limits));
      if (out.code == ec::quota_exceeded) {
        ++refused;
        CHECK(everything(w.kv()) == before);
      }
      const auto now = account(w, who).now;
      CHECK(now.points <= 10);
      CHECK(now.bytes <= 400);
      check_no_drift(w, who);
      if (rng() % 10 == 0) w.reopen();
    }
  }
  CHECK(refused > 20);
}

TEST_CASE("accounts: tenants are listed by id, whatever they hold and whatever else is in the store") {
  machine_world w;
  const auto listed = [&](std::optional<tenant_id> after, std::size_t most) {
    std::vector<tenant_id> found;
    const auto visit = [&](const tenant_id& who, const tenant_record& account) {
      CHECK(account.now.collections == 1);
      found.push_back(who);
      return found.size() < most;
    };
    REQUIRE(visit_accounts(w.kv(), after, visit).has_value());
    return found;
  };
  CHECK(listed(std::nullopt, 10).empty());
  for (const int n : {3, 1, 200, 2}) {
    const auto c = make(w, owner(n), "docs");
    std::vector<point> points;
    for (int i = 0; i < 5; ++i) points.push_back(make_point("p" + std::to_string(i), 1));
    CHECK(w.one(entry(owner(n), c, upsert(std::move(points)))).inserted == 5);
  }
  using ids = std::vector<tenant_id>;
  CHECK(listed(std::nullopt, 10) == ids{owner(1), owner(2), owner(3), owner(200)});
  CHECK(listed(std::nullopt, 2) == ids{owner(1), owner(2)});
  CHECK(listed(owner(2), 10) == ids{owner(3), owner(200)});
  CHECK(listed(owner(4), 10) == ids{owner(200)});
  tenant_id last;
  last.bytes.fill(0xff);
  CHECK(listed(last, 10).empty());
}

TEST_CASE("erase: a tenant's keys go, its account goes on, others keep theirs, and ids never come back") {
  machine_world w;
  const auto gone = owner(1), stays = owner(2);
  const auto c = make(w, gone, "docs");
  const auto other = make(w, stays, "docs");
  auto first = entry(gone, c, upsert({make_point("a", 1), make_point("b", 2)}));
  first.request.bytes[0] = 7;
  CHECK(w.one(first).inserted == 2);
  CHECK(w.one(entry(stays, other, upsert({make_point("a", 1)}))).inserted == 1);
  CHECK(w.one(entry(gone, c, create_snapshot_op{"s"})).code == ec::ok);
  const auto held = account(w, gone).now;

  // In one batch with a write before and a write behind.
  auto done = w.apply({entry(gone, c, upsert({make_point("c", 3)})), entry(gone, {}, erase_tenant_op{}),
                       entry(gone, c, upsert({make_point("d", 4)}))});
  CHECK(done.outcomes[1].code == ec::ok);
  CHECK(done.outcomes[1].deleted == 3);
  CHECK(done.outcomes[1].bytes_freed > held.bytes);
  CHECK(done.outcomes[2].code == ec::collection_not_found);
  REQUIRE(done.catalog.size() == 1);
  CHECK(done.catalog[0].dropped);
  CHECK(w.machine().totals().points == 1);
  CHECK(w.machine().totals().collections == 1);

  const auto [begin, end] = tenant_keyspace::of_verified_owner(gone).owner_range();
  std::size_t left = 0;
  for (const auto family : {kv_family::points, kv_family::meta})
    REQUIRE(w.kv().scan(family, begin, end, [&](std::string_view, std::string_view) { return ++left > 0; }).has_value());
  CHECK(left == 1);  // the account
  const auto now = account(w, gone).now;
  CHECK(now.points == 0);
  CHECK(now.bytes == 0);
  CHECK(now.collections == 0);
  CHECK(now.total.vectors_deleted == now.total.vectors_inserted);
  CHECK(now.total.storage_freed == now.total.storage_added);
  CHECK(now.position > held.position);
  check_no_drift(w, gone);
  check_no_drift(w, stays);

  w.reopen();
  const auto back = make(w, gone, "docs");
  CHECK(back.value > c.value);
  // Its request ids are forgotten: this is a new request.
  first.collection = back;
  CHECK(w.one(first).inserted == 2);
  check_no_drift(w, gone);
  CHECK(w.one(entry(tenant_id{}, {}, erase_tenant_op{})).code == ec::tenant_not_found);
}

TEST_CASE("erase: a collection that is not empty and had to be keeps what was written before in the same batch") {
  machine_world w;
  const auto who = owner(1);
  const auto c = make(w, who, "docs");
  delete_collection_op if_empty;
  if_empty.only_empty = true;
  auto done = w.apply({entry(who, c, upsert({make_point("a", 1)})), entry(who, c, if_empty),
                       entry(who, c, upsert({make_point("b", 1)}))});
  CHECK(done.outcomes[1].code == ec::conflict);
  CHECK(w.counters(who, c).points == 2);
  check_no_drift(w, who);
}
