#pragma once
// The links of an HNSW graph (Malkov & Yashunin, arXiv 1603.09320), apart from the vectors and apart from how they were
// built: a view that can lie on a mapped file, the arrays that own one in memory, and the check that stands between
// bytes from disk and a walk. Immutable once made; any thread.
//
//   level 0   count lists of `stride` slots, a whole number of cache lines each: neighbours first, then `no_row`
//   upper     row r has a list of `m` slots for each level 1..level(r), at upper_offsets[r] .. upper_offsets[r+1]
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/error.hpp"
#include "storage/index/aligned_array.hpp"

namespace waggle {

inline constexpr std::uint32_t no_row = 0xffffffff;

/// The bytes to store, in this order and each at a multiple of `section_alignment` in the file, so that a mapped file
/// can be walked in place. Little-endian. The file format around them adds owner and checksum.
struct graph_sections {
  static constexpr std::size_t section_alignment = 64;
  std::span<const std::byte> header, level0, upper_offsets, upper;
};

/// Whoever makes one guarantees what `from_sections` checks; `search_graph` relies on it.
struct graph_view {
  static constexpr std::uint32_t m_min = 2, m_max = 512, levels_max = 64;

  std::uint32_t count = 0;
  std::uint32_t m = 0;                 ///< links per row above level 0; level 0 has up to 2m
  std::uint32_t stride = 0;            ///< slots per level-0 list, >= 2m
  std::uint32_t entry_point = no_row;  ///< `no_row` only when empty
  std::uint32_t max_level = 0;         ///< level of the entry point, the highest
  std::span<const std::uint32_t> level0;
  std::span<const std::uint32_t> upper_offsets;  ///< count + 1, in lists
  std::span<const std::uint32_t> upper;

  const std::uint32_t* level0_list(std::uint32_t row) const { return level0.data() + std::size_t{row} * stride; }
  /// 1 <= level <= level_of(row).
  const std::uint32_t* upper_list(std::uint32_t row, std::uint32_t level) const {
    return upper.data() + (std::size_t{upper_offsets[row]} + level - 1) * m;
  }
  std::uint32_t level_of(std::uint32_t row) const { return upper_offsets[row + 1] - upper_offsets[row]; }

  static constexpr std::uint32_t stride_for(std::uint32_t m) { return (2 * m + 15) / 16 * 16; }

  /// Checks every bound once, so that no walk over the view can leave it, whatever the bytes are. `rows` is the number
  /// of vectors that the graph must cover. Reads all of the sections. Fails with `corrupt_data`.
  static result<graph_view> from_sections(const graph_sections& sections, std::size_t rows);
};

/// A graph in memory.
class graph_data {
 public:
  static constexpr std::size_t header_bytes = 32;

  graph_data() = default;
  /// Takes a graph that was just built; the same rules as `graph_view`.
  graph_data(std::uint32_t m, std::uint32_t entry_point, std::uint32_t max_level, aligned_array<std::uint32_t> level0,
             aligned_array<std::uint32_t> upper_offsets, aligned_array<std::uint32_t> upper);

  /// Both are valid while this object lives and does not move.
  graph_view view() const;
  graph_sections sections() const;
  std::size_t bytes() const;

 private:
  std::array<std::byte, header_bytes> header_{};
  std::uint32_t m_ = 0, entry_point_ = no_row, max_level_ = 0;
  aligned_array<std::uint32_t> level0_, upper_offsets_, upper_;
};

}  // namespace waggle
