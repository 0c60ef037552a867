#pragma once
// A sealed segment: immutable rows in a mapped file, proven sound when it was opened, so that no later read has to
// check anything. Shared by the shard that owns it, its views and running searches; any thread. The file may be
// unlinked while the segment lives, not overwritten in place (`durable_file` never does).
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/error.hpp"
#include "storage/index/graph_view.hpp"
#include "storage/index/vector_block.hpp"
#include "storage/segment/file_io.hpp"
#include "storage/segment/row_source.hpp"
#include "storage/segment/segment_format.hpp"
#include "storage/text/postings.hpp"

namespace waggle {

/// Bytes of a segment by what they serve.
struct segment_bytes {
  std::uint64_t vectors = 0;
  std::uint64_t payload = 0;
  std::uint64_t index = 0;  ///< everything else: ids, seqs, norms, postings, sparse vectors, graph
};

class segment final : public row_source {
 public:
  const segment_header& header() const { return layout_.header; }
  std::size_t rows() const { return static_cast<std::size_t>(layout_.header.rows); }
  std::span<const std::uint64_t> seqs() const { return seqs_; }

  row_fields row(std::size_t number) const override;
  const document_terms* terms(std::size_t) const override { return nullptr; }

  vector_block vectors() const { return vectors_; }
  /// Null when the segment is scanned exactly.
  const graph_view* graph() const { return graph_ ? &*graph_ : nullptr; }
  /// Null when no row has text.
  const postings_view* text() const { return text_ ? &*text_ : nullptr; }
  bool has_sparse() const { return !sparse_offsets_.empty(); }
  segment_bytes bytes() const;

 private:
  friend result<std::shared_ptr<segment>> open_segment(const std::string&, const shard_key&, metric, std::uint32_t);
  friend class segment_checker;
  segment(mapped_file file, segment_layout layout) : file_(std::move(file)), layout_(std::move(layout)) {}

  mapped_file file_;
  segment_layout layout_;
  std::span<const std::uint64_t> seqs_, id_offsets_, payload_offsets_, sparse_offsets_;
  std::span<const std::uint8_t> id_flags_;
  std::span<const std::uint32_t> sparse_indices_;
  std::span<const float> sparse_values_;
  std::string_view id_bytes_, payload_bytes_;
  vector_block vectors_;
  std::optional<postings_view> text_;
  std::optional<graph_view> graph_;
};

/// Maps the file and checks owner, collection, shard, metric, dimension, every checksum, every bound and every float.
/// Errors: not_found; io_error; corrupt_data for anything that does not hold, with the section's name in log_text.
/// Reads the whole file once: for a background thread.
result<std::shared_ptr<segment>> open_segment(const std::string& path, const shard_key& expected, metric measure,
                                              std::uint32_t dimension);

}  // namespace waggle
