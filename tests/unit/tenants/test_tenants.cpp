// Standings, limits of operators, and events that were seen: as records and in memory.
#include <doctest/doctest.h>

#include "net/tenants/hub_events.hpp"
#include "net/tenants/standing_book.hpp"

using namespace waggle;

namespace {
tenant_id tenant(std::uint8_t n) {
  tenant_id id;
  id.bytes[0] = n;
  return id;
}
record_change record(const tenant_id& id, const tenant_standing& s, std::uint64_t version) {
  return {std::string(standings_space), to_string(id), encode_standing(s), version};
}
}  // namespace

TEST_CASE("standing: what was written is read, and nothing else is") {
  tenant_standing s;
  s.state = tenant_state::deleting;
  s.since_ms = 1'700'000'000'000;
  s.delete_at_ms = 5;
  s.limits.emplace();
  s.limits->quota.points = 0;
  s.limits->quota.bytes = ~std::uint64_t{0};
  s.limits->rates.per_hour = 7;
  s.limits->expires_ms = 9;
  s.deletions = 3;
  s.erased = {1, 2, 3};
  s.receipt = "sha256:\"x";
  const auto read = decode_standing(encode_standing(s));
  REQUIRE(read.has_value());
  CHECK(encode_standing(*read) == encode_standing(s));
  CHECK(read->state == tenant_state::deleting);
  CHECK(read->limits->quota.points == 0);
  CHECK_FALSE(read->limits->quota.collections);
  CHECK(read->erased.bytes == 3);
  CHECK(read->receipt == s.receipt);
  for (const char* bad : {"", "{}", "[]", "{\"state\":1}", "{\"state\":\"dead\"}", "{\"state\":\"active\""})
    CHECK(decode_standing(bad).error().code == ec::corrupt_data);
}

TEST_CASE("standing book: the newest record counts, and an expired limit does not") {
  standing_book book;
  CHECK(book.state_of(tenant(1)) == tenant_state::active);
  tenant_standing suspended;
  suspended.state = tenant_state::suspended;
  suspended.limits.emplace().expires_ms = 100;
  book.take({record(tenant(1), suspended, 5), record(tenant(1), tenant_standing{}, 4),
             {"keys", to_string(tenant(2)), encode_standing(suspended), 9}});
  CHECK(book.state_of(tenant(1)) == tenant_state::suspended);
  CHECK(book.state_of(tenant(2)) == tenant_state::active);
  CHECK(book.find(tenant(1)).version == 5);
  CHECK(book.find(tenant(2)).version == 0);
  CHECK(book.limits_of(tenant(1), 99).has_value());
  CHECK_FALSE(book.limits_of(tenant(1), 100).has_value());
  CHECK(book.select([](const auto& s) { return s.state == tenant_state::suspended; }).size() == 1);
  book.take({record(tenant(1), tenant_standing{}, 6)});
  CHECK(book.state_of(tenant(1)) == tenant_state::active);
}

TEST_CASE("event book: ids are known until they are erased, oldest first") {
  event_book book;
  const std::string space(hub_events_space);
  book.take({{space, "b", "20", 1}, {space, "a", "10", 2}, {space, "a", "10", 2}, {"keys", "c", "5", 3}});
  CHECK(book.knows("a"));
  CHECK_FALSE(book.knows("c"));
  CHECK(book.older_than(15, 10) == std::vector<std::string>{"a"});
  CHECK(book.older_than(30, 1) == std::vector<std::string>{"a"});
  CHECK(book.older_than(30, 10) == std::vector<std::string>{"a", "b"});
  book.take({{space, "a", std::nullopt, 4}});
  CHECK_FALSE(book.knows("a"));
  CHECK(book.older_than(30, 10) == std::vector<std::string>{"b"});
}
