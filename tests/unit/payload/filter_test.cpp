// Each condition by example: a filter, a payload, and whether they match.
#include "ask.hpp"

using namespace waggle;
using test::matches;

namespace {
struct example {
  std::string_view condition;  ///< put alone into must
  std::string_view payload;
  bool expected;
};
template <std::size_t N>
void check(const example (&examples)[N]) {
  for (const auto& e : examples) {
    CAPTURE(e.condition);
    CAPTURE(e.payload);
    const auto c = std::string(e.condition);
    CHECK(matches(R"({"must":[)" + c + "]}", e.payload) == e.expected);
    CHECK(matches(R"({"must":)" + c + "}", e.payload) == e.expected);
    CHECK(matches(R"({"should":[)" + c + "]}", e.payload) == e.expected);
    CHECK(matches(R"({"must_not":[)" + c + "]}", e.payload) == !e.expected);
    CHECK(matches(R"({"must":{"must":{"filter":{"should":)" + c + "}}}}", e.payload) == e.expected);
    CHECK(matches(R"({"must":{"key":"__nested__","filter":{"must":)" + c + "}}}", e.payload) == e.expected);
    CHECK(matches(R"({"min_should":{"conditions":[)" + c + R"(],"min_count":1}})", e.payload) == e.expected);
  }
}
}  // namespace

TEST_CASE("filter: match value compares strings, integers and booleans") {
  check({
      {R"({"key":"a","match":{"value":"x"}})", R"({"a":"x"})", true},
      {R"({"key":"a","match":{"value":"x"}})", R"({"a":"X"})", false},
      {R"({"key":"a","match":{"value":"x"}})", R"({"a":"xy"})", false},
      {R"({"key":"a","match":{"value":"x"}})", R"({"b":"x"})", false},
      {R"({"key":"a","match":{"value":"x"}})", "", false},
      {R"({"key":"a","match":{"value":""}})", R"({"a":""})", true},
      {R"({"key":"a","match":{"value":"é"}})", R"({"a":"\u00e9"})", true},
      {R"({"key":"a","match":{"value":7}})", R"({"a":7})", true},
      {R"({"key":"a","match":{"value":7}})", R"({"a":8})", false},
      {R"({"key":"a","match":{"value":-7}})", R"({"a":-7})", true},
      {R"({"key":"a","match":{"value":true}})", R"({"a":true})", true},
      {R"({"key":"a","match":{"value":true}})", R"({"a":false})", false},
      {R"({"key":"a","match":{"value":false}})", R"({"a":false})", true},
  });
}

TEST_CASE("filter: values of another JSON type do not match") {
  check({
      {R"({"key":"a","match":{"value":"7"}})", R"({"a":7})", false},
      {R"({"key":"a","match":{"value":7}})", R"({"a":"7"})", false},
      {R"({"key":"a","match":{"value":1}})", R"({"a":true})", false},
      {R"({"key":"a","match":{"value":true}})", R"({"a":1})", false},
      {R"({"key":"a","match":{"value":true}})", R"({"a":"true"})", false},
      {R"({"key":"a","match":{"value":0}})", R"({"a":null})", false},
      {R"({"key":"a","match":{"value":"x"}})", R"({"a":{"x":"x"}})", false},
      {R"({"key":"a","match":{"value":1}})", R"({"a":1.0})", false},
      {R"({"key":"a","range":{"gte":1}})", R"({"a":"1"})", false},
      {R"({"key":"a","range":{"gte":0}})", R"({"a":true})", false},
      {R"({"key":"a","range":{"gte":"2020-01-01T00:00:00Z"}})", R"({"a":1700000000})", false},
      {R"({"key":"a","match":{"text":"7"}})", R"({"a":7})", false},
      {R"({"key":"a","match":{"prefix":"7"}})", R"({"a":7})", false},
  });
}

TEST_CASE("filter: integers are compared with all 64 bits") {
  check({
      {R"({"key":"a","match":{"value":18446744073709551615}})", R"({"a":18446744073709551615})", true},
      {R"({"key":"a","match":{"value":18446744073709551615}})", R"({"a":18446744073709551614})", false},
      {R"({"key":"a","match":{"value":18446744073709551615}})", R"({"a":-1})", false},
      {R"({"key":"a","match":{"value":9007199254740993}})", R"({"a":9007199254740992})", false},
      {R"({"key":"a","match":{"any":[9223372036854775808]}})", R"({"a":-9223372036854775808})", false},
      {R"({"key":"a","range":{"gt":18446744073709551614}})", R"({"a":18446744073709551615})", true},
      {R"({"key":"a","range":{"gt":18446744073709551614}})", R"({"a":18446744073709551614})", false},
      {R"({"key":"a","range":{"lt":9007199254740993}})", R"({"a":9007199254740992})", true},
      {R"({"key":"a","range":{"lte":9007199254740992.0}})", R"({"a":9007199254740993})", false},
      {R"({"key":"a","range":{"lt":0}})", R"({"a":18446744073709551615})", false},
  });
}

TEST_CASE("filter: match any and except") {
  check({
      {R"({"key":"a","match":{"any":["x","y"]}})", R"({"a":"y"})", true},
      {R"({"key":"a","match":{"any":["x","y"]}})", R"({"a":"z"})", false},
      {R"({"key":"a","match":{"any":[1,"x",true]}})", R"({"a":true})", true},
      {R"({"key":"a","match":{"any":[1,"x",true]}})", R"({"a":1})", true},
      {R"({"key":"a","match":{"any":[]}})", R"({"a":"x"})", false},
      {R"({"key":"a","match":{"any":["x"]}})", R"({"a":["z","x"]})", true},
      {R"({"key":"a","match":{"except":["x"]}})", R"({"a":"y"})", true},
      {R"({"key":"a","match":{"except":["x"]}})", R"({"a":"x"})", false},
      {R"({"key":"a","match":{"except":["x"]}})", R"({"a":7})", true},
      {R"({"key":"a","match":{"except":["x"]}})", R"({"a":null})", false},
      {R"({"key":"a","match":{"except":["x"]}})", R"({})", false},
      {R"({"key":"a","match":{"except":["x"]}})", R"({"a":["x","x"]})", false},
      {R"({"key":"a","match":{"except":["x"]}})", R"({"a":["x","y"]})", true},
      {R"({"key":"a","match":{"except":["x"]}})", R"({"a":[]})", false},
      {R"({"key":"a","match":{"except":[]}})", R"({"a":"x"})", true},
      {R"({"key":"a","match":{"except":[1,2]}})", R"({"a":1})", false},
      {R"({"key":"a","match":{"except":[1,2]}})", R"({"a":3})", true},
  });
}

TEST_CASE("filter: text, text_any and phrase compare words, prefix compares bytes") {
  check({
      {R"({"key":"a","match":{"text":"red Fox"}})", R"({"a":"A fox, quite RED."})", true},
      {R"({"key":"a","match":{"text":"red fox"}})", R"({"a":"a red dog"})", false},
      {R"({"key":"a","match":{"text":"fox"}})", R"({"a":"foxes"})", false},
      {R"({"key":"a","match":{"text":"red red"}})", R"({"a":"red"})", true},
      {R"({"key":"a","match":{"text":"red fox"}})", R"({"a":["red","fox"]})", false},
      {R"({"key":"a","match":{"text":"red fox"}})", R"({"a":["dog","fox red"]})", true},
      {R"({"key":"a","match":{"text":""}})", R"({"a":"red"})", false},
      {R"({"key":"a","match":{"text":"!?"}})", R"({"a":"red"})", false},
      {R"({"key":"a","match":{"text_any":"fox dog"}})", R"({"a":"a red dog"})", true},
      {R"({"key":"a","match":{"text_any":"fox dog"}})", R"({"a":"a red cat"})", false},
      {R"({"key":"a","match":{"text_any":""}})", R"({"a":"a"})", false},
      {R"({"key":"a","match":{"phrase":"red fox"}})", R"({"a":"The Red-Fox jumps"})", true},
      {R"({"key":"a","match":{"phrase":"red fox"}})", R"({"a":"red brown fox"})", false},
      {R"({"key":"a","match":{"phrase":"fox red"}})", R"({"a":"red fox"})", false},
      {R"({"key":"a","match":{"phrase":"red red fox"}})", R"({"a":"red red red fox"})", true},
      {R"({"key":"a","match":{"phrase":""}})", R"({"a":"red"})", false},
      {R"({"key":"a","match":{"prefix":"re"}})", R"({"a":"red"})", true},
      {R"({"key":"a","match":{"prefix":"Re"}})", R"({"a":"red"})", false},
      {R"({"key":"a","match":{"prefix":"red"}})", R"({"a":"re"})", false},
      {R"({"key":"a","match":{"prefix":"ed"}})", R"({"a":"red"})", false},
      {R"({"key":"a","match":{"prefix":""}})", R"({"a":""})", true},
  });
}

TEST_CASE("filter: number ranges") {
  check({
      {R"({"key":"a","range":{"gt":1}})", R"({"a":1})", false},
      {R"({"key":"a","range":{"gt":1}})", R"({"a":1.0000000000000002})", true},
      {R"({"key":"a","range":{"gte":1}})", R"({"a":1.0})", true},
      {R"({"key":"a","range":{"lt":1}})", R"({"a":1})", false},
      {R"({"key":"a","range":{"lte":1}})", R"({"a":1})", true},
      {R"({"key":"a","range":{"gte":1,"lt":2}})", R"({"a":1.5})", true},
      {R"({"key":"a","range":{"gte":1,"lt":2}})", R"({"a":2})", false},
      {R"({"key":"a","range":{"gte":2,"lt":1}})", R"({"a":1.5})", false},
      {R"({"key":"a","range":{"gt":null,"lt":-1e300}})", R"({"a":-1.7e308})", true},
      {R"({"key":"a","range":{}})", R"({"a":0})", true},
      {R"({"key":"a","range":{}})", R"({"a":"0"})", false},
      {R"({"key":"a","range":{"gte":5,"lte":6}})", R"({"a":[1,9]})", false},
      {R"({"key":"a","range":{"gte":5,"lte":6}})", R"({"a":[1,5.5]})", true},
  });
}

TEST_CASE("filter: date-time ranges compare instants, not text") {
  check({
      {R"({"key":"a","range":{"gte":"2024-01-01T00:00:00Z"}})", R"({"a":"2024-01-01T01:00:00+01:00"})", true},
      {R"({"key":"a","range":{"gt":"2024-01-01T00:00:00Z"}})", R"({"a":"2024-01-01T01:00:00+01:00"})", false},
      {R"({"key":"a","range":{"lt":"2024-01-01T00:00:00Z"}})", R"({"a":"2023-12-31T23:59:59.999999999Z"})", true},
      {R"({"key":"a","range":{"lt":"2024-01-01T00:00:00.000000001Z"}})", R"({"a":"2024-01-01T00:00:00Z"})", true},
      {R"({"key":"a","range":{"gte":"2024-01-01","lt":"2025-01-01"}})", R"({"a":"2024-06-01 12:00:00"})", true},
      {R"({"key":"a","range":{"gte":"2024-01-01T00:00:00Z"}})", R"({"a":"tomorrow"})", false},
      {R"({"key":"a","range":{"gte":"2024-01-01T00:00:00Z"}})", R"({"a":"2024-13-01T00:00:00Z"})", false},
      {R"({"key":"a","range":{"gte":"2024-01-01T00:00:00Z"}})",
       R"({"a":["2020-01-01T00:00:00Z","2024-05-05T00:00:00Z"]})", true},
  });
}

TEST_CASE("filter: geographic areas") {
  check({
      // Berlin; Qdrant's and the Vectorizer clients' corners.
      {R"({"key":"a","geo_bounding_box":{"top_left":{"lat":52.6,"lon":13.2},"bottom_right":{"lat":52.4,"lon":13.6}}})",
       R"({"a":{"lat":52.52,"lon":13.4}})", true},
      {R"({"key":"a","geo_bounding_box":{"top_left":{"lat":52.6,"lon":13.2},"bottom_right":{"lat":52.4,"lon":13.6}}})",
       R"({"a":{"lat":48.1,"lon":13.4}})", false},
      {R"({"key":"a","geo_bounding_box":{"top_right":{"lat":52.6,"lon":13.6},"bottom_left":{"lat":52.4,"lon":13.2}}})",
       R"({"a":{"lat":52.52,"lon":13.4}})", true},
      {R"({"key":"a","geo_bounding_box":{"top_right":{"lat":52.6,"lon":13.6},"bottom_left":{"lat":52.4,"lon":13.2}}})",
       R"({"a":{"lat":52.52,"lon":13.7}})", false},
      // Across the antimeridian.
      {R"({"key":"a","geo_bounding_box":{"top_left":{"lat":10,"lon":170},"bottom_right":{"lat":-10,"lon":-170}}})",
       R"({"a":{"lat":0,"lon":179}})", true},
      {R"({"key":"a","geo_bounding_box":{"top_left":{"lat":10,"lon":170},"bottom_right":{"lat":-10,"lon":-170}}})",
       R"({"a":{"lat":0,"lon":-180}})", true},
      {R"({"key":"a","geo_bounding_box":{"top_left":{"lat":10,"lon":170},"bottom_right":{"lat":-10,"lon":-170}}})",
       R"({"a":{"lat":0,"lon":0}})", false},
      {R"({"key":"a","geo_radius":{"center":{"lat":52.52,"lon":13.405},"radius":600000}})",
       R"({"a":{"lat":48.137,"lon":11.575}})", true},
      {R"({"key":"a","geo_radius":{"center":{"lat":52.52,"lon":13.405},"radius":500000}})",
       R"({"a":{"lat":48.137,"lon":11.575}})", false},
      {R"({"key":"a","geo_radius":{"center":{"lat":0,"lon":179.9},"radius":30000}})", R"({"a":{"lat":0,"lon":-179.9}})",
       true},
      {R"({"key":"a","geo_radius":{"center":{"lat":0,"lon":0},"radius":0}})", R"({"a":{"lat":0,"lon":0}})", false},
      {R"({"key":"a","geo_polygon":{"exterior":{"points":[{"lat":0,"lon":0},{"lat":0,"lon":9},{"lat":9,"lon":0},{"lat":0,"lon":0}]}}})",
       R"({"a":{"lat":2,"lon":2}})", true},
      {R"({"key":"a","geo_polygon":{"exterior":{"points":[{"lat":0,"lon":0},{"lat":0,"lon":9},{"lat":9,"lon":0},{"lat":0,"lon":0}]}}})",
       R"({"a":{"lat":7,"lon":7}})", false},
      {R"({"key":"a","geo_polygon":{"exterior":{"points":[{"lat":0,"lon":0},{"lat":0,"lon":9},{"lat":9,"lon":0},{"lat":0,"lon":0}]},"interiors":[{"points":[{"lat":1,"lon":1},{"lat":1,"lon":3},{"lat":3,"lon":1},{"lat":1,"lon":1}]}]}})",
       R"({"a":{"lat":1.5,"lon":1.5}})", false},
      {R"({"key":"a","geo_polygon":{"exterior":{"points":[{"lat":0,"lon":0},{"lat":0,"lon":9},{"lat":9,"lon":0},{"lat":0,"lon":0}]},"interiors":[{"points":[{"lat":1,"lon":1},{"lat":1,"lon":3},{"lat":3,"lon":1},{"lat":1,"lon":1}]}]}})",
       R"({"a":{"lat":4,"lon":4}})", true},
      // Values that are no place.
      {R"({"key":"a","geo_radius":{"center":{"lat":0,"lon":0},"radius":1e9}})", R"({"a":{"lat":1,"lon":1,"name":"x"}})",
       true},
      {R"({"key":"a","geo_radius":{"center":{"lat":0,"lon":0},"radius":1e9}})", R"({"a":{"lat":"1","lon":1}})", false},
      {R"({"key":"a","geo_radius":{"center":{"lat":0,"lon":0},"radius":1e9}})", R"({"a":{"lat":91,"lon":1}})", false},
      {R"({"key":"a","geo_radius":{"center":{"lat":0,"lon":0},"radius":1e9}})", R"({"a":[1,1]})", false},
      {R"({"key":"a","geo_radius":{"center":{"lat":0,"lon":0},"radius":1e6}})",
       R"({"a":[{"lat":50,"lon":50},{"lat":1,"lon":1}]})", true},
  });
}

TEST_CASE("filter: values_count counts elements; one for any other value, none for null and nothing") {
  check({
      {R"({"key":"a","values_count":{"gte":2}})", R"({"a":[1,2]})", true},
      {R"({"key":"a","values_count":{"gt":2}})", R"({"a":[1,2]})", false},
      {R"({"key":"a","values_count":{"lt":1}})", R"({"a":[]})", true},
      {R"({"key":"a","values_count":{"lt":1}})", R"({"a":null})", true},
      {R"({"key":"a","values_count":{"lt":1}})", R"({})", true},
      {R"({"key":"a","values_count":{"lt":1}})", "", true},
      {R"({"key":"a","values_count":{"gt":0}})", R"({})", false},
      {R"({"key":"a","values_count":{"gte":1,"lte":1}})", R"({"a":"abc"})", true},
      {R"({"key":"a","values_count":{"gte":1,"lte":1}})", R"({"a":{"x":1,"y":2}})", true},
      {R"({"key":"a","values_count":{"gte":1,"lte":1}})", R"({"a":[[1,2,3]]})", true},
      {R"({"key":"a[].b","values_count":{"gte":2}})", R"({"a":[{"b":1},{"b":[1,2]}]})", true},
      {R"({"key":"a[].b","values_count":{"gte":2}})", R"({"a":[{"b":1},{"b":1}]})", false},
  });
}

TEST_CASE("filter: is_empty and is_null, in both spellings") {
  struct row {
    std::string_view payload;
    bool empty, null;
  };
  for (const auto& [payload, empty, null] :
       {row{"", true, false}, row{R"({})", true, false}, row{R"({"a":null})", true, true},
        row{R"({"a":[]})", true, false}, row{R"({"a":[null]})", false, true}, row{R"({"a":[1,null]})", false, true},
        row{R"({"a":""})", false, false}, row{R"({"a":0})", false, false}, row{R"({"a":false})", false, false},
        row{R"({"a":{}})", false, false}, row{R"({"b":null})", true, false}}) {
    CAPTURE(payload);
    const auto same = [payload = payload](std::string_view name, bool expected) {
      const std::string quoted = "\"" + std::string(name) + "\"";
      CHECK(matches("{\"must\":{" + quoted + R"(:{"key":"a"}}})", payload) == expected);
      CHECK(matches(R"({"must":{"key":"a",)" + quoted + ":true}}", payload) == expected);
      CHECK(matches(R"({"must":{"key":"a",)" + quoted + ":false}}", payload) == !expected);
      CHECK(matches("{\"must_not\":[{" + quoted + R"(:{"key":"a"}}]})", payload) == !expected);
    };
    same("is_empty", empty);
    same("is_null", null);
  }
  check({
      {R"({"is_null":{"key":"a[].b"}})", R"({"a":[{"b":1},{"b":null}]})", true},
      {R"({"is_null":{"key":"a[].b"}})", R"({"a":[{"b":1},{}]})", false},
      {R"({"is_empty":{"key":"a[].b"}})", R"({"a":[{"b":null},{"b":[]},{}]})", true},
      {R"({"is_empty":{"key":"a[].b"}})", R"({"a":[{"b":null},{"b":0}]})", false},
  });
}

TEST_CASE("filter: a condition on an array holds if any element satisfies it, one level deep") {
  check({
      {R"({"key":"a","match":{"value":"x"}})", R"({"a":["y","x"]})", true},
      {R"({"key":"a","match":{"value":"x"}})", R"({"a":[]})", false},
      {R"({"key":"a","match":{"value":"x"}})", R"({"a":[["x"]]})", false},
      {R"({"key":"a[]","match":{"value":"x"}})", R"({"a":[["x"]]})", true},
      {R"({"key":"a[][]","match":{"value":"x"}})", R"({"a":[["x"]]})", true},
  });
}

TEST_CASE("filter: keys are paths") {
  check({
      {R"({"key":"a.b","match":{"value":1}})", R"({"a":{"b":1}})", true},
      {R"({"key":"a.b","match":{"value":1}})", R"({"a.b":1})", false},
      {R"({"key":"\"a.b\"","match":{"value":1}})", R"({"a.b":1})", true},
      {R"({"key":"\"a.b\"","match":{"value":1}})", R"({"a":{"b":1}})", false},
      {R"({"key":"a.b","match":{"value":1}})", R"({"a":[{"b":1}]})", false},
      {R"({"key":"a[].b","match":{"value":1}})", R"({"a":[{"b":2},{"b":1}]})", true},
      {R"({"key":"a[].b","match":{"value":1}})", R"({"a":{"b":1}})", false},
      {R"({"key":"a[1].b","match":{"value":1}})", R"({"a":[{"b":2},{"b":1}]})", true},
      {R"({"key":"a[0].b","match":{"value":1}})", R"({"a":[{"b":2},{"b":1}]})", false},
      {R"({"key":"a[9].b","match":{"value":1}})", R"({"a":[{"b":1}]})", false},
      {R"({"key":"a[].b[].c","match":{"value":1}})", R"({"a":[{"b":[]},{"b":[{},{"c":1}]}]})", true},
      {R"({"key":"a b/ç","match":{"value":1}})", R"({"a b/ç":1})", true},
      {R"({"key":"\"a\\\"b\"","match":{"value":1}})", R"({"a\"b":1})", true},
  });
}

TEST_CASE("filter: nested asks one element for everything") {
  constexpr auto both =
      R"({"nested":{"key":"diet","filter":{"must":[{"key":"food","match":{"value":"meat"}},{"key":"likes","match":{"value":true}}]}}})";
  constexpr auto bracketed =
      R"({"nested":{"key":"diet[]","filter":{"must":[{"key":"food","match":{"value":"meat"}},{"key":"likes","match":{"value":true}}]}}})";
  check({
      {both, R"({"diet":[{"food":"leaves","likes":false},{"food":"meat","likes":true}]})", true},
      {bracketed, R"({"diet":[{"food":"leaves","likes":false},{"food":"meat","likes":true}]})", true},
      {both, R"({"diet":[{"food":"leaves","likes":true},{"food":"meat","likes":false}]})", false},
      {both, R"({"diet":{"food":"meat","likes":true}})", false},
      {both, R"({"diet":["meat",true]})", false},
      {both, R"({})", false},
      {R"({"nested":{"key":"a","filter":{"must_not":{"key":"b","match":{"value":1}}}}})", R"({"a":[{"b":1},{"b":2}]})",
       true},
      {R"({"nested":{"key":"a","filter":{"must_not":{"key":"b","match":{"value":1}}}}})", R"({"a":[{"b":1}]})", false},
      {R"({"nested":{"key":"a","filter":{}}})", R"({"a":[{}]})", true},
      {R"({"nested":{"key":"a","filter":{}}})", R"({"a":[]})", false},
      {R"({"nested":{"key":"a","filter":{}}})", R"({"a":[1,"x",null,[{}]]})", false},
      {R"({"nested":{"key":"a","filter":{"must":{"nested":{"key":"b","filter":{"must":{"key":"c","match":{"value":1}}}}}}}})",
       R"({"a":[{"b":[{"c":2},{"c":1}]}]})", true},
      // has_id and has_vector ask about points, not about elements.
      {R"({"nested":{"key":"a","filter":{"must":{"has_id":["p1"]}}}})", R"({"a":[{}]})", false},
      {R"({"nested":{"key":"a","filter":{"must":{"has_vector":""}}}})", R"({"a":[{}]})", false},
  });
}

TEST_CASE("filter: the Vectorizer clients' tagged conditions") {
  check({
      {R"({"type":"match","key":"a","match_value":"x"})", R"({"a":"x"})", true},
      {R"({"type":"match","key":"a","match_value":"x"})", R"({"a":"y"})", false},
      {R"({"type":"match","key":"a","match_value":7})", R"({"a":7})", true},
      {R"({"type":"match","key":"a","match_value":true})", R"({"a":true})", true},
      {R"({"type":"match","key":"a","match_value":null})", R"({"a":0})", true},
      {R"({"type":"match","key":"a","match_value":null})", R"({"a":null})", false},
      {R"({"type":"match","key":"a","match_value":null})", R"({})", false},
      {R"({"type":"match","key":"a","match_value":{"text":"ab","type":"exact"}})", R"({"a":"ab"})", true},
      {R"({"type":"match","key":"a","match_value":{"text":"ab","type":"exact"}})", R"({"a":"abc"})", false},
      {R"({"type":"match","key":"a","match_value":{"text":"ab","type":"prefix"}})", R"({"a":"abc"})", true},
      {R"({"type":"match","key":"a","match_value":{"text":"bc","type":"suffix"}})", R"({"a":"abc"})", true},
      {R"({"type":"match","key":"a","match_value":{"text":"b","type":"suffix"}})", R"({"a":"abc"})", false},
      {R"({"type":"match","key":"a","match_value":{"text":"b","type":"contains"}})", R"({"a":"abc"})", true},
      {R"({"type":"match","key":"a","match_value":{"text":"B","type":"contains"}})", R"({"a":"abc"})", false},
      {R"({"type":"match","key":"a","match":{"any":["x"]}})", R"({"a":"x"})", true},
      {R"({"type":"range","key":"a","range":{"gt":1,"gte":null,"lt":null,"lte":3}})", R"({"a":2})", true},
      {R"({"type":"range","key":"a","range":{"gt":1,"gte":null,"lt":null,"lte":3}})", R"({"a":4})", false},
      {R"({"type":"geo_radius","key":"a","geo_radius":{"center":{"lat":0,"lon":0},"radius":1000}})",
       R"({"a":{"lat":0.001,"lon":0}})", true},
      {R"({"type":"geo_bounding_box","key":"a","geo_bounding_box":{"top_right":{"lat":1,"lon":1},"bottom_left":{"lat":-1,"lon":-1}}})",
       R"({"a":{"lat":0,"lon":0}})", true},
      {R"({"type":"values_count","key":"a","values_count":{"gte":1,"gt":null,"lt":null,"lte":null}})", R"({"a":[1]})",
       true},
      {R"({"type":"nested","filter":{"must":[{"type":"match","key":"a","match_value":"x"}],"should":null,"must_not":null}})",
       R"({"a":"x"})", true},
      {R"({"type":"nested","filter":{"must":null,"should":null,"must_not":[{"type":"match","key":"a","match_value":"x"}]}})",
       R"({"a":"x"})", false},
      {R"({"key":"__nested__","filter":{"must":[{"key":"a","match":{"value":"x"}}]}})", R"({"a":"x"})", true},
      {R"({"key":"__nested__","filter":{"must":[{"key":"a","match":{"value":"x"}}]}})", R"({"a":"y"})", false},
  });
}

TEST_CASE("filter: has_id compares text; an integer is its decimal text") {
  CHECK(matches(R"({"must":[{"has_id":["a",7,18446744073709551615]}]})", "", "a"));
  CHECK(matches(R"({"must":[{"has_id":["a",7,18446744073709551615]}]})", "", "7"));
  CHECK(matches(R"({"must":[{"has_id":["a",7,18446744073709551615]}]})", "", "18446744073709551615"));
  CHECK(matches(R"({"must":[{"has_id":["7"]}]})", "", "7"));
  CHECK_FALSE(matches(R"({"must":[{"has_id":["a",7]}]})", "", "07"));
  CHECK_FALSE(matches(R"({"must":[{"has_id":["a"]}]})", "", "A"));
  CHECK_FALSE(matches(R"({"must":[{"has_id":[]}]})", "", "a"));
  CHECK(matches(R"({"must_not":[{"has_id":["a"]}]})", "", "b"));
  CHECK_FALSE(matches(R"({"must_not":[{"has_id":["a"]}]})", "", "a"));
}

TEST_CASE("filter: has_vector knows the collection's one vector") {
  const auto holds = [](std::string_view asked, std::string_view own) {
    return test::parse_filter(R"({"must":{"has_vector":")" + std::string(asked) + "\"}}", own)->matches("p", "", false);
  };
  CHECK(holds("", ""));
  CHECK(holds("image", "image"));
  CHECK_FALSE(holds("text", "image"));
  CHECK_FALSE(holds("", "image"));
}

TEST_CASE("filter: clauses are combined") {
  constexpr auto payload = R"({"a":1,"b":2})";
  const auto is = [](std::string_view key, int value) {
    return R"({"key":")" + std::string(key) + R"(","match":{"value":)" + std::to_string(value) + "}}";
  };
  const auto yes = is("a", 1), also = is("b", 2), no = is("a", 2);
  CHECK(matches("{\"must\":[" + yes + "," + also + "]}", payload));
  CHECK_FALSE(matches("{\"must\":[" + yes + "," + no + "]}", payload));
  CHECK(matches("{\"should\":[" + no + "," + also + "]}", payload));
  CHECK_FALSE(matches("{\"should\":[" + no + "," + no + "]}", payload));
  CHECK(matches("{\"must_not\":[" + no + "," + no + "]}", payload));
  CHECK_FALSE(matches("{\"must_not\":[" + no + "," + yes + "]}", payload));
  CHECK_FALSE(matches("{\"must\":" + yes + ",\"should\":" + no + "}", payload));
  CHECK_FALSE(matches("{\"must\":" + yes + ",\"must_not\":" + also + "}", payload));
  CHECK(matches("{\"must\":" + yes + ",\"should\":" + also + ",\"must_not\":" + no + "}", payload));
  const auto at_least = [&](int count) {
    return "{\"min_should\":{\"conditions\":[" + yes + "," + no + "," + also +
           "],\"min_count\":" + std::to_string(count) + "}}";
  };
  CHECK(matches(at_least(1), payload));
  CHECK(matches(at_least(2), payload));
  CHECK_FALSE(matches(at_least(3), payload));
  CHECK_FALSE(matches(at_least(4), payload));
  CHECK_FALSE(matches(R"({"min_should":{"conditions":[],"min_count":1}})", payload));
}

TEST_CASE("filter: empty filters match all and say so, however they are wrapped") {
  for (const std::string_view text :
       {"{}", "null", R"({"must":[]})", R"({"must":null,"should":null,"must_not":null,"min_should":null})",
        R"({"should":[]})", R"({"must_not":[]})", R"({"must":[{}]})", R"({"must":{"must":[{"should":[]}]}})",
        R"({"should":[{"key":"a","match":{"value":1}},{}]})", R"({"must":{"key":"__nested__","filter":{}}})",
        R"({"min_should":{"conditions":[{}],"min_count":1}})"}) {
    CAPTURE(text);
    const auto f = test::parse_filter(text);
    REQUIRE(f.has_value());
    CHECK(f->matches_all());
    CHECK(f->matches("x", "", false));
    CHECK(f->matches("x", R"({"a":2})", false));
  }
  CHECK(filter().matches_all());
  CHECK(filter::parse(json_value(), test::words)->matches_all());
  for (const std::string_view text :
       {R"({"must":{"key":"a","match":{"value":1}}})", R"({"must_not":[{}]})", R"({"must":{"has_id":[]}})",
        R"({"min_should":{"conditions":[{}],"min_count":2}})"}) {
    CAPTURE(text);
    CHECK_FALSE(test::parse_filter(text)->matches_all());
  }
}

TEST_CASE("filter: what a planner may know") {
  using ids = std::vector<std::string>;
  const auto only = test::parse_filter(R"({"must":[{"has_id":["b",10,"a","b"]}]})");
  REQUIRE(only->has_id_only());
  CHECK(*only->has_id_only() == ids{"10", "a", "b"});
  CHECK(*only->has_id_bound() == ids{"10", "a", "b"});
  const auto more = test::parse_filter(R"({"must":[{"key":"a","match":{"value":1}},{"has_id":["a"]}]})");
  CHECK_FALSE(more->has_id_only());
  REQUIRE(more->has_id_bound());
  CHECK(*more->has_id_bound() == ids{"a"});
  for (const std::string_view text : {"{}", R"({"should":[{"has_id":["a"]}]})", R"({"must_not":[{"has_id":["a"]}]})",
                                      R"({"must":[{"key":"a","match":{"value":1}}]})"}) {
    CAPTURE(text);
    CHECK_FALSE(test::parse_filter(text)->has_id_only());
    CHECK_FALSE(test::parse_filter(text)->has_id_bound());
  }
  for (const std::string_view beside : {R"("should":[{"has_id":["a"]}])", R"("must_not":[{"has_id":["b"]}])",
                                        R"("min_should":{"conditions":[{"has_id":["a"]}],"min_count":1})"}) {
    const auto f = test::parse_filter(R"({"must":[{"has_id":["a"]}],)" + std::string(beside) + "}");
    CHECK_FALSE(f->has_id_only());
    CHECK(f->has_id_bound());
  }
}

TEST_CASE("filter: a copy is the same filter, and the JSON it came from may go") {
  filter copy;
  {
    const auto f = test::parse_filter(R"({"must":[{"key":"a","match":{"text":"red fox"}}]})");
    copy = *f;
  }
  CHECK(copy.matches("x", R"({"a":"fox red"})", false));
  CHECK_FALSE(copy.matches("x", R"({"a":"fox"})", false));
}
