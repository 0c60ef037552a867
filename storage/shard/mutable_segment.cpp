#include "storage/shard/mutable_segment.hpp"

#include <algorithm>
#include <cassert>

#include "storage/payload/payload.hpp"

namespace waggle {
namespace {
// Large enough to scan well, small enough that a shard with one point stays cheap at any dimension.
constexpr std::size_t chunk_rows_max = 128;
constexpr std::size_t chunk_rows_min = 8;
constexpr std::size_t chunk_vector_bytes = 64 * 1024;

std::size_t rows_per_chunk(std::size_t dimension, std::size_t rows_max) {
  const auto fitting = chunk_vector_bytes / (dimension * sizeof(float));
  return std::min(std::clamp(fitting, chunk_rows_min, chunk_rows_max), rows_max);
}
}  // namespace

struct mutable_segment::chunk {
  struct entry {
    std::string_view id;
    std::string_view payload;
    bool integer_id = false;
    sparse_vector sparse;
    document_terms terms;
  };
  chunk(std::size_t rows, std::size_t dimension, bool norms)
      : vectors(static_cast<float*>(::operator new[](rows* dimension * sizeof(float), alignment))),
        inverse_norms(norms ? rows : 0),
        seqs(std::make_unique_for_overwrite<std::uint64_t[]>(rows)),
        deleted_at(std::make_unique<std::atomic<std::uint64_t>[]>(rows)),
        entries(std::make_unique<entry[]>(rows)) {}

  static constexpr std::align_val_t alignment{64};
  struct aligned_delete {
    void operator()(float* floats) const { ::operator delete[](floats, alignment); }
  };
  std::unique_ptr<float[], aligned_delete> vectors;
  std::vector<float> inverse_norms;
  std::unique_ptr<std::uint64_t[]> seqs;
  std::unique_ptr<std::atomic<std::uint64_t>[]> deleted_at;
  std::unique_ptr<entry[]> entries;
};

mutable_segment::mutable_segment(metric measure, std::size_t dimension, std::size_t rows_max)
    : measure_(measure),
      dimension_(dimension),
      rows_max_(std::max<std::size_t>(1, rows_max)),
      chunk_rows_(rows_per_chunk(dimension, rows_max_)),
      chunks_((rows_max_ + chunk_rows_ - 1) / chunk_rows_) {}

mutable_segment::~mutable_segment() = default;

void mutable_segment::append(waggle::row&& r) {
  assert(!full() && r.data.vector.size() == dimension_);
  auto& slot = chunks_[rows_ / chunk_rows_];
  if (!slot) slot = std::make_unique<chunk>(chunk_rows_, dimension_, measure_ == metric::cosine);
  chunk& c = *slot;
  const auto i = rows_ % chunk_rows_;
  std::copy(r.data.vector.begin(), r.data.vector.end(), c.vectors.get() + i * dimension_);
  if (measure_ == metric::cosine) c.inverse_norms[i] = inverse_norm(r.data.vector);
  c.seqs[i] = r.seq.value;
  auto& e = c.entries[i];
  e.id = texts_.store(r.data.id.str());
  e.integer_id = r.data.id.integer();
  e.payload = texts_.store(r.data.payload, segment_payload_padding);
  e.sparse = std::move(r.data.sparse);
  if (const auto content = text_content(e.payload); content && *content) e.terms = analyze_document(**content);

  bytes_.vectors += dimension_ * sizeof(float);
  bytes_.payload += e.payload.size();
  bytes_.index += sizeof(chunk::entry) + 2 * sizeof(std::uint64_t) + e.id.size() + sizeof(float) +
                  segment_payload_padding + e.sparse.indices.size() * (sizeof(std::uint32_t) + sizeof(float)) +
                  e.terms.terms.size() * sizeof(term_frequency);
  ++rows_;
}

row_fields mutable_segment::row(std::size_t number) const {
  const chunk& c = chunk_for(number);
  const auto i = number % chunk_rows_;
  const auto& e = c.entries[i];
  row_fields fields;
  fields.seq = seq_no(c.seqs[i]);
  fields.id = e.id;
  fields.integer_id = e.integer_id;
  fields.payload = e.payload;
  fields.vector = {c.vectors.get() + i * dimension_, dimension_};
  if (measure_ == metric::cosine) fields.inverse_norm = c.inverse_norms[i];
  fields.sparse = {e.sparse.indices, e.sparse.values};
  return fields;
}

const document_terms* mutable_segment::terms(std::size_t number) const {
  return &chunk_for(number).entries[number % chunk_rows_].terms;
}

row_run::stretch mutable_segment::stretch_at(std::size_t row) const {
  const chunk& c = chunk_for(row);
  vector_block block;
  block.data = c.vectors.get();
  block.count = chunk_rows_;
  block.dimension = dimension_;
  block.inverse_norms = measure_ == metric::cosine ? c.inverse_norms.data() : nullptr;
  block.measure = measure_;
  return {row - row % chunk_rows_, block, c.seqs.get(), c.deleted_at.get()};
}

std::uint32_t mutable_segment::text_length(std::size_t row) const { return terms(row)->length; }

void mutable_segment::mark_deleted(std::size_t row, std::uint64_t at) {
  chunk_for(row).deleted_at[row % chunk_rows_].store(at, std::memory_order_relaxed);
}

}  // namespace waggle
