// Filters as clients send them: parsed, then asked about payloads. Input: JSON of the filter, and behind a NUL, if there
// is one, a payload.
#include <algorithm>
#include <string>

#include "fuzz.hpp"
#include "storage/payload/filter.hpp"
#include "storage/payload/payload.hpp"
#include "storage/text/analyzer.hpp"

using namespace waggle;
using fuzz::require;

namespace {

constexpr std::string_view payloads[] = {
    "",
    "{}",
    R"({"a":1,"b":"red fox","c":[1,2.5,null],"d":{"e":[{"f":true},{"f":[]}]},"t":"2024-02-29T12:00:00Z"})",
    R"({"a":[{"a":"x"},{"a":-1}],"b":null,"c":{"lat":52.5,"lon":13.4},"d":18446744073709551615,"e":1e300})",
};
constexpr std::string_view ids[] = {"a", "7", "18446744073709551615"};

void ask(const filter& f, const filter& negated, std::string_view id, std::string_view payload) {
  const bool held = f.matches(id, payload, false);
  const auto padded = std::string(payload) + std::string(json_parser::padding, ' ');
  require(f.matches(id, std::string_view(padded).substr(0, payload.size()), true) == held, "in place as in a copy");
  require(negated.matches(id, payload, false) != held, "must_not is the opposite");
  require(!f.matches_all() || held, "a filter that matches all does");
  if (const auto* only = f.has_id_only())
    require(held == std::binary_search(only->begin(), only->end(), id), "has_id_only is the whole truth");
  if (const auto* bound = f.has_id_bound(); bound && held)
    require(std::find(bound->begin(), bound->end(), id) != bound->end(), "has_id_bound bounds");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = fuzz::view(data, size);
  const auto nul = std::min(input.find('\0'), input.size());
  const auto text = input.substr(0, nul);
  json_parser parser, again;
  const auto json = parser.parse(text);
  if (!json) return 0;
  const auto f = filter::parse(*json, &word_tokens);
  if (!f) {
    require(f.error().code == ec::validation_error && !f.error().message.empty(), "a refusal says what is wrong");
    return 0;
  }
  const auto opposite = again.parse(R"({"must_not":[{"filter":)" + json->to_text() + "}]}");
  if (!opposite) return 0;  // nested too deeply by one
  const auto negated = filter::parse(*opposite, &word_tokens);
  if (!negated) return 0;  // likewise, or one condition too many
  for (const auto id : ids)
    for (const auto payload : payloads) ask(*f, *negated, id, payload);
  if (nul == input.size()) return 0;
  json_parser own;
  if (const auto payload = own.parse(input.substr(nul + 1)))
    if (const auto stored = compact_payload(*payload))
      for (const auto id : ids) ask(*f, *negated, id, *stored);
  return 0;
}
