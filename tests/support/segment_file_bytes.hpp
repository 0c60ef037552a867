#pragma once
// The bytes of a segment file as the tests change them. Places: docs/formats/segment.md.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>

#include "base/checksum.hpp"
#include "storage/segment/segment.hpp"

namespace waggle::segment_file_bytes {

constexpr std::size_t owner_at = 16, collection_at = 32, shard_at = 40, metric_at = 44, dimension_at = 48, count_at = 52,
                      rows_at = 56, size_at = 80, crc_at = 92, table_at = 96, entry_bytes = 24;

template <class N>
N get(const std::string& bytes, std::size_t at) {
  N value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}
template <class N>
void put(std::string& bytes, std::size_t at, N value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

/// Makes every checksum fit what the bytes now are, so that the reader gets behind them.
inline void forge_checksums(std::string& bytes) {
  const auto count = std::min(get<std::uint32_t>(bytes, count_at), section_kinds);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto entry = table_at + i * entry_bytes;
    const auto offset = get<std::uint64_t>(bytes, entry + 8), size = get<std::uint64_t>(bytes, entry + 16);
    if (offset <= bytes.size() && size <= bytes.size() - offset)
      put(bytes, entry + 4, checksum_of(std::string_view(bytes).substr(offset, size)));
  }
  put<std::uint32_t>(bytes, crc_at, 0);
  put(bytes, crc_at, crc32c(std::string_view(bytes).substr(0, segment_header_bytes)));
}

}  // namespace waggle::segment_file_bytes
