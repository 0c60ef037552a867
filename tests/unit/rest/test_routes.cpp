// The route table: unambiguous, complete, and matched as the contract says.
#include <doctest/doctest.h>

#include <set>

#include "base/json.hpp"
#include "net/rest/decoder.hpp"
#include "net/rest/openapi.hpp"
#include "net/rest/routes.hpp"

using namespace waggle;
using namespace waggle::rest;

TEST_CASE("every route has a permission, a function and a handler, and is listed once") {
  std::set<std::string> seen;
  for (const auto& r : route_table()) {
    CHECK(std::string_view("PARWDCTO").find(r.permission) != std::string_view::npos);
    CHECK(!r.function.empty());
    CHECK(static_cast<bool>(r.handler));
    CHECK(r.path.front() == '/');
    CHECK(seen.insert(std::string(r.method) + ' ' + std::string(r.path)).second);
    json_parser parser;
    if (!r.example.empty()) CHECK(parser.parse(r.example).has_value());
  }
}

TEST_CASE("a literal part beats a parameter; values come decoded") {
  CHECK(match_route("GET", {"collections", "empty"}).found->function == "list_empty_collections");
  const auto m = match_route("GET", {"collections", "a b"});
  REQUIRE(m.found != nullptr);
  CHECK(m.values == std::vector<std::string>{"a b"});
  CHECK(match_route("GET", {"collections", "c", "vectors", "copy"}).found->function == "get_vector");
}

TEST_CASE("a wrong method names the right ones; an unknown path names none") {
  const auto wrong = match_route("DELETE", {"search"});
  CHECK(wrong.found == nullptr);
  CHECK(wrong.allow == "POST");
  const auto unknown = match_route("GET", {"nothing", "here"});
  CHECK(unknown.found == nullptr);
  CHECK(unknown.allow.empty());
  CHECK(match_route("GET", {"a", "b", "c", "d", "e", "f", "g"}).found == nullptr);
}

TEST_CASE("the OpenAPI document is JSON and has every route") {
  json_parser parser;
  const auto text = openapi_json("1");
  const auto doc = parser.parse(text);
  REQUIRE(doc.has_value());
  for (const auto& r : route_table()) CHECK((*doc)["paths"][r.path].is_object());
}

TEST_CASE("a body's first fault sticks and names its field") {
  json_parser parser;
  const auto body = parser.parse(R"({"limit":"ten","collection":5,"vector":[1,"x"],"ids":[1.5]})");
  REQUIRE(body.has_value());
  decoder d(*body);
  d.text({"collection"});
  CHECK(d.failed());
  CHECK(d.fault().details == R"({"field":"collection","reason":"must be a string"})");
  d.integer({"limit"}, 1, 1, 9);
  CHECK(d.fault().details == R"({"field":"collection","reason":"must be a string"})");
  decoder e(*body);
  e.floats({"vector"});
  CHECK(e.failed());
  CHECK(read_id((*body)["ids"], "ids").has_error());
}

TEST_CASE("an error names the field that the client used, and its reason is true") {
  json_parser parser;
  const auto body = parser.parse(R"({"vector":["x"],"k":"5","vector_id":" a"})");
  const auto fault = [&](auto read) {
    decoder d(*body);
    read(d);
    return d.failed() ? d.fault().details : "";
  };
  CHECK(fault([](decoder& d) { d.floats({"embedding", "vector"}); }) ==
        R"({"field":"vector","reason":"must hold numbers only"})");
  CHECK(fault([](decoder& d) { d.integer({"limit", "k"}, 10, 1, 1000, true); }) ==
        R"({"field":"k","reason":"must be an integer"})");
  CHECK(fault([](decoder& d) { d.integer({"limit", "k"}, 10, 1, 1000); }) ==
        R"({"field":"k","reason":"must be an integer between 1 and 1000"})");
  CHECK(fault([](decoder& d) { d.id({"id", "vector_id"}); }) ==
        R"({"field":"vector_id","reason":"must not begin or end with whitespace"})");
  CHECK(fault([](decoder& d) { d.text({"query", "text"}); }) == R"({"field":"query","reason":"is required"})");
}

TEST_CASE("limits clamp where the contract clamps and refuse where it refuses") {
  json_parser parser;
  const auto body = parser.parse(R"({"limit":0,"big":99999999,"negative":-3})");
  decoder d(*body);
  CHECK(d.integer({"limit"}, 10, 1, 1000, true) == 1);
  CHECK(d.integer({"big"}, 10, 1, 1000, true) == 1000);
  CHECK(d.integer({"negative"}, 10, 1, 1000, true) == 1);
  CHECK(!d.failed());
  d.integer({"big"}, 10, 1, 1000);
  CHECK(d.failed());
}

TEST_CASE("ids: an integer is its decimal text, and says that it was one") {
  json_parser parser;
  const auto body = parser.parse(R"([18446744073709551615,"7",-1,""," x"])");
  std::vector<result<point_id>> ids;
  for (const auto item : body->as_array()) ids.push_back(read_id(json_value(item), "id"));
  CHECK(ids[0]->str() == "18446744073709551615");
  CHECK(ids[0]->integer());
  CHECK(!ids[1]->integer());
  CHECK(*ids[1] == point_id::from_integer(7));
  for (int i : {2, 3, 4}) CHECK(ids[i].has_error());
}
