#pragma once
// A run of rows of one shard with the liveness of each beside it: the common face of a sealed segment (`sealed_run`)
// and of one in memory (`mutable_segment`).
//
// Multi-version reading: a row's `deleted_at` is 0 while it lives, else the seq of the change that removed or replaced
// it. A view of the shard "as of" seq v sees a row iff row.seq <= v and (deleted_at == 0 or deleted_at > v). The one
// writer stores a deleted_at once, before it publishes a view that is meant to see it; a reader of an older view gets
// the same answer before and after the store. So relaxed atomics suffice: what a view relies on was handed over with
// it.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "storage/index/vector_block.hpp"
#include "storage/segment/row_source.hpp"
#include "storage/segment/segment.hpp"

namespace waggle {

/// Bytes by what they serve.
struct run_bytes {
  std::uint64_t vectors = 0;
  std::uint64_t payload = 0;
  std::uint64_t index = 0;  ///< ids, seqs, liveness, norms, postings, sparse vectors, graph
  run_bytes& operator+=(const run_bytes& other) {
    vectors += other.vectors, payload += other.payload, index += other.index;
    return *this;
  }
  std::uint64_t total() const { return vectors + payload + index; }
  bool operator==(const run_bytes&) const = default;
};

class row_run : public row_source {
 public:
  /// Rows that lie together in memory. `block.count` rows from `first` on, as many as the run had room for: a reader
  /// cuts it to the count that its view knows.
  struct stretch {
    std::size_t first = 0;
    vector_block block;
    const std::uint64_t* seqs = nullptr;
    const std::atomic<std::uint64_t>* deleted_at = nullptr;

    bool visible(std::size_t offset, std::uint64_t as_of) const {
      const auto at = deleted_at[offset].load(std::memory_order_relaxed);
      return at == 0 || at > as_of;
    }
  };
  /// The stretch that holds `row`.
  virtual stretch stretch_at(std::size_t row) const = 0;
  /// The file behind the rows; null while they are in memory only.
  virtual const segment* file() const = 0;
  /// Words of the row's text; 0 = no text.
  virtual std::uint32_t text_length(std::size_t row) const = 0;
  /// Writer only, once per row. `at` is not 0.
  virtual void mark_deleted(std::size_t row, std::uint64_t at) = 0;
  virtual run_bytes bytes() const = 0;

  /// The row with this seq among the first `count`.
  std::optional<std::size_t> find(seq_no seq, std::size_t count) const;
};

/// A segment file's rows. The tombstones are in memory: whoever opens the file replays later deletes.
class sealed_run final : public row_run {
 public:
  explicit sealed_run(std::shared_ptr<const segment> file);
  row_fields row(std::size_t number) const override { return file_->row(number); }
  const document_terms* terms(std::size_t) const override { return nullptr; }
  stretch stretch_at(std::size_t row) const override;
  const segment* file() const override { return file_.get(); }
  std::uint32_t text_length(std::size_t row) const override;
  void mark_deleted(std::size_t row, std::uint64_t at) override;
  run_bytes bytes() const override;

 private:
  std::shared_ptr<const segment> file_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> deleted_at_;
};

/// Calls f(stretch, rows of it) for the first `count` rows of `run`, in order.
template <class F>
void for_each_stretch(const row_run& run, std::size_t count, F&& f) {
  for (std::size_t row = 0; row < count;) {
    const auto s = run.stretch_at(row);
    const auto rows = std::min(s.block.count, count - s.first);
    f(s, rows);
    row = s.first + rows;
  }
}

}  // namespace waggle
