#pragma once
// Bytes of a log entry (docs/formats/log-entry.md, golden files in tests/golden). Versions 1 to 3 are read, 3 is written:
//   u8 version · u8 flags (bit 0: body is an LZ4 block) · u32 body size (uncompressed) · u32 crc32c of the body · body
// Pure; any thread. Hostile bytes are refused with ec::corrupt_data, never read out of range.
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "storage/log/operation.hpp"

namespace waggle {

std::string encode_entry(const log_entry& entry);
result<log_entry> decode_entry(std::string_view bytes);

/// Collection configurations also stand in the catalog; the same bytes serve both.
void encode_config(std::string& out, const collection_config& config);
class byte_reader;
class byte_writer;
collection_config decode_config(byte_reader& in);
void encode_limits(byte_writer& out, const quota_limits& limits);
quota_limits decode_limits(byte_reader& in);
/// Of a time when nothing was said about whose word they are and how long it holds.
quota_limits decode_limits_alone(byte_reader& in);

}  // namespace waggle
