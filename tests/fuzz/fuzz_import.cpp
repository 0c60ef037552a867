// Import sources of wagglectl. Input: format · bytes per read · the source. A record costs no more than its own bytes, keeps
// the limits of the node, and is the same however the source was cut.
#include <cmath>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/limits.hpp"
#include "base/names.hpp"
#include "fuzz.hpp"
#include "tools/wagglectl/import/record_reader.hpp"

using namespace waggle;
using namespace waggle::ctl;
using fuzz::require;

namespace {

void check(const import_record& r) {
  require(point_id::parse(r.id).has_value(), "a record's id is valid");
  require(r.has_text || !r.vector.empty(), "a record has a vector or a text");
  require(r.vector.size() <= limits::dimension_max, "a record's dimension is bounded");
  for (const float v : r.vector) require(std::isfinite(v), "a record's vector is finite");
  require(is_utf8(r.text), "a record's text is UTF-8");
  if (r.payload.empty()) return;
  json_parser parser;
  const auto payload = parser.parse(r.payload);
  require(payload && payload->is_object(), "a record's payload is a JSON object");
}

/// What a reader made of the source, as text.
std::string read_all(source_format format, std::string_view bytes, std::size_t piece) {
  memory_source source(bytes, piece);
  buffered_input input(source);
  const auto reader = make_reader(format, input, {});
  std::string seen;
  if (const auto opened = reader->open(); !opened) return opened.error().message;
  import_record r;
  std::uint64_t position = 0;
  for (;;) {
    const auto event = reader->next(r);
    seen.append(std::to_string(static_cast<int>(event))).append(":");
    if (event == read_event::end) return seen;
    require(reader->position() > position, "positions ascend");
    position = reader->position();
    if (event == read_event::record) {
      check(r);
      seen.append(r.id).append(r.payload).append(std::to_string(r.vector.size()));
      continue;
    }
    require(!reader->reason().empty(), "a refusal says what is wrong");
    seen.append(reader->reason());
    if (event == read_event::failed) return seen;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto input = fuzz::view(data, size);
  constexpr source_format formats[] = {source_format::jsonl, source_format::csv, source_format::fvecs,
                                       source_format::bvecs, source_format::npy};
  const auto format = formats[fuzz::take_choice(input) % std::size(formats)];
  const std::size_t piece = 1 + fuzz::take_choice(input);
  require(read_all(format, input, SIZE_MAX) == read_all(format, input, piece),
          "records are the same however the source is cut");
  return 0;
}
