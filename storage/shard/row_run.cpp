#include "storage/shard/row_run.hpp"

#include <algorithm>

namespace waggle {

std::optional<std::size_t> row_run::find(seq_no seq, std::size_t count) const {
  std::size_t low = 0, high = count;
  while (low < high) {
    const auto middle = low + (high - low) / 2;
    const auto s = stretch_at(middle);
    const auto found = s.seqs[middle - s.first];
    if (found == seq.value) return middle;
    if (found < seq.value)
      low = middle + 1;
    else
      high = middle;
  }
  return std::nullopt;
}

sealed_run::sealed_run(std::shared_ptr<const segment> file)
    : file_(std::move(file)), deleted_at_(std::make_unique<std::atomic<std::uint64_t>[]>(file_->rows())) {}

row_run::stretch sealed_run::stretch_at(std::size_t) const {
  return {0, file_->vectors(), file_->seqs().data(), deleted_at_.get()};
}

std::uint32_t sealed_run::text_length(std::size_t row) const {
  const auto* text = file_->text();
  return text ? text->length(static_cast<std::uint32_t>(row)) : 0;
}

void sealed_run::mark_deleted(std::size_t row, std::uint64_t at) {
  deleted_at_[row].store(at, std::memory_order_relaxed);
}

run_bytes sealed_run::bytes() const {
  auto bytes = file_->bytes();
  bytes.index += file_->rows() * sizeof(std::uint64_t);
  return {bytes.vectors, bytes.payload, bytes.index};
}

}  // namespace waggle
