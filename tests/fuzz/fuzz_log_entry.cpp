// Log entries: as they are, and as a body whose frame and checksum are made right, so that the fuzzer gets behind them.
#include <string>

#include "base/checksum.hpp"
#include "base/codec.hpp"
#include "fuzz.hpp"
#include "storage/log/entry_codec.hpp"

using namespace waggle;
using fuzz::require;

namespace {

/// decode ∘ encode changes nothing that was decoded once.
void check(std::string_view bytes) {
  const auto entry = decode_entry(bytes);
  if (!entry) {
    require(entry.error().code == ec::corrupt_data, "bad bytes are corrupt data");
    return;
  }
  const auto stable = encode_entry(*entry);
  const auto again = decode_entry(stable);
  require(again.has_value(), "what was encoded decodes");
  require(again->parts.size() == entry->parts.size(), "no part is lost");
  for (std::size_t i = 0; i < entry->parts.size(); ++i)
    require(again->parts[i].ops.size() == entry->parts[i].ops.size(), "no operation is lost");
  require(encode_entry(*again) == stable, "an entry is the same after a round trip");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = fuzz::view(data, size);
  check(input);
  for (const std::uint8_t version : {1, 2, 3}) {
    std::string framed;
    byte_writer out(framed);
    out.fixed(version);
    out.fixed(std::uint8_t{0});  // not packed
    out.fixed(static_cast<std::uint32_t>(size));
    out.fixed(crc32c(input));
    out.raw(input);
    check(framed);
  }
  return 0;
}
