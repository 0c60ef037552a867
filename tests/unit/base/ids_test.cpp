#include "base/ids.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <set>
#include <type_traits>

#include "base/uuid.hpp"

using namespace waggle;
using bytes = std::array<std::uint8_t, 16>;

static_assert(!std::is_convertible_v<std::uint64_t, collection_id> &&
              !std::is_convertible_v<collection_id, std::uint64_t>);
static_assert(!std::is_constructible_v<log_index, seq_no>, "two ids of one representation never mix");
static_assert(!std::is_constructible_v<tenant_id, request_id>);

TEST_CASE("ids: a UUID's text reads back and is written in lower case") {
  bytes b;
  REQUIRE(parse_uuid("550E8400-e29b-41D4-a716-446655440000", b));
  CHECK(format_uuid(b) == "550e8400-e29b-41d4-a716-446655440000");
  CHECK(to_string(tenant_id{b}) == "550e8400-e29b-41d4-a716-446655440000");
  CHECK(to_string(tenant_id{}) == "00000000-0000-0000-0000-000000000000");
}

TEST_CASE("ids: malformed UUIDs are refused") {
  for (const std::string_view text : {"", "550e8400", "550e8400e29b41d4a716446655440000",
                                      "550e8400-e29b-41d4-a716-44665544000", "550e8400-e29b-41d4-a716-4466554400000",
                                      "{550e8400-e29b-41d4-a716-44665544000}", "550e8400-e29b-41d4-a716-44665544000g",
                                      "550e8400-e29b-41d4-a716_446655440000", "550e8400-e29b-41d4a-716-446655440000",
                                      " 50e8400-e29b-41d4-a716-446655440000", "-50e8400-e29b-41d4-a716-446655440000"}) {
    CAPTURE(text);
    bytes b;
    CHECK_FALSE(parse_uuid(text, b));
  }
  bytes b;
  CHECK_FALSE(parse_uuid(std::string_view("550e8400-e29b-41d4-a716-44665544000\0", 36), b));
}

TEST_CASE("ids: every single wrong character is refused") {
  const std::string good = "0123abcd-4567-89ef-0123-456789abcdef";
  for (std::size_t i = 0; i < good.size(); ++i) {
    auto bad = good;
    bad[i] = bad[i] == '-' ? '0' : '-';
    bytes b;
    CAPTURE(bad);
    CHECK_FALSE(parse_uuid(bad, b));
  }
}

TEST_CASE("ids: a collection id is 16 hex digits") {
  CHECK(to_string(collection_id{0}) == "0000000000000000");
  CHECK(to_string(collection_id{0xfedcba9876543210}) == "fedcba9876543210");
}

TEST_CASE("ids: order and nil") {
  CHECK(tenant_id{}.is_nil());
  CHECK_FALSE(tenant_id{{1}}.is_nil());
  CHECK(tenant_id{{1}} < tenant_id{{2}});
  CHECK(tenant_id{{0, 9}} < tenant_id{{1, 0}});
  CHECK(seq_no{1} < seq_no{2});
}

TEST_CASE("uuid: version and variant bits, and no repeats") {
  std::set<bytes> seen;
  for (int i = 0; i < 2000; ++i) {
    for (const auto& [b, version] : {std::pair{random_uuid_v4(), 4}, std::pair{random_uuid_v7(), 7}}) {
      CHECK((b[6] >> 4) == version);
      CHECK((b[8] >> 6) == 2);
      CHECK(seen.insert(b).second);
    }
  }
}

TEST_CASE("uuid: v7 begins with the time in milliseconds") {
  const auto now_ms = [] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
  };
  const auto before = now_ms();
  const auto b = random_uuid_v7();
  const auto after = now_ms();
  std::int64_t ms = 0;
  for (int i = 0; i < 6; ++i) ms = ms << 8 | b[i];
  CHECK(ms >= before);
  CHECK(ms <= after);
}

TEST_CASE("uuid: the text forms parse") {
  bytes b;
  CHECK(parse_uuid(new_uuid_v4(), b));
  CHECK((b[6] >> 4) == 4);
  CHECK(parse_uuid(new_uuid_v7(), b));
  CHECK((b[6] >> 4) == 7);
}
