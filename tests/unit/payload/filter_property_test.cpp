// Random filters and payloads: the evaluator against the naive one. RapidCheck prints its seed; RC_PARAMS reproduces a
// run.
#include <rapidcheck.h>

#include <array>

#include "ask.hpp"
#include "naive_filter.hpp"

using namespace waggle;

namespace {
constexpr int payloads_per_filter = 40;
constexpr int filters_per_case = 4;     // × 40 payloads × RapidCheck's 100 cases × 2 ids = 32,000 answers
constexpr int meetings_per_case = 200;  // × RapidCheck's 100 cases × 2 ids = 40,000 answers
}  // namespace

TEST_CASE("filter: agrees with the naive evaluator on random filters and payloads") {
  int yes = 0, no = 0;
  const auto compare = [&](const test::node& condition, const test::node& payload) {
    const auto filter_text = test::to_json(condition), payload_text = test::to_json(payload);
    json_parser parser;
    const auto json = parser.parse(filter_text);
    RC_ASSERT(json.has_value());
    const auto f = filter::parse(*json, test::words);
    if (!f) RC_FAIL("refused " + filter_text + ": " + f.error().message);
    const std::string padded = payload_text + std::string(json_parser::padding, '\0');
    const std::string_view in_place = std::string_view(padded).substr(0, payload_text.size());
    for (const std::string_view id : {"p", "7"}) {
      const bool expected = test::naive_matches(condition, payload, id);
      if (f->matches(id, payload_text, false) != expected || f->matches(id, in_place, true) != expected)
        RC_FAIL((expected ? "must match: " : "must not match: ") + filter_text + " on " + payload_text + " as " +
                std::string(id));
      if (f->matches_all()) RC_ASSERT(expected);
      if (const auto* ids = f->has_id_only())
        RC_ASSERT(expected == (std::find(ids->begin(), ids->end(), id) != ids->end()));
      if (const auto* ids = f->has_id_bound(); ids && expected)
        RC_ASSERT(std::find(ids->begin(), ids->end(), id) != ids->end());
      ++(expected ? yes : no);
    }
  };
  CHECK(rc::check("whole filters", [&] {
    for (int i = 0; i < filters_per_case; ++i) {
      const auto condition = test::random_filter(2);
      for (int n = 0; n < payloads_per_filter; ++n) compare(condition, test::random_object(3));
    }
  }));
  CHECK(rc::check("single conditions on the kind of value they ask for", [&] {
    for (int i = 0; i < meetings_per_case; ++i) {
      const auto [condition, payload] = test::random_meeting();
      compare(condition, payload);
    }
  }));
  // A comparison that only ever sees one answer proves nothing.
  MESSAGE("matched ", yes, ", did not match ", no);
  CHECK(yes > 1000);
  CHECK(no > 1000);
}
