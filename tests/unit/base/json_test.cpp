#include "base/json.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <bit>
#include <cmath>

#include "base/limits.hpp"
#include "base/names.hpp"
#include "base/text_out.hpp"

using namespace waggle;

namespace {
std::string again(std::string_view text) {
  json_parser parser;
  const auto value = parser.parse(text);
  return value ? value->to_text() : "error: " + value.error().message;
}
bool refused(std::string_view text) {
  json_parser parser;
  const auto value = parser.parse(text);
  return !value && value.error().code == ec::parse_error;
}
std::string arrays(std::size_t depth) { return std::string(depth, '[') + "1" + std::string(depth, ']'); }
std::string objects(std::size_t depth) {
  std::string text;
  for (std::size_t i = 0; i < depth; ++i) text += "{\"a\":";
  return text + "1" + std::string(depth, '}');
}
}  // namespace

TEST_CASE("json: text is compacted and nothing else changes") {
  CHECK(again(R"( { "b" : [ 1 , -2 , true , null , "x" ] , "a" : { } } )") == R"({"b":[1,-2,true,null,"x"],"a":{}})");
  CHECK(again(R"("\u0000\u001f\"\\\/é\ud83d\ude00")") == "\"\\u0000\\u001f\\\"\\\\/é😀\"");
}

TEST_CASE("json: integers of 64 bits keep every digit") {
  for (const std::string_view text : {"0", "9007199254740993", "9223372036854775807", "9223372036854775808",
                                      "18446744073709551615", "-9223372036854775808"}) {
    CAPTURE(text);
    CHECK(again(text) == text);
  }
}

TEST_CASE("json: a double stays a double, and the text of any double can be read again") {
  CHECK(again("1.0") == "1.0");
  CHECK(again("-0.0") == "-0.0");
  CHECK(again("1e2") == "100.0");
  CHECK(again("0.1") == "0.1");
  // Shortest as plain digits, which no 64-bit integer holds: it must not come out as one.
  CHECK(again("123456789012345683968.0") == "123456789012345683968.0");
  CHECK(again("1e23") == "1e+23");
  CHECK(rc::check("every finite double round-trips", [](std::uint64_t bits) {
    const auto v = std::bit_cast<double>(bits);
    RC_PRE(std::isfinite(v));
    std::string text;
    append_number(text, v);
    if (text.find_first_of(".e") == text.npos) text += ".0";
    json_parser parser;
    const auto once = parser.parse(text);
    RC_ASSERT(once.has_value());
    const auto copy = once->to_text();
    json_parser second;
    const auto twice = second.parse(copy);
    RC_ASSERT(twice.has_value());
    RC_ASSERT(std::bit_cast<std::uint64_t>(twice->as_double()) == bits);
    RC_ASSERT(!twice->is_integer());
  }));
}

TEST_CASE("json: what is no JSON is refused") {
  for (const std::string_view text : {"",
                                      " ",
                                      "{",
                                      "[1,]",
                                      "{\"a\":1,}",
                                      "{a:1}",
                                      "'a'",
                                      "nan",
                                      "NaN",
                                      "Infinity",
                                      "01",
                                      "+1",
                                      ".5",
                                      "1.",
                                      "1e",
                                      "\"a",
                                      "\"\\x\"",
                                      "[1] 2",
                                      "tru",
                                      "\"\t\"",
                                      "\"\xff\"",
                                      "\"\xc0\xaf\"",
                                      "\"\xed\xa0\x80\"",
                                      "1e999",
                                      "18446744073709551616"}) {
    CAPTURE(text);
    CHECK(refused(text));
  }
}

TEST_CASE("json: a lone surrogate never becomes a string that is not UTF-8") {
  for (const std::string_view text : {R"("\ud800")", R"("\udc00")", R"("\ud800x")", R"("\ud800\u0041")"}) {
    CAPTURE(text);
    json_parser parser;
    const auto value = parser.parse(text);
    if (value) CHECK(is_utf8(value->as_string()));
  }
}

TEST_CASE("json: 64 levels are read, 65 refused, and so are a hundred thousand") {
  CHECK(again(arrays(limits::json_depth_max)) == arrays(limits::json_depth_max));
  CHECK(again(objects(limits::json_depth_max)) == objects(limits::json_depth_max));
  for (const auto& text : {arrays(65), objects(65), arrays(100'000), std::string(100'000, '[')}) CHECK(refused(text));
  json_parser parser;
  CHECK_FALSE(parser.parse(arrays(65)).has_value());
  CHECK(parser.parse(arrays(64)).has_value());
}

TEST_CASE("json: parsing in place gives the same and leaves the padding alone") {
  const std::string text = R"({"id":18446744073709551615,"s":"x\ny"})";
  std::string padded = text + std::string(json_parser::padding, '}');
  json_parser parser;
  const auto value = parser.parse_padded(std::string_view(padded).substr(0, text.size()));
  REQUIRE(value.has_value());
  CHECK(value->to_text() == text);
  CHECK(padded == text + std::string(json_parser::padding, '}'));
}

TEST_CASE("json: a parser serves one document after the other, also after a bad one") {
  json_parser parser;
  CHECK(parser.parse("[1]").has_value());
  CHECK_FALSE(parser.parse("[1").has_value());
  const std::string large = "[" + std::string(100'000, ' ') + "7]";
  const auto value = parser.parse(large);
  REQUIRE(value.has_value());
  CHECK(value->to_text() == "[7]");
}

TEST_CASE("json: a value that is not there answers no to everything") {
  json_parser parser;
  const auto object = parser.parse(R"({"n":null,"s":"x","d":1.5,"neg":-1,"big":9223372036854775808})");
  REQUIRE(object.has_value());
  const auto absent = (*object)["nope"];
  CHECK_FALSE(absent.present());
  CHECK(absent.missing());
  CHECK_FALSE(absent.is_null());
  CHECK_FALSE(absent.is_object());
  CHECK_FALSE(absent["deeper"].present());
  CHECK_FALSE((*object)["s"]["deeper"].present());
  CHECK(absent.size() == 0);
  CHECK((*object)["n"].missing());
  CHECK((*object)["n"].is_null());
  std::uint64_t u = 7;
  std::int64_t i = 7;
  CHECK_FALSE(absent.get_uint64(u));
  CHECK_FALSE((*object)["d"].get_uint64(u));
  CHECK_FALSE((*object)["neg"].get_uint64(u));
  CHECK_FALSE((*object)["big"].get_int64(i));
  CHECK((*object)["big"].get_uint64(u));
  CHECK(u == 9223372036854775808ull);
  CHECK((*object)["neg"].get_int64(i));
  CHECK(i == -1);
  CHECK_FALSE((*object)["d"].is_integer());
  CHECK((*object)["big"].is_integer());
}

TEST_CASE("json: vectors hold finite 32-bit floats") {
  json_parser parser;
  std::vector<float> out{9};
  const auto read = [&](std::string_view text) { return read_floats(*parser.parse(text), "vector", out); };
  REQUIRE(read("[0.19, 1, -2.5, 3.4028234663852886e38]").has_value());
  CHECK(out == std::vector<float>{0.19f, 1, -2.5f, 3.4028234663852886e38f});
  CHECK(read("[]").has_value());
  CHECK(out.empty());
  for (const auto bad : {"[3.5e38]", "[-1e300]", "[\"1\"]", "[null]", "[[1]]", "[true]", "{}", "1", "null"}) {
    CAPTURE(bad);
    const auto r = read(bad);
    REQUIRE_FALSE(r.has_value());
    CHECK(r.error().code == ec::validation_error);
    CHECK(r.error().details.find("\"vector\"") != std::string::npos);
  }
  const std::string many = "[" + [] {
    std::string s = "1";
    for (int i = 1; i < 70'000; ++i) s += ",1";
    return s;
  }() + "]";
  REQUIRE(read(many).has_value());
  CHECK(out.size() == 70'000);
}

TEST_CASE("json: random bytes are refused or read, never worse") {
  CHECK(rc::check("random bytes", [](const std::string& bytes) {
    json_parser parser;
    if (const auto value = parser.parse(bytes)) {
      json_parser second;
      RC_ASSERT(second.parse(value->to_text()).has_value());
    }
  }));
}
