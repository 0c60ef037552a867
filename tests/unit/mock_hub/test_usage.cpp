// Usage reports: what counts once, what is missing, what is of the present.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "tools/mock-hub/usage_book.hpp"

using namespace waggle::mock;

namespace {
usage_report report(std::int64_t from, std::int64_t to, std::int64_t epoch = 1) {
  usage_report r;
  r.tenant_id = "t";
  r.idempotency_key = std::to_string(epoch) + "/" + std::to_string(from) + "-" + std::to_string(to);
  r.epoch = epoch;
  r.from = from;
  r.to = to;
  r.deltas = {{"vectors_inserted", to - from}};
  r.gauges = {{"vector_count", to}, {"collection_count", 0}};
  return r;
}
using stretches = std::vector<std::pair<std::int64_t, std::int64_t>>;
}  // namespace

TEST_CASE("a key counts once; the raw sum says how often it came") {
  usage_book book;
  CHECK(book.receive(report(0, 10)) == receipt::stored);
  CHECK(book.receive(report(0, 10)) == receipt::duplicate);
  auto altered = report(0, 10);
  altered.content = 5;
  CHECK(book.receive(altered) == receipt::duplicate);
  const auto& t = book.of("t");
  CHECK(t.reports == 1);
  CHECK(t.duplicates == 2);
  CHECK(t.altered == 1);
  CHECK(t.totals.at("vectors_inserted") == 10);
  CHECK(t.raw.at("vectors_inserted") == 30);
}

TEST_CASE("gaps and overlaps of ledger positions") {
  covered_positions covered;
  CHECK(!covered.add(0, 10));
  CHECK(!covered.add(20, 30));
  CHECK(covered.gaps() == stretches{{10, 20}});
  CHECK(!covered.add(10, 20));  // touches both, overlaps none
  CHECK(covered.gaps().empty());
  CHECK(covered.stretches().size() == 1);
  CHECK(covered.add(29, 31));
  CHECK(covered.add(5, 6));
  CHECK(covered.stretches().begin()->second == 31);
}

TEST_CASE("reports in any order, each any number of times, give the same totals without gaps") {
  std::mt19937_64 draws(20261121);
  for (int round = 0; round < 50; ++round) {
    std::vector<usage_report> all;
    for (int i = 0; i < 40; ++i)
      for (std::uint64_t copies = 1 + draws() % 3; copies > 0; --copies) all.push_back(report(i * 10, i * 10 + 10));
    std::shuffle(all.begin(), all.end(), draws);
    usage_book book;
    for (const auto& r : all) book.receive(r);
    const auto& t = book.of("t");
    CHECK(t.totals.at("vectors_inserted") == 400);
    CHECK(t.raw.at("vectors_inserted") == static_cast<std::int64_t>(all.size()) * 10);
    CHECK(t.duplicates == static_cast<std::int64_t>(all.size()) - 40);
    CHECK(t.overlaps == 0);
    CHECK(t.positions.begin()->second.gaps().empty());
    CHECK(t.gauges.at("vector_count") == 400);  // a late report does not become the present
  }
}

TEST_CASE("a new epoch has positions of its own") {
  usage_book book;
  book.receive(report(0, 10, 1));
  book.receive(report(5, 10, 2));
  CHECK(book.of("t").overlaps == 0);
  CHECK(book.of("t").positions.size() == 2);
}

TEST_CASE("a full list of collections replaces, a shorter one changes") {
  usage_book book;
  auto first = report(0, 1);
  first.gauges["collection_count"] = 2;
  first.collections = {{"a", {.name = "docs", .vector_count = 1}}, {"b", {.name = "notes", .vector_count = 2}}};
  book.receive(first);
  auto second = report(1, 2);
  second.gauges["collection_count"] = 2;
  second.collections = {{"b", {.name = "", .vector_count = 7}}};
  book.receive(second);
  CHECK(book.of("t").collections.at("b").name == "notes");
  CHECK(book.of("t").collections.at("b").vector_count == 7);
  CHECK(book.owner_of("a") == "t");
  auto third = report(2, 3);
  third.gauges["collection_count"] = 1;
  third.collections = {{"b", {.vector_count = 7}}};
  book.receive(third);
  CHECK(!book.owner_of("a"));
}

TEST_CASE("reports of single collections add up to the tenant's totals") {
  usage_book book;
  for (const auto& [id, vectors] : {std::pair{"a", 5}, std::pair{"b", 6}, std::pair{"a", 9}}) {
    usage_report r;
    r.tenant_id = "t";
    r.idempotency_key = std::string(id) + std::to_string(vectors);
    r.collections[id].vector_count = vectors;
    book.receive(r);
  }
  CHECK(book.of("t").gauges.at("vector_count") == 15);
  CHECK(book.of("t").gauges.at("collection_count") == 2);
}
