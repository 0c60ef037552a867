#pragma once
// The newest rows of a shard, in memory: appended in chunks that never move, so a view that was handed a row count
// reads without a lock while the writer appends behind it. The shard's writer owns it; const calls on rows below a
// published count: any thread. Frozen = the writer stopped appending; deletes go on.
#include <memory>
#include <vector>

#include "storage/shard/byte_arena.hpp"
#include "storage/shard/row_run.hpp"
#include "storage/text/document_terms.hpp"

namespace waggle {

class mutable_segment final : public row_run {
 public:
  mutable_segment(metric measure, std::size_t dimension, std::size_t rows_max);
  ~mutable_segment() override;

  /// `r.seq` is greater than every seq before; the vector has `dimension` floats; not full().
  void append(waggle::row&& r);
  std::size_t rows() const { return rows_; }
  bool full() const { return rows_ == rows_max_; }

  row_fields row(std::size_t number) const override;
  const document_terms* terms(std::size_t number) const override;
  stretch stretch_at(std::size_t row) const override;
  const segment* file() const override { return nullptr; }
  std::uint32_t text_length(std::size_t row) const override;
  void mark_deleted(std::size_t row, std::uint64_t at) override;
  /// Writer only.
  run_bytes bytes() const override { return bytes_; }

 private:
  struct chunk;
  chunk& chunk_for(std::size_t row) const { return *chunks_[row / chunk_rows_]; }

  metric measure_;
  std::size_t dimension_;
  std::size_t rows_max_;
  std::size_t chunk_rows_;
  std::size_t rows_ = 0;
  // As long from the start as it can get: readers look at the slots they know while the writer fills the next one.
  std::vector<std::unique_ptr<chunk>> chunks_;
  byte_arena texts_;
  run_bytes bytes_;
};

}  // namespace waggle
