#include "storage/payload/path.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

using namespace waggle;

namespace {
/// The values a key reaches, as compact JSON, in order.
std::vector<std::string> reach(std::string_view key, std::string_view payload) {
  const auto path = payload_path::parse(key, "key");
  REQUIRE_MESSAGE(path.has_value(), key);
  json_parser parser;
  const auto root = parser.parse(payload);
  REQUIRE(root.has_value());
  std::vector<std::string> found;
  path->any(*root, [&](const json_value& value) {
    found.push_back(value.to_text());
    return false;
  });
  return found;
}
using values = std::vector<std::string>;
}  // namespace

TEST_CASE("path: reaches every value its steps allow, in order") {
  constexpr auto payload = R"({"a":{"b":1},"l":[{"x":1},{"x":[2,3]},4,{"y":5}],"a.b":6,"":7,"n":null})";
  CHECK(reach("a", payload) == values{"{\"b\":1}"});
  CHECK(reach("a.b", payload) == values{"1"});
  CHECK(reach("a.c", payload).empty());
  CHECK(reach("a.b.c", payload).empty());
  CHECK(reach("l[].x", payload) == values{"1", "[2,3]"});
  CHECK(reach("l[].x[]", payload) == values{"2", "3"});
  CHECK(reach("l[1].x[1]", payload) == values{"3"});
  CHECK(reach("l[2]", payload) == values{"4"});
  CHECK(reach("l[4]", payload).empty());
  CHECK(reach("l.x", payload).empty());
  CHECK(reach("a[]", payload).empty());
  CHECK(reach("\"a.b\"", payload) == values{"6"});
  CHECK(reach("\"a\".\"b\"", payload) == values{"1"});
  CHECK(reach("\"\"", payload) == values{"7"});
  CHECK(reach("n", payload) == values{"null"});
  CHECK(reach("n.a", payload).empty());
}

TEST_CASE("path: stops at the first value that is accepted") {
  json_parser parser;
  const auto root = parser.parse(R"({"l":[1,2,3]})");
  int asked = 0;
  CHECK(payload_path::parse("l[]", "key")->any(*root, [&](const json_value&) { return ++asked == 2; }));
  CHECK(asked == 2);
}

TEST_CASE("path: every_element adds one step, once") {
  const auto plain = payload_path::parse("a.b", "key"), bracketed = payload_path::parse("a.b[]", "key");
  CHECK((plain->every_element() == *bracketed));
  CHECK((bracketed->every_element() == *bracketed));
  CHECK_FALSE((payload_path::parse("a.b[0]", "key")->every_element() == *bracketed));
}

TEST_CASE("path: any text is a path or is refused, and a quoted name reaches its member") {
  CHECK(rc::check("random keys", [](const std::string& key) {
    if (const auto path = payload_path::parse(key, "key"); !path) RC_ASSERT(path.error().code == ec::validation_error);
  }));
  const auto letter = rc::gen::element<char>('a', '.', '[', ']', '"', '\\', ' ', '0');
  CHECK(rc::check("quoted names", [&] {
    const auto name = *rc::gen::container<std::string>(letter);
    std::string quoted = "\"", json;
    for (const char c : name) {
      if (c == '"' || c == '\\') quoted += '\\';
      quoted += c;
    }
    quoted += '"';
    for (const char c : quoted) json += c;  // JSON escapes the same two characters
    RC_ASSERT(reach(quoted, "{" + json + ":1}") == values{"1"});
  }));
}
