#include "storage/segment/segment_format.hpp"

#include <algorithm>
#include <limits>

#include "base/checksum.hpp"
#include "base/codec.hpp"
#include "base/limits.hpp"

namespace waggle {
namespace {
constexpr std::size_t crc_offset = 92;
constexpr std::size_t table_offset = 96;
constexpr std::size_t entry_bytes = 24;
static_assert(table_offset + section_kinds * entry_bytes <= segment_header_bytes);

std::uint32_t header_crc(std::string_view header) {
  std::string bytes(header);
  std::fill_n(bytes.begin() + crc_offset, sizeof(std::uint32_t), '\0');
  return crc32c(bytes);
}

bool all_zero(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == 0; });
}

/// The fields before the table. `section_count` and `file_bytes` are returned for the caller to check.
result<segment_header> read_fields(std::string_view bytes, std::uint32_t& section_count, std::uint64_t& file_bytes) {
  byte_reader in(bytes);
  if (in.raw(segment_magic.size()) != segment_magic) return corrupt_segment("header", "not a segment file");
  if (in.fixed<std::uint32_t>() != segment_version) return corrupt_segment("header", "unknown version");
  if (in.fixed<std::uint32_t>() != segment_header_bytes) return corrupt_segment("header", "wrong header size");
  segment_header h;
  const auto owner = in.raw(h.key.owner.bytes.size());
  std::copy(owner.begin(), owner.end(), h.key.owner.bytes.begin());
  h.key.collection = collection_id(in.fixed<std::uint64_t>());
  h.key.shard = shard_id(in.fixed<std::uint32_t>());
  const auto measure = in.fixed<std::uint32_t>();
  if (measure > static_cast<std::uint32_t>(metric::dot)) return corrupt_segment("header", "unknown metric");
  h.measure = static_cast<metric>(measure);
  h.dimension = in.fixed<std::uint32_t>();
  section_count = in.fixed<std::uint32_t>();
  h.rows = in.fixed<std::uint64_t>();
  h.range.first = seq_no(in.fixed<std::uint64_t>());
  h.range.last = seq_no(in.fixed<std::uint64_t>());
  file_bytes = in.fixed<std::uint64_t>();
  if (in.fixed<std::uint32_t>() != 0) return corrupt_segment("header", "reserved field is set");
  if (h.dimension == 0 || h.dimension > limits::dimension_max) return corrupt_segment("header", "impossible dimension");
  // Row numbers are 32-bit in graphs and postings.
  if (h.rows > std::numeric_limits<std::int32_t>::max()) return corrupt_segment("header", "impossible row count");
  if (h.range.first > h.range.last) return corrupt_segment("header", "seq range runs backwards");
  return h;
}

/// Walks the table in file order; sections may neither overlap nor leave anything but zeros between them.
result<void> read_sections(std::string_view file, std::uint32_t count, segment_layout& out) {
  byte_reader in(file.substr(table_offset, segment_header_bytes - table_offset));
  std::uint64_t at = segment_header_bytes;
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto kind = in.fixed<std::uint32_t>();
    const auto crc = in.fixed<std::uint32_t>();
    const auto offset = in.fixed<std::uint64_t>();
    const auto size = in.fixed<std::uint64_t>();
    if (kind == 0 || kind > section_kinds) return corrupt_segment("section table", "unknown section");
    const auto name = name_of(static_cast<section>(kind));
    auto& slot = out.sections[kind];
    if (slot) return corrupt_segment(name, "appears twice");
    if (offset % segment_alignment != 0 || offset < at || offset - at >= segment_alignment)
      return corrupt_segment(name, "is not where the one before ends");
    if (offset > file.size() || size > file.size() - offset) return corrupt_segment(name, "ends outside the file");
    if (!all_zero(file.substr(at, offset - at))) return corrupt_segment(name, "gap before it is not zero");
    slot = file.substr(offset, size);
    if (checksum_of(*slot) != crc) return corrupt_segment(name, "checksum differs");
    at = offset + size;
  }
  if (!all_zero(in.raw(in.left()))) return corrupt_segment("section table", "unused entries are not zero");
  if (at != file.size()) return corrupt_segment("header", "bytes after the last section");
  return {};
}
}  // namespace

std::string_view name_of(section kind) {
  constexpr std::array<std::string_view, section_kinds + 1> names{"",
                                                                  "seqs",
                                                                  "id_offsets",
                                                                  "id_bytes",
                                                                  "id_flags",
                                                                  "payload_offsets",
                                                                  "payload_bytes",
                                                                  "vectors",
                                                                  "inverse_norms",
                                                                  "sparse_offsets",
                                                                  "sparse_indices",
                                                                  "sparse_values",
                                                                  "text",
                                                                  "graph_header",
                                                                  "graph_level0",
                                                                  "graph_upper_offsets",
                                                                  "graph_upper"};
  return names[static_cast<std::size_t>(kind)];
}

failure corrupt_segment(std::string_view part, std::string_view why) {
  failure f(ec::corrupt_data);
  f.log_text.append("segment ").append(part).append(": ").append(why);
  return f;
}

void section_checksum::close_piece() {
  byte_writer(crcs_).fixed(crc32c(piece_));
  piece_.clear();
}

void section_checksum::add(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto part = bytes.substr(0, segment_crc_piece - piece_.size());
    piece_.append(part);
    bytes.remove_prefix(part.size());
    if (piece_.size() == segment_crc_piece) close_piece();
  }
}

std::uint32_t section_checksum::value() {
  if (!piece_.empty()) close_piece();
  return crc32c(crcs_);
}

std::uint32_t checksum_of(std::string_view section_bytes) {
  std::string crcs;
  byte_writer out(crcs);
  for (std::size_t at = 0; at < section_bytes.size(); at += segment_crc_piece)
    out.fixed(crc32c(section_bytes.substr(at, segment_crc_piece)));
  return crc32c(crcs);
}

std::string encode_header(const segment_header& h, const section_table& table, std::uint64_t file_bytes) {
  std::string bytes;
  byte_writer out(bytes);
  out.raw(segment_magic);
  out.fixed(segment_version);
  out.fixed(static_cast<std::uint32_t>(segment_header_bytes));
  out.raw({reinterpret_cast<const char*>(h.key.owner.bytes.data()), h.key.owner.bytes.size()});
  out.fixed(h.key.collection.value);
  out.fixed(h.key.shard.value);
  out.fixed(static_cast<std::uint32_t>(h.measure));
  out.fixed(h.dimension);
  out.fixed(table.count);
  out.fixed(h.rows);
  out.fixed(h.range.first.value);
  out.fixed(h.range.last.value);
  out.fixed(file_bytes);
  out.fixed(std::uint32_t{0});  // reserved
  out.fixed(std::uint32_t{0});  // the checksum's own place
  for (std::uint32_t i = 0; i < table.count; ++i) {
    const auto& e = table.entries[i];
    out.fixed(static_cast<std::uint32_t>(e.kind));
    out.fixed(e.crc);
    out.fixed(e.offset);
    out.fixed(e.size);
  }
  bytes.resize(segment_header_bytes, '\0');
  std::string crc;
  byte_writer(crc).fixed(header_crc(bytes));
  bytes.replace(crc_offset, crc.size(), crc);
  return bytes;
}

result<segment_layout> read_layout(std::string_view file) {
  if (file.size() < segment_header_bytes) return corrupt_segment("header", "file is shorter than its header");
  const auto header = file.substr(0, segment_header_bytes);
  std::uint32_t section_count = 0;
  std::uint64_t file_bytes = 0;
  auto fields = read_fields(header, section_count, file_bytes);
  if (!fields) return fields.error();
  byte_reader crc(header.substr(crc_offset));
  if (crc.fixed<std::uint32_t>() != header_crc(header)) return corrupt_segment("header", "checksum differs");
  if (file_bytes != file.size()) return corrupt_segment("header", "file size differs");
  if (section_count > section_kinds) return corrupt_segment("header", "too many sections");
  segment_layout layout;
  layout.header = *fields;
  if (auto done = read_sections(file, section_count, layout); !done) return done.error();
  return layout;
}

}  // namespace waggle
