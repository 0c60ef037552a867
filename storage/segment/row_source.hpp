#pragma once
// How a reader sees one row, wherever it lives: in a mapped file or in memory. Rows of a source never move and never
// change; a source's seqs ascend strictly with the row number. Const calls: any thread.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "storage/types.hpp"

namespace waggle {

struct document_terms;

/// A sparse vector that somebody else owns.
struct sparse_view {
  std::span<const std::uint32_t> indices;
  std::span<const float> values;
  bool empty() const { return indices.empty(); }
};

/// Valid as long as the source lives. At least segment_payload_padding bytes are readable behind `payload`.
struct row_fields {
  seq_no seq;
  std::string_view id;
  bool integer_id = false;
  std::string_view payload;
  std::span<const float> vector;
  float inverse_norm = 0;  ///< cosine only
  sparse_view sparse;
};

class row_source {
 public:
  virtual ~row_source() = default;
  virtual row_fields row(std::size_t number) const = 0;
  /// The analysed text of a row if the source keeps it, else null (analyse the payload again).
  virtual const document_terms* terms(std::size_t number) const = 0;
};

}  // namespace waggle
