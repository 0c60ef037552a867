// Valid filters, built from the input's choices, compared with the naive evaluator of the unit tests.
#include <string>

#include "fuzz.hpp"
#include "storage/payload/filter.hpp"
#include "tests/unit/payload/naive_filter.hpp"
#include "tests/unit/payload/words.hpp"

namespace {
std::string_view choices;
}

namespace waggle::test {
/// Every choice is a byte of the input; past its end always the first.
std::size_t pick(std::size_t count) { return fuzz::take_choice(choices) % count; }
}  // namespace waggle::test

using namespace waggle;

namespace {

void compare(const test::node& condition, const test::node& payload) {
  const std::string id = std::to_string(test::pick(12));
  json_parser parser;
  const auto json = parser.parse(to_json(condition));
  fuzz::require(json.has_value(), "the model writes JSON");
  const auto f = filter::parse(*json, &test::words);
  fuzz::require(f.has_value(), "a filter of the language is accepted");
  const bool expected = naive_matches(condition, payload, id);
  fuzz::require(f->matches(id, to_json(payload), false) == expected, "the filter says what the naive evaluator says");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  choices = fuzz::view(data, size);
  if (fuzz::take_choice(choices) % 2 == 0) {
    const auto [condition, payload] = test::random_meeting();
    compare(condition, payload);
  } else {
    const auto condition = test::random_filter(2);
    compare(condition, test::random_object(3));
  }
  return 0;
}
