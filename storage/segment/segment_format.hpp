#pragma once
// The bytes of a segment file, version 1 (docs/formats/segment.md): a header with its own checksum, a table of
// sections, and the sections. This file knows the container; what a section means is `segment`'s business.
// Little-endian. Pure values; any thread.
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "storage/types.hpp"

namespace waggle {

inline constexpr std::string_view segment_magic{"WGLSEG\r\n", 8};
inline constexpr std::uint32_t segment_version = 1;
inline constexpr std::size_t segment_header_bytes = 512;    ///< fixed; the first section begins here
inline constexpr std::size_t segment_alignment = 64;        ///< every section begins at a multiple of this
inline constexpr std::size_t segment_payload_padding = 64;  ///< zero bytes after the last payload, for in-place parsers
inline constexpr std::size_t segment_crc_piece = 1u << 20;  ///< a section's checksum is taken piece by piece

enum class section : std::uint32_t {
  seqs = 1,             ///< u64 × rows, strictly ascending
  id_offsets = 2,       ///< u64 × (rows + 1) into id_bytes
  id_bytes = 3,         ///< ids, end to end
  id_flags = 4,         ///< u8 × rows: 1 = written as a JSON integer
  payload_offsets = 5,  ///< u64 × (rows + 1) into payload_bytes
  payload_bytes = 6,    ///< compact JSON objects, end to end, then segment_payload_padding zeros
  vectors = 7,          ///< f32 × rows × dimension
  inverse_norms = 8,    ///< f32 × rows; cosine only
  sparse_offsets = 9,   ///< u64 × (rows + 1) into the next two; these three only if a row has a sparse vector
  sparse_indices = 10,  ///< u32
  sparse_values = 11,   ///< f32
  text = 12,            ///< postings (storage/text); only if a row has text
  graph_header = 13,    ///< HNSW graph (storage/index), all four or none: only segments with enough rows have one
  graph_level0 = 14,
  graph_upper_offsets = 15,
  graph_upper = 16,
};
inline constexpr std::uint32_t section_kinds = 16;
std::string_view name_of(section kind);

/// The seqs that a segment answers for: every row of its shard with a seq in [first, last] that was live when the file
/// was written is in it ("true up to last").
struct seq_range {
  seq_no first;
  seq_no last;
  auto operator<=>(const seq_range&) const = default;
};

/// What a file says about itself.
struct segment_header {
  shard_key key;
  metric measure = metric::cosine;
  std::uint32_t dimension = 0;
  std::uint64_t rows = 0;
  seq_range range;
};

struct section_entry {
  section kind = section::seqs;
  std::uint32_t crc = 0;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

/// At most one entry per kind, in the order of the file.
struct section_table {
  std::array<section_entry, section_kinds> entries;
  std::uint32_t count = 0;
};

/// Checksum of a section: crc32c over the little-endian crc32c values of its 1 MiB pieces.
class section_checksum {
 public:
  void add(std::string_view bytes);
  std::uint32_t value();

 private:
  void close_piece();
  std::string piece_;
  std::string crcs_;
};
std::uint32_t checksum_of(std::string_view section_bytes);

/// Exactly segment_header_bytes long.
std::string encode_header(const segment_header& header, const section_table& table, std::uint64_t file_bytes);

/// The sections of a file whose header, bounds, padding and every checksum hold.
struct segment_layout {
  segment_header header;
  std::array<std::optional<std::string_view>, section_kinds + 1> sections;
  std::optional<std::string_view> find(section kind) const { return sections[static_cast<std::size_t>(kind)]; }
};
/// Views into `file`. Anything that does not hold is corrupt_data, with the part's name in log_text.
result<segment_layout> read_layout(std::string_view file);

/// corrupt_data; `part` names the section or header field.
failure corrupt_segment(std::string_view part, std::string_view why);

}  // namespace waggle
