#pragma once
// A block of vectors, a query prepared for it, and exact search. The block is a view: a segment owns the memory (heap
// or mapped file) and keeps it alive and unchanged while anyone searches. Everything here is const; any thread.
#include <cstddef>
#include <cstdint>
#include <span>

#include "storage/index/aligned_array.hpp"
#include "storage/index/row_filter.hpp"
#include "storage/index/top_k.hpp"
#include "storage/types.hpp"

namespace waggle {

/// `count` rows of `dimension` finite floats, row-major without gaps. Any alignment works; rows that start on a cache
/// line are faster. count <= 2^31 - 1, dimension 1..65536.
struct vector_block {
  const float* data = nullptr;
  std::size_t count = 0;
  std::size_t dimension = 0;
  const float* inverse_norms = nullptr;  ///< cosine only: 1/|x| per row (`inverse_norm`)
  metric measure = metric::cosine;

  const float* row(std::size_t r) const { return data + r * dimension; }
};

/// 1/|x|, added up in double precision. Zero for the zero vector.
float inverse_norm(std::span<const float> x);

/// A query in the form the kernels want: own aligned copy, unit length for cosine. Reusable from many threads.
class prepared_query {
 public:
  prepared_query(metric measure, std::span<const float> query);
  const float* data() const { return values_.data(); }
  std::size_t dimension() const { return values_.size(); }
  metric measure() const { return measure_; }

 private:
  aligned_array<float> values_;
  metric measure_;
};

/// out[i] = distance (smaller is closer) from `query` to rows[i], i < count; null `rows` means rows 0..count-1. cosine:
/// -(q·x)/(|q||x|); euclidean: squared; dot: -(q·x). A sum that overflowed to NaN counts as infinitely far.
void distances_to(const vector_block& block, const prepared_query& query, const std::uint32_t* rows, std::size_t count,
                  float* out);

/// The score that clients see, higher is better (contract rest.md): cosine = cosine similarity in [-1,1], dot = inner
/// product, euclidean = 1/(1+distance).
float score_of(metric measure, float distance);
/// Euclidean only: the distance itself, from the squared one that the search works with.
float euclidean_distance(float distance);

/// Exact search over every row that `accept` lets through; `out` gains the block's nearest rows.
void scan(const vector_block& block, const prepared_query& query, const row_filter& accept, top_k& out);
/// Exact search over `rows`, each < block.count and listed once: for a filter that has already been evaluated.
void scan_rows(const vector_block& block, const prepared_query& query, std::span<const std::uint32_t> rows, top_k& out);

}  // namespace waggle
