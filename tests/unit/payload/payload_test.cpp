#include "storage/payload/payload.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <bit>
#include <cmath>

#include "base/text_out.hpp"
#include "model.hpp"

using namespace waggle;

namespace {
std::string compact(std::string_view text, std::size_t bytes_max = payload_bytes_unbounded) {
  json_parser parser;
  const auto json = parser.parse(text);
  REQUIRE_MESSAGE(json.has_value(), text);
  const auto out = compact_payload(*json, bytes_max);
  return out ? *out : std::string(info(out.error().code).name);
}
template <class Merge>
std::string apply(Merge merge, std::string_view payload, std::string_view patch) {
  json_parser parser;
  const auto json = parser.parse(patch);
  REQUIRE_MESSAGE(json.has_value(), patch);
  const auto out = merge(payload, *json, payload_bytes_unbounded);
  return out ? *out : std::string(info(out.error().code).name);
}
std::string patched(std::string_view payload, std::string_view patch) { return apply(merge_patch, payload, patch); }
std::string set(std::string_view payload, std::string_view object) { return apply(merge_set, payload, object); }
}  // namespace

TEST_CASE("payload: is stored compact, in order, with every value as written") {
  CHECK(compact(R"( { "b" : 1 , "a" : [ true , null , { } , [ ] , "x" ] } )") ==
        R"({"b":1,"a":[true,null,{},[],"x"]})");
  CHECK(compact("{}") == "{}");
  CHECK(compact("null").empty());
  CHECK(compact_payload(json_value())->empty());
  CHECK(compact(R"({"é\n\"":"\u00e9\u0000😀"})") == "{\"é\\n\\\"\":\"é\\u0000😀\"}");
}

TEST_CASE("payload: numbers keep precision and kind") {
  for (const std::string_view number :
       {"0", "-1", "9007199254740993", "18446744073709551615", "-9223372036854775808", "0.1", "1.0", "-0.0",
        "0.30000000000000004", "5e-324", "1.7976931348623157e+308", "1e+23"}) {
    const auto text = "{\"n\":" + std::string(number) + "}";
    CHECK(compact(text) == text);
    CHECK(patched(text, R"({"m":1})") == "{\"n\":" + std::string(number) + ",\"m\":1}");
  }
  CHECK(compact(R"({"n":1E2})") == R"({"n":100.0})");
  CHECK(rc::check("doubles round-trip through storage", [](std::uint64_t bits) {
    const auto v = std::bit_cast<double>(bits);
    RC_PRE(std::isfinite(v));
    std::string text = "{\"n\":";
    append_number(text, v);
    if (text.find_first_of(".e") == text.npos) text += ".0";
    const auto stored = compact(text + "}");
    json_parser parser;
    const auto read = parser.parse(stored);
    RC_ASSERT(read.has_value());
    RC_ASSERT(std::bit_cast<std::uint64_t>((*read)["n"].as_double()) == bits);
    RC_ASSERT(!(*read)["n"].is_integer());
    RC_ASSERT(compact(stored) == stored);
  }));
}

TEST_CASE("payload: of a name written twice the last value counts, at every depth and size") {
  CHECK(compact(R"({"a":1,"b":2,"a":3})") == R"({"a":3,"b":2})");
  CHECK(compact(R"({"o":[{"a":1,"\u0061":2}]})") == R"({"o":[{"a":2}]})");
  std::string many = "{", expected = "{";
  for (int i = 0; i < 200; ++i)
    many += "\"k" + std::to_string(i % 100) + "\":" + std::to_string(i) + (i < 199 ? "," : "}");
  for (int i = 0; i < 100; ++i)
    expected += "\"k" + std::to_string(i) + "\":" + std::to_string(i + 100) + (i < 99 ? "," : "}");
  CHECK(compact(many) == expected);
}

TEST_CASE("payload: only objects, only so large") {
  for (const auto text : {"[]", "1", "\"x\"", "true", "[{}]"}) CHECK(compact(text) == "VALIDATION_ERROR");
  CHECK(compact(R"( {"a" : 1} )", 7) == R"({"a":1})");
  CHECK(compact(R"({"a":1})", 6) == "PAYLOAD_TOO_LARGE");
  json_parser parser;
  const auto patch = parser.parse(R"({"b":"0123456789"})");
  CHECK(merge_patch(R"({"a":1})", *patch, 100).has_value());
  CHECK(merge_patch(R"({"a":1})", *patch, 23).error().code == ec::payload_too_large);
  CHECK(merge_set(R"({"a":1})", *patch, 23).error().code == ec::payload_too_large);
}

TEST_CASE("merge patch: the examples of RFC 7396, appendix A") {
  const std::tuple<std::string_view, std::string_view, std::string_view> objects[] = {
      {R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
      {R"({"a":"b"})", R"({"a":null})", R"({})"},
      {R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
      {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
      {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
      {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
      {R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
      {R"({})", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"}};
  for (const auto& [target, patch, expected] : objects) {
    CAPTURE(target);
    CAPTURE(patch);
    CHECK(patched(target, patch) == expected);
  }
  // The rest has documents that are no objects; as values of a member the same rule applies to them.
  const std::tuple<std::string_view, std::string_view, std::string_view> values[] = {
      {R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
      {R"({"a":"b"})", R"(["c"])", R"(["c"])"},
      {R"({"a":"foo"})", R"("bar")", R"("bar")"},
      {R"([1,2])", R"({"a":"b","c":null})", R"({"a":"b"})"}};
  for (const auto& [target, patch, expected] : values) {
    const auto in = [](std::string_view value) { return "{\"v\":" + std::string(value) + "}"; };
    CAPTURE(patch);
    CHECK(patched(in(target), in(patch)) == in(expected));
    CHECK(patched(target.starts_with('{') ? target : "{}", patch) ==
          (patch.starts_with('{') ? expected : "VALIDATION_ERROR"));
  }
}

TEST_CASE("merge patch: order, no payload, nulls inside arrays, bad rows") {
  CHECK(patched(R"({"z":1,"a":2})", R"({"m":3,"a":4})") == R"({"z":1,"a":4,"m":3})");
  CHECK(patched("", R"({"a":{"b":null,"c":1}})") == R"({"a":{"c":1}})");
  CHECK(patched("", "{}") == "{}");
  CHECK(patched("{}", R"({"a":[null,{"b":null}]})") == R"({"a":[null,{"b":null}]})");
  CHECK(patched(R"({"a":1})", R"({"a":2,"a":3,"a":null})") == "{}");
  CHECK(patched("{}", "null") == "VALIDATION_ERROR");
  json_parser parser;
  const auto patch = parser.parse("{}");
  for (const auto bad : {"{", "[]", "1", "null", " "}) {
    CAPTURE(bad);
    CHECK(merge_patch(bad, *patch).error().code == ec::corrupt_data);
    CHECK(merge_set(bad, *patch).error().code == ec::corrupt_data);
  }
}

TEST_CASE("merge patch: agrees with the RFC's pseudocode on a plain model") {
  CHECK(rc::check("random documents", [] {
    const auto target = test::random_object(3), patch = test::random_object(3);
    RC_ASSERT(patched(test::to_json(target), test::to_json(patch)) == test::to_json(test::merge_patch(target, patch)));
  }));
}

TEST_CASE("merge patch: a patch onto itself changes nothing, and a large one is quick enough to finish") {
  std::string large = "{";
  for (int i = 0; i < 50'000; ++i) large += (i ? ",\"" : "\"") + std::to_string(i) + "\":" + std::to_string(i);
  large += "}";
  CHECK(patched(large, large) == large);
  CHECK(set(large, large) == large);
}

TEST_CASE("merge set: top-level members are replaced whole, null removes") {
  CHECK(set(R"({"a":{"x":1},"b":2})", R"({"a":{"y":null}})") == R"({"a":{"y":null},"b":2})");
  CHECK(set(R"({"a":1,"b":2})", R"({"a":null,"c":3})") == R"({"b":2,"c":3})");
  CHECK(set("", R"({"a":1})") == R"({"a":1})");
  CHECK(set("", R"({"a":null})") == "{}");
  CHECK(set("{}", "[]") == "VALIDATION_ERROR");
}

TEST_CASE("payload: content and parent_id are read when they are strings") {
  CHECK(*text_content(R"({"content":"x\ny"})") == "x\ny");
  CHECK(*text_content(R"({"content":""})") == "");
  CHECK(*parent_id(R"({"parent_id":"doc#1","content":"x"})") == "doc#1");
  for (const std::string_view none :
       {"", "{}", R"({"content":1,"parent_id":2})", R"({"content":null,"parent_id":null})",
        R"({"a":{"content":"x","parent_id":"y"}})", R"({"content":["x"],"parent_id":["y"]})"}) {
    CAPTURE(none);
    CHECK_FALSE(text_content(none)->has_value());
    CHECK_FALSE(parent_id(none)->has_value());
  }
  CHECK(text_content("{").error().code == ec::corrupt_data);
  CHECK(parent_id("[]").error().code == ec::corrupt_data);
}
