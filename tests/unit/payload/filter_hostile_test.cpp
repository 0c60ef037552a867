// What a filter refuses, and how it says so; and rows nobody should have stored.
#include <thread>

#include "ask.hpp"
#include "base/limits.hpp"
#include "base/names.hpp"

using namespace waggle;
using test::refused_at;

namespace {
std::string repeat(std::string_view text, std::size_t n, std::string_view separator = "") {
  std::string out;
  for (std::size_t i = 0; i < n; ++i) {
    if (i) out += separator;
    out += text;
  }
  return out;
}
constexpr std::string_view yes = R"({"key":"a","match":{"value":1}})";
}  // namespace

TEST_CASE("filter refuses: unknown members, by their place") {
  CHECK(refused_at(R"({"most":[]})") == "filter.most");
  CHECK(refused_at(R"({"must":[],"limit":3})") == "filter.limit");
  CHECK(refused_at(R"({"must":[{"key":"a","match":{"value":1}},{"key":"a","match":{"equals":1}}]})") ==
        "filter.must[1].match.equals");
  CHECK(refused_at(R"({"must":[{"key":"a","match":{"value":1},"boost":2}]})") == "filter.must[0].boost");
  CHECK(refused_at(R"({"must":[{"key":"a","match":{"value":1},"boost":null}]})") == "filter.must[0].boost");
  CHECK(refused_at(R"({"must":{"foo":1}})") == "filter.must.foo");
  CHECK(refused_at(R"({"must_not":{"key":"a","range":{"min":1}}})") == "filter.must_not.range.min");
  CHECK(refused_at(R"({"must":{"key":"a","values_count":{"eq":1}}})") == "filter.must.values_count.eq");
  CHECK(refused_at(R"({"must":{"key":"a","geo_radius":{"center":{"lat":0,"lon":0,"alt":0},"radius":1}}})") ==
        "filter.must.geo_radius.center.alt");
  CHECK(refused_at(R"({"must":{"key":"a","geo_radius":{"center":{"lat":0,"lon":0},"radius":1,"unit":"km"}}})") ==
        "filter.must.geo_radius.unit");
  CHECK(refused_at(R"({"must":{"nested":{"key":"a","filter":{"all":[]}}}})") == "filter.must.nested.filter.all");
  CHECK(refused_at(R"({"must":{"nested":{"key":"a","filter":{},"x":1}}})") == "filter.must.nested.x");
  CHECK(refused_at(R"({"must":{"is_null":{"key":"a","x":1}}})") == "filter.must.is_null.x");
  CHECK(refused_at(R"({"min_should":{"conditions":[],"min_count":1,"max_count":2}})") == "filter.min_should.max_count");
  CHECK(refused_at(R"({"must":{"must":[{"must_not":[{"x":1}]}]}})") == "filter.must.must[0].must_not[0].x");
  CHECK(refused_at(R"({"must":{"type":"match","key":"a","match_value":{"text":"a","type":"exact","case":1}}})") ==
        "filter.must.match_value.case");
}

TEST_CASE("filter refuses: members given twice, so that none is silently dropped") {
  CHECK(refused_at(R"({"must":[],"must":[{"has_id":["a"]}]})") == "filter.must");
  CHECK(refused_at(R"({"must":{"key":"a","key":"b","match":{"value":1}}})") == "filter.must.key");
  CHECK(refused_at(R"({"must":{"key":"a","range":{"gt":1,"gt":2}}})") == "filter.must.range.gt");
}

TEST_CASE("filter refuses: wrong JSON types and missing parts") {
  for (const std::string_view text :
       {"[]",
        "1",
        "\"x\"",
        "true",
        R"({"must":1})",
        R"({"must":"a"})",
        R"({"must":[1]})",
        R"({"must":[null]})",
        R"({"must":[[]]})",
        R"({"must":{"key":"a"}})",
        R"({"must":{"key":"a","match":null}})",
        R"({"must":{"match":{"value":1}}})",
        R"({"must":{"key":7,"match":{"value":1}}})",
        R"({"must":{"key":null,"match":{"value":1}}})",
        R"({"must":{"key":"a","match":1}})",
        R"({"must":{"key":"a","match":{}}})",
        R"({"must":{"key":"a","match":{"value":null}}})",
        R"({"must":{"key":"a","match":{"value":1.5}}})",
        R"({"must":{"key":"a","match":{"value":1.0}}})",
        R"({"must":{"key":"a","match":{"value":[1]}}})",
        R"({"must":{"key":"a","match":{"value":{}}}})",
        R"({"must":{"key":"a","match":{"any":"x"}}})",
        R"({"must":{"key":"a","match":{"any":[null]}}})",
        R"({"must":{"key":"a","match":{"any":[1.5]}}})",
        R"({"must":{"key":"a","match":{"any":[["x"]]}}})",
        R"({"must":{"key":"a","match":{"except":{}}}})",
        R"({"must":{"key":"a","match":{"text":1}}})",
        R"({"must":{"key":"a","match":{"text_any":["a"]}}})",
        R"({"must":{"key":"a","match":{"phrase":true}}})",
        R"({"must":{"key":"a","match":{"prefix":1}}})",
        R"({"must":{"key":"a","match":{"value":1,"any":[1]}}})",
        R"({"must":{"key":"a","match":{"value":1},"range":{"gt":1}}})",
        R"({"must":{"key":"a","range":[1,2]}})",
        R"({"must":{"key":"a","range":{"gt":true}}})",
        R"({"must":{"key":"a","range":{"gt":[1]}}})",
        R"({"must":{"key":"a","range":{"gt":1,"lt":"2024-01-01T00:00:00Z"}}})",
        R"({"must":{"key":"a","values_count":{"gt":-1}}})",
        R"({"must":{"key":"a","values_count":{"gt":1.5}}})",
        R"({"must":{"key":"a","values_count":{"gt":"1"}}})",
        R"({"must":{"key":"a","values_count":3}})",
        R"({"must":{"key":"a","is_empty":1}})",
        R"({"must":{"is_empty":true}})",
        R"({"must":{"is_empty":"a"}})",
        R"({"must":{"is_empty":{}}})",
        R"({"must":{"key":"a","is_null":{"key":"a"}}})",
        R"({"must":{"has_id":"a"}})",
        R"({"must":{"has_id":[-1]}})",
        R"({"must":{"has_id":[1.5]}})",
        R"({"must":{"has_id":[null]}})",
        R"({"must":{"has_id":[""]}})",
        R"({"must":{"has_id":["a\u0000"]}})",
        R"({"must":{"has_id":["a"],"key":"b"}})",
        R"({"must":{"has_vector":1}})",
        R"({"must":{"nested":{"key":"a"}}})",
        R"({"must":{"nested":{"filter":{}}}})",
        R"({"must":{"nested":{"key":"a","filter":[]}}})",
        R"({"must":{"nested":[]}})",
        R"({"must":{"key":"a","filter":{}}})",
        R"({"must":{"key":"__nested__","filter":null}})",
        R"({"min_should":[]})",
        R"({"min_should":{"conditions":[]}})",
        R"({"min_should":{"min_count":1}})",
        R"({"min_should":{"conditions":[],"min_count":0}})",
        R"({"min_should":{"conditions":[],"min_count":-1}})",
        R"({"min_should":{"conditions":1,"min_count":1}})",
        R"({"must":{"type":"match","key":"a"}})",
        R"({"must":{"type":"range","key":"a","match_value":"x"}})",
        R"({"must":{"type":"equals","key":"a","match_value":"x"}})",
        R"({"must":{"type":1,"key":"a","match_value":"x"}})",
        R"({"must":{"key":"a","match_value":"x"}})",
        R"({"must":{"type":"match","key":"a","match_value":1.5}})",
        R"({"must":{"type":"match","key":"a","match_value":{"text":"x"}}})",
        R"({"must":{"type":"match","key":"a","match_value":{"text":"x","type":"fuzzy"}}})",
        R"({"must":{"type":"match","key":"a","match_value":{"text":1,"type":"exact"}}})",
        R"({"must":{"type":"match","key":"a","match_value":["x"]}})"}) {
    CAPTURE(text);
    CHECK_FALSE(refused_at(text).empty());
  }
}

TEST_CASE("filter refuses: dates and places that are none") {
  for (const std::string_view date : {"", "today", "2024", "2024-02-30T00:00:00Z", "2024-01-01T25:00:00Z", "1704067200",
                                      "2024-01-01T00:00:00+25:00"}) {
    CAPTURE(date);
    CHECK(refused_at(R"({"must":{"key":"a","range":{"gte":")" + std::string(date) + "\"}}}") ==
          "filter.must.range.gte");
  }
  for (const std::string_view point :
       {R"({"lat":90.1,"lon":0})", R"({"lat":-91,"lon":0})", R"({"lat":0,"lon":180.5})", R"({"lat":0,"lon":-181})",
        R"({"lat":1e308,"lon":0})", R"({"lat":"0","lon":0})", R"({"lat":0})", R"({"lon":0})", "[0,0]", "null", "1"}) {
    CAPTURE(point);
    const std::string p(point);
    CHECK_FALSE(refused_at(R"({"must":{"key":"a","geo_radius":{"center":)" + p + R"(,"radius":1}}})").empty());
    CHECK_FALSE(refused_at(R"({"must":{"key":"a","geo_bounding_box":{"top_left":)" + p +
                           R"(,"bottom_right":{"lat":0,"lon":0}}}})")
                    .empty());
    CHECK_FALSE(
        refused_at(R"({"must":{"key":"a","geo_polygon":{"exterior":{"points":[{"lat":0,"lon":0},{"lat":1,"lon":1},)" +
                   p + R"(,{"lat":0,"lon":0}]}}}})")
            .empty());
  }
  for (
      const std::string_view area :
      {R"("geo_radius":{"center":{"lat":0,"lon":0},"radius":-1})",
       R"("geo_radius":{"center":{"lat":0,"lon":0},"radius":"1"})", R"("geo_radius":{"center":{"lat":0,"lon":0}})",
       R"("geo_radius":{"radius":1})", R"("geo_bounding_box":{})",
       R"("geo_bounding_box":{"top_left":{"lat":1,"lon":0}})",
       R"("geo_bounding_box":{"top_left":{"lat":1,"lon":0},"bottom_left":{"lat":0,"lon":0}})", R"("geo_polygon":{})",
       R"("geo_polygon":{"exterior":{"points":[]}})",
       R"("geo_polygon":{"exterior":{"points":[{"lat":0,"lon":0},{"lat":0,"lon":1},{"lat":0,"lon":0}]}})",
       R"("geo_polygon":{"exterior":{"points":[{"lat":0,"lon":0},{"lat":0,"lon":1},{"lat":1,"lon":1},{"lat":1,"lon":0}]}})",
       R"("geo_polygon":{"exterior":{"points":[{"lat":0,"lon":0},{"lat":0,"lon":1},{"lat":1,"lon":1},{"lat":0,"lon":0}]},"interiors":[{"points":[]}]})",
       R"("geo_polygon":{"exterior":{"points":[{"lat":0,"lon":0},{"lat":0,"lon":1},{"lat":1,"lon":1},{"lat":0,"lon":0}]},"interiors":{}})"}) {
    CAPTURE(area);
    CHECK_FALSE(refused_at(R"({"must":{"key":"a",)" + std::string(area) + "}}").empty());
  }
}

TEST_CASE("filter refuses: keys that are no path") {
  for (const std::string_view key : {"",       ".",
                                     "a.",     ".a",
                                     "a..b",   "[]",
                                     "[0].a",  "a[",
                                     "a]",     "a[x]",
                                     "a[-1]",  "a[1.5]",
                                     "a[]b",   "a[0",
                                     "\\\"a",  "\\\"a\\\"b",
                                     "a\\\"b", "a[99999999999999999999]",
                                     "a[].",   "\\\"a\\\\x\\\""}) {
    CAPTURE(key);
    CHECK(refused_at(R"({"must":{"key":")" + std::string(key) + R"(","match":{"value":1}}})") == "filter.must.key");
    CHECK(refused_at(R"({"must":{"nested":{"key":")" + std::string(key) + R"(","filter":{}}}})") ==
          "filter.must.nested.key");
  }
}

TEST_CASE("filter refuses: more conditions than allowed, wherever they are") {
  const auto list = [](std::size_t n) { return "[" + repeat(yes, n, ",") + "]"; };
  CHECK(refused_at("{\"must\":" + list(limits::filter_conditions_max) + "}").empty());
  CHECK(refused_at("{\"must\":" + list(limits::filter_conditions_max + 1) + "}") == "filter");
  CHECK(refused_at("{\"must\":" + list(limits::filter_conditions_max / 2) +
                   ",\"should\":" + list(limits::filter_conditions_max / 2 + 1) + "}") == "filter");
  CHECK(refused_at("{\"must\":{\"nested\":{\"key\":\"a\",\"filter\":{\"must\":" + list(limits::filter_conditions_max) +
                   "}}}}") == "filter");
}

TEST_CASE("filter refuses: nesting beyond 32 levels") {
  const auto deep = [](std::size_t n) { return repeat("{\"must\":", n) + std::string(yes) + std::string(n, '}'); };
  CHECK(refused_at(deep(32)).empty());
  CHECK(refused_at(deep(33)) == "filter");
  CHECK(refused_at(deep(60)) == "filter");
  const auto nested = [](std::size_t n) {
    return repeat(R"({"must":{"key":"__nested__","filter":)", n) + "{}" + repeat("}}", n);
  };
  CHECK(refused_at(nested(31)).empty());
}

TEST_CASE("filter: large lists are fine, large texts and polygons are refused") {
  std::string ids, values;
  for (int i = 0; i < 100'000; ++i) {
    ids += (i ? "," : "") + std::to_string(i);
    values += (i ? ",\"v" : "\"v") + std::to_string(i) + "\"";
  }
  CHECK(test::matches("{\"must\":{\"has_id\":[" + ids + "]}}", "", "99999"));
  CHECK_FALSE(test::matches("{\"must\":{\"has_id\":[" + ids + "]}}", "", "100000"));
  CHECK(test::matches("{\"must\":{\"key\":\"a\",\"match\":{\"any\":[" + values + "]}}}", R"({"a":"v77777"})"));
  CHECK(refused_at(R"({"must":{"key":"a","match":{"text":")" + repeat("w", 1025, " ") + "\"}}}") ==
        "filter.must.match.text");
  const auto ring = [](std::size_t n) {
    return R"({"must":{"key":"a","geo_polygon":{"exterior":{"points":[)" + repeat(R"({"lat":0,"lon":0})", n, ",") +
           "]}}}}";
  };
  CHECK(refused_at(ring(65536)).empty());
  CHECK(refused_at(ring(65537)) == "filter");
}

TEST_CASE("filter: what a client wrote comes back short and as UTF-8") {
  const auto f = test::parse_filter("{\"" + repeat("é", 100'000) + "\":1}");
  REQUIRE_FALSE(f.has_value());
  CHECK(f.error().message.size() < 300);
  CHECK(f.error().details.size() < 300);
  CHECK(is_utf8(f.error().message));
}

TEST_CASE("filter: rows that are no JSON match nothing, not even must_not") {
  const auto f = test::parse_filter(R"({"must_not":[{"key":"a","match":{"value":1}}]})");
  REQUIRE(f.has_value());
  for (const auto& payload : std::vector<std::string>{"{", "{\"a\":}", "not json", "{\"a\":NaN}", "\xff",
                                                      std::string(1000, '['), std::string(1, '\0')}) {
    CAPTURE(payload);
    CHECK_FALSE(f->matches("x", payload, false));
  }
  // A row that is JSON but no object has no members.
  CHECK(f->matches("x", "[1]", false));
  CHECK(f->matches("x", R"({"a":2})", false));
}

TEST_CASE("filter: a row no condition needs is not parsed") {
  const auto ids = test::parse_filter(R"({"must":[{"key":"a","match":{"value":1}},{"has_id":["x"]}]})");
  // A broken payload proves it: it is looked at only when has_id holds.
  CHECK_FALSE(ids->matches("y", "{broken", false));
  const auto only = test::parse_filter(R"({"must":[{"has_id":["x"]}]})");
  CHECK(only->matches("x", "{broken", false));
}

TEST_CASE("filter: many threads ask one filter") {
  const auto f =
      test::parse_filter(R"({"must":[{"key":"a[].n","range":{"gte":500}},{"key":"t","match":{"text":"red"}}]})");
  REQUIRE(f.has_value());
  std::vector<std::thread> threads;
  std::vector<int> found(4);
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 1000; ++i) {
        const auto payload = R"({"a":[{"n":)" + std::to_string(i) + R"(}],"t":"a red one"})";
        found[t] += f->matches("p", payload, false);
      }
    });
  for (auto& thread : threads) thread.join();
  for (const int n : found) CHECK(n == 500);
}
