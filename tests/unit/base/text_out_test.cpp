#include "base/text_out.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/float_text.hpp"
#include "base/json.hpp"

using namespace waggle;

namespace {
template <class N>
std::string number(N v) {
  std::string out;
  append_number(out, v);
  return out;
}

/// Without zeros at either end.
std::string significant_digits(std::string_view text) {
  std::string digits;
  for (const char c : text.substr(0, text.find('e')))
    if (c >= '0' && c <= '9' && !(digits.empty() && c == '0')) digits += c;
  return digits.erase(digits.find_last_not_of('0') + 1);
}
}  // namespace

TEST_CASE("text: floats are written in their shortest form") {
  CHECK(number(0.19f) == "0.19");
  CHECK(number(0.1f) == "0.1");
  CHECK(number(1.0f) == "1");
  CHECK(number(-2.5f) == "-2.5");
  CHECK(number(16777216.0f) == "16777216");
  CHECK(number(1e-7f) == "1e-07");
  CHECK(number(0.000001f) == "0.000001");
  CHECK(number(-0.00012f) == "-0.00012");
  CHECK(number(1e15f) == "1e+15");
  CHECK(number(123456.0f) == "123456");
  CHECK(number(12e4f) == "120000");
  CHECK(number(3.4028235e38f) == "3.4028235e+38");
  CHECK(number(1e-45f) == "1e-45");
  CHECK(number(0.0f) == "0");
  CHECK(number(-0.0f) == "-0.0");
  CHECK(number(std::numeric_limits<float>::infinity()) == "null");
  CHECK(number(0.1) == "0.1");
  CHECK(number(0.30000000000000004) == "0.30000000000000004");
}

TEST_CASE("text: every finite float reads back as the same bits") {
  CHECK(rc::check("float round trip", [](std::uint32_t bits) {
    const auto v = std::bit_cast<float>(bits);
    RC_PRE(std::isfinite(v));
    const auto text = number(v);
    RC_ASSERT(text.size() <= float_text_max);
    // No more digits than the standard library finds.
    char reference[40];
    const auto end = std::to_chars(reference, reference + sizeof reference, v, std::chars_format::scientific).ptr;
    RC_ASSERT(significant_digits(text) == significant_digits({reference, end}));
    float back = 0;
    RC_ASSERT(std::from_chars(text.data(), text.data() + text.size(), back).ptr == text.data() + text.size());
    RC_ASSERT(std::bit_cast<std::uint32_t>(back) == bits);
  }));
}

TEST_CASE("text: what JSON has no number for becomes null") {
  for (const auto v : {std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(),
                       std::numeric_limits<double>::quiet_NaN()}) {
    CHECK(number(v) == "null");
    CHECK(number(static_cast<float>(v)) == "null");
  }
}

TEST_CASE("text: integers to their ends") {
  CHECK(number(std::numeric_limits<std::uint64_t>::max()) == "18446744073709551615");
  CHECK(number(std::numeric_limits<std::int64_t>::min()) == "-9223372036854775808");
  CHECK(number(std::uint32_t{4294967295}) == "4294967295");
}

TEST_CASE("text: strings come back from a JSON reader byte for byte") {
  std::string all;
  for (int c = 0; c < 0x80; ++c) all += static_cast<char>(c);
  all += "é漢😀";
  std::string out;
  append_json_string(out, all);
  CHECK(out.find('\n') == out.npos);
  json_parser parser;
  const auto value = parser.parse(out);
  REQUIRE(value.has_value());
  CHECK(value->as_string() == all);
}

TEST_CASE("text: the writer places commas in every shape") {
  std::string out;
  json_writer w(out);
  w.begin_object();
  w.key("a").begin_array().end_array();
  w.key("b").begin_array().value(1u).begin_object().end_object().null().value(true).value("x").end_array();
  w.member("c", -1.5).member_raw("d", "{}").member("e\"", std::string("y"));
  const float floats[] = {0.19f, 2};
  w.key("f").value(std::span<const float>(floats));
  w.end_object();
  CHECK(out == R"({"a":[],"b":[1,{},null,true,"x"],"c":-1.5,"d":{},"e\"":"y","f":[0.19,2]})");
  json_parser parser;
  CHECK(parser.parse(out).has_value());
}

TEST_CASE("text: timestamps") {
  CHECK(format_rfc3339(0) == "1970-01-01T00:00:00.000Z");
  CHECK(format_rfc3339(1767225600123) == "2026-01-01T00:00:00.123Z");
  CHECK(format_rfc3339(-1) == "1969-12-31T23:59:59.999Z");
  CHECK(format_rfc3339(951782400000) == "2000-02-29T00:00:00.000Z");
}

TEST_CASE("text: sizes for people") {
  CHECK(format_bytes(0) == "0 B");
  CHECK(format_bytes(1023) == "1023 B");
  CHECK(format_bytes(1536) == "1.5 KiB");
  CHECK(format_bytes(std::uint64_t{3} << 40) == "3.0 TiB");
}

TEST_CASE("text: a list of floats is the texts of its elements, however long it is") {
  CHECK(rc::check("list of floats", [] {
    const auto count = *rc::gen::inRange<std::size_t>(0, 300);
    std::vector<float> values;
    for (std::size_t i = 0; i < count; ++i) values.push_back(std::bit_cast<float>(*rc::gen::arbitrary<std::uint32_t>()));
    std::string expected = "[", text;
    for (const float v : values) expected += (expected.size() > 1 ? "," : "") + number(v);
    append_floats(text, values);
    RC_ASSERT(text == expected + "]");
  }));
}
