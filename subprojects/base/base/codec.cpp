#include "base/codec.hpp"

namespace waggle {

void byte_writer::varint(std::uint64_t v) {
  while (v >= 0x80) {
    out_ += static_cast<char>(v | 0x80);
    v >>= 7;
  }
  out_ += static_cast<char>(v);
}

std::uint64_t byte_reader::varint() {
  std::uint64_t v = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const auto byte = fixed<std::uint8_t>();
    if (!ok_) return 0;
    if (shift == 63 && byte > 1) break;
    v |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (!(byte & 0x80)) return v;
  }
  ok_ = false;
  return 0;
}

}  // namespace waggle
