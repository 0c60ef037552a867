// Metering and reports: every request counted once, every report the same bytes.
#include <doctest/doctest.h>

#include <map>
#include <thread>

#include "actors/protocol/account_board.hpp"
#include "base/clock.hpp"
#include "base/json.hpp"
#include "net/usage/hub_limits.hpp"
#include "net/usage/usage_meter.hpp"
#include "net/usage/usage_report.hpp"

using namespace waggle;

namespace {
tenant_id tenant(std::uint8_t n) {
  tenant_id t;
  t.bytes.fill(n);
  return t;
}
constexpr std::uint32_t november = 202611, december = 202612;
constexpr std::optional<std::uint64_t> no_limit;
}  // namespace

TEST_CASE("meter: what is taken is what was counted, once") {
  usage_meter meter;
  constexpr int threads = 4, each = 20'000;
  std::map<tenant_id, std::pair<std::uint64_t, std::uint64_t>> taken;
  const auto take = [&] {
    for (const auto& line : meter.take(3)) {
      taken[line.tenant].first += line.searches;
      taken[line.tenant].second += line.requests;
    }
  };
  std::vector<std::thread> all;
  for (int i = 0; i < threads; ++i)
    all.emplace_back([&, i] {
      for (int n = 0; n < each; ++n) {
        const auto who = tenant(static_cast<std::uint8_t>(1 + (i + n) % 5));
        CHECK(meter.count_request(who, november, no_limit, {}));
        meter.count_searches(who, 2);
      }
    });
  for (int i = 0; i < 2000; ++i) take();
  for (auto& t : all) t.join();
  for (int i = 0; i < 100; ++i) take();
  std::uint64_t searches = 0, requests = 0;
  for (const auto& [who, counts] : taken) searches += counts.first, requests += counts.second;
  CHECK(requests == threads * each);
  CHECK(searches == 2 * threads * each);
  CHECK(meter.take(10).empty());
}

TEST_CASE("meter: bytes are taken once, also of whom nothing else was counted") {
  usage_meter meter;
  meter.count_bytes(tenant(1), 0, 0);
  CHECK(meter.take(10).empty());
  meter.count_bytes(tenant(1), 300, 20);
  meter.count_bytes(tenant(1), 0, 7);
  const auto lines = meter.take(10);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].bytes_in == 300);
  CHECK(lines[0].bytes_out == 27);
  CHECK(lines[0].requests == 0);
  CHECK(meter.take(10).empty());
}

TEST_CASE("meter: a month's limit is never passed, goes on from what is written, and ends with the month") {
  usage_meter meter;
  const auto who = tenant(1);
  CHECK_FALSE(meter.knows_month(who, november));
  CHECK(meter.count_request(who, november, 10, {november, 7}));
  CHECK(meter.knows_month(who, november));
  CHECK(meter.count_request(who, november, 10, {}));
  CHECK(meter.count_request(who, november, 10, {}));
  CHECK_FALSE(meter.count_request(who, november, 10, {}));
  CHECK(meter.requests_of_month(who, november) == 10);
  (void)meter.take(10);
  CHECK_FALSE(meter.count_request(who, november, 10, {}));  // writing them down frees nothing
  CHECK(meter.count_request(who, november, 11, {}));        // a higher limit does
  CHECK(meter.count_request(who, december, 1, {november, 11}));
  CHECK_FALSE(meter.count_request(who, december, 1, {}));
  // Counted before there was a limit, not written down yet.
  const auto other = tenant(2);
  CHECK(meter.count_request(other, november, no_limit, {}));
  CHECK(meter.count_request(other, november, 2, {}));
  CHECK_FALSE(meter.count_request(other, november, 2, {}));
}

TEST_CASE("meter: what one tenant counted is taken alone, and not again with the others") {
  usage_meter meter;
  for (std::uint8_t n = 1; n <= 3; ++n) CHECK(meter.count_request(tenant(n), november, no_limit, {}));
  meter.count_searches(tenant(2), 5);
  const auto own = meter.take_one(tenant(2));
  REQUIRE(own);
  CHECK(own->tenant == tenant(2));
  CHECK(own->searches == 5);
  CHECK(own->requests == 1);
  CHECK_FALSE(meter.take_one(tenant(2)));
  CHECK_FALSE(meter.take_one(tenant(9)));
  auto others = meter.take(10);
  CHECK(others.size() == 2);
  for (const auto& line : others) CHECK_FALSE(line.tenant == tenant(2));
  // Taken alone and counted again between two takes.
  CHECK(meter.count_request(tenant(2), november, no_limit, {}));
  CHECK(meter.take_one(tenant(2)));
  CHECK(meter.count_request(tenant(2), november, no_limit, {}));
  others = meter.take(10);
  REQUIRE(others.size() == 1);
  CHECK(others.front().requests == 1);
  CHECK(meter.take(10).empty());
  CHECK(meter.size() == 0);
}

TEST_CASE("meter: an idle tenant is forgotten when all of it is taken, and its month goes on from what is written") {
  usage_meter meter;
  const auto who = tenant(1);
  CHECK(meter.count_request(who, november, 10, {november, 7}));
  meter.forget_idle();
  meter.forget_idle();
  CHECK(meter.size() == 1);  // something of it is not taken yet
  REQUIRE(meter.take(10).size() == 1);
  CHECK(meter.count_request(who, november, 10, {}));
  REQUIRE(meter.take(10).size() == 1);
  meter.forget_idle();
  CHECK(meter.knows_month(who, november));  // it has just asked
  meter.forget_idle();
  CHECK(meter.size() == 0);
  CHECK_FALSE(meter.knows_month(who, november));
  CHECK(meter.count_request(who, november, 10, {november, 9}));
  CHECK_FALSE(meter.count_request(who, november, 10, {}));
}

TEST_CASE("account board: forgets whom nobody has asked for since the last look") {
  account_board board;
  tenant_record old;
  old.now.bytes = 1;
  CHECK(board.put_if_absent(tenant(1), old).now.bytes == 1);
  tenant_record newer;
  newer.now.bytes = 2;
  board.put(tenant(1), newer);
  CHECK(board.put_if_absent(tenant(1), old).now.bytes == 2);  // read from disk before the write
  board.put(tenant(2), old);
  board.forget_idle();
  CHECK(board.size() == 2);
  CHECK(board.bytes_of(tenant(1)) == 2u);
  std::size_t seen = 0;
  board.each([&seen](const tenant_id&, const tenant_record&) { ++seen; });
  CHECK(seen == 2);  // a scrape is nobody who asks
  board.forget_idle();
  CHECK(board.size() == 1);
  CHECK_FALSE(board.find(tenant(2)));
  CHECK(board.find(tenant(1))->now.bytes == 2);
}

TEST_CASE("months in UTC") {
  CHECK(utc_month(0) == 197001);
  CHECK(next_utc_month_ms(0) == 31ll * 86'400'000);
  constexpr std::int64_t last_of_2026 = 1'798'761'599'999;  // 2026-12-31T23:59:59.999Z
  CHECK(utc_month(last_of_2026) == 202612);
  CHECK(next_utc_month_ms(last_of_2026) == last_of_2026 + 1);
  CHECK(utc_month(last_of_2026 + 1) == 202701);
}

TEST_CASE("report: only one that has begun; deltas since the last, totals as of its end") {
  tenant_record account;
  account.now.position = 9;
  const ledger_identity ledger{"c", "n1", "vectorizer"};
  CHECK_FALSE(make_report(ledger, tenant(1), account, {}));
  account.reported.position = 3;
  account.reported.total.vectors_inserted = 10;
  account.reported.time_ms = 1000;
  account.reporting = account.reported;
  account.reporting->position = 8;
  account.reporting->time_ms = 61'000;
  account.reporting->total.vectors_inserted = 15;
  account.reporting->total.search_count = 4;
  account.reporting->points = 15;
  account.reporting->total.cpu_us = 77;
  const reported_collections held{{collection_uuid(tenant(1), "docs"), "docs", 15, 600}};
  const auto report = make_report(ledger, tenant(1), account, held);
  REQUIRE(report);
  CHECK(report->position == 8);
  json_parser parser;
  const auto body = parser.parse(report->body);
  REQUIRE(body.has_value());
  const auto number = [](const json_value& v) {
    std::int64_t n = -1;
    return v.get_int64(n) ? n : -1;
  };
  CHECK(number((*body)["from"]) == 3);
  CHECK(number((*body)["to"]) == 8);
  CHECK(number((*body)["deltas"]["vectors_inserted"]) == 5);
  CHECK(number((*body)["deltas"]["search_count"]) == 4);
  CHECK(number((*body)["deltas"]["api_requests"]) == 0);
  CHECK(number((*body)["deltas"]["cpu_us"]) == 77);
  CHECK(number((*body)["vector_count"]) == 15);
  const json_value docs(*(*body)["collections"].as_array().begin());
  // UUIDv5 of "user_01010101-0101-0101-0101-010101010101:docs" in the namespace of hub.md §6.
  CHECK(docs["collection_id"].as_string() == "1f31795b-1ea1-5a90-a5bc-44b157096e1a");
  CHECK(number(docs["storage_bytes"]) == 600);
  CHECK((*body)["period_start"].as_string() == "1970-01-01T00:00:01.000Z");
  CHECK((*body)["idempotency_key"].as_string() == report->idempotency_key);
  // UUIDv5 of "c/01010101-0101-0101-0101-010101010101/1/3-8" in the namespace of hub.md §6.
  CHECK(report->idempotency_key == "69d70d71-dc24-52f0-813c-7b1c1af9c423");
  account.now.position = 20;  // what is counted meanwhile changes neither
  CHECK(make_report(ledger, tenant(1), account, held)->body == report->body);
}

TEST_CASE("reports by collection: of those that changed, also of one that is gone") {
  const ledger_identity ledger{"c", "n1", "vectorizer"};
  tenant_record account;
  CHECK(make_collection_reports(ledger, tenant(1), account, {}, {}).empty());
  account.reporting.emplace().position = 8;
  const auto held = [](const char* name, std::uint64_t points) {
    return reported_collection{collection_uuid(tenant(1), name), name, points, 10 * points};
  };
  const reported_collections before{held("same", 1), held("more", 2), held("gone", 3)};
  const reported_collections now{held("same", 1), held("more", 5), held("new", 0)};
  const auto reports = make_collection_reports(ledger, tenant(1), account, before, now);
  CHECK(reports.size() == 3);
  std::map<std::string, std::int64_t> told;
  for (const auto& report : reports) {
    json_parser parser;
    const auto body = parser.parse(report.body);
    REQUIRE(body.has_value());
    CHECK((*body)["idempotency_key"].as_string() == report.idempotency_key);
    CHECK((*body)["user_id"].as_string() == to_string(tenant(1)));
    CHECK((*body)["vector_count"].get_int64(told[std::string((*body)["collection_id"].as_string())]));
  }
  const auto id = [](const char* name) { return format_uuid(collection_uuid(tenant(1), name)); };
  CHECK(told == std::map<std::string, std::int64_t>{{id("more"), 5}, {id("gone"), 0}, {id("new"), 0}});
  const auto again = make_collection_reports(ledger, tenant(1), account, before, now);
  for (std::size_t i = 0; i < again.size(); ++i) CHECK(again[i].body == reports[i].body);
}

TEST_CASE("limits: HiveHub's word holds until its lease ends, or for so long; then the rule") {
  const tenant_limits configured{{10, 100, 1000, std::nullopt}, {60, 600, 6000}};
  auto said = configured;
  said.quota.points = 7;
  said.quota.said_ms = 1000;
  said.origin = limits_origin::hub;
  const auto at = [&](std::int64_t now_ms, expired_entitlement rule) {
    return in_force(said, configured, {10, rule}, now_ms).quota;
  };
  for (const std::int64_t lease_ms : {0, 5000}) {
    said.quota.expires_ms = lease_ms;
    const auto end = lease_ms > 0 ? lease_ms : 11'000;
    for (const auto rule : {expired_entitlement::enforce_last, expired_entitlement::defaults, expired_entitlement::deny_growth}) {
      CHECK(at(end - 1, rule).points == 7u);
      CHECK_FALSE(at(end - 1, rule).no_growth);
    }
    CHECK(at(end, expired_entitlement::enforce_last) == said.quota);
    CHECK(at(end, expired_entitlement::defaults) == configured.quota);
    CHECK(at(end, expired_entitlement::deny_growth).no_growth);
  }
  said.quota.said_ms = 0;  // never a word of HiveHub's
  said.quota.expires_ms = 0;
  CHECK_FALSE(at(1'000'000, expired_entitlement::deny_growth).no_growth);
}

TEST_CASE("limits: what the hub leaves out is the configuration's, and zero requests a minute are not without limit") {
  tenant_limits configured{{10, 100, 1000, std::nullopt}, {60, 600, 6000}};
  hub_quota said;
  said.points = {true, 5};
  said.bytes = {true, std::nullopt};
  said.per_minute = {true, 0};
  said.per_hour = {true, std::nullopt};
  const auto limits = with_quota(configured, said);
  CHECK(limits.quota.collections == 10u);
  CHECK(limits.quota.points == 5u);
  CHECK_FALSE(limits.quota.bytes);
  CHECK(limits.rates.per_minute == 1);
  CHECK(limits.rates.per_hour == 0);
  CHECK(limits.rates.per_day == 6000);
}
