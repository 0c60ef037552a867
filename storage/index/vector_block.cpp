#include "storage/index/vector_block.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "storage/index/kernels.hpp"

namespace waggle {
namespace {

constexpr std::size_t batch_rows = 256;

double squared_norm(std::span<const float> x) {
  double sum = 0;
  for (const float v : x) sum += double{v} * double{v};
  return sum;
}

void collect(const std::uint32_t* rows, std::size_t first, const float* distances, std::size_t count, top_k& out) {
  for (std::size_t i = 0; i < count; ++i) {
    if (distances[i] > out.bound()) continue;
    out.push({distances[i], rows ? rows[i] : static_cast<std::uint32_t>(first + i)});
  }
}

/// Rows first..first+count-1 as a block of their own.
vector_block slice(const vector_block& block, std::size_t first, std::size_t count) {
  vector_block part = block;
  part.data = block.row(first);
  part.count = count;
  if (block.inverse_norms) part.inverse_norms = block.inverse_norms + first;
  return part;
}

}  // namespace

float inverse_norm(std::span<const float> x) {
  const double squared = squared_norm(x);
  // A norm below 1/FLT_MAX has no float reciprocal; infinity would turn the distance into NaN.
  return squared > 0 ? static_cast<float>(std::min(1.0 / std::sqrt(squared), double{std::numeric_limits<float>::max()}))
                     : 0.0f;
}

prepared_query::prepared_query(metric measure, std::span<const float> query)
    : values_(query.begin(), query.end()), measure_(measure) {
  if (measure != metric::cosine) return;
  const double norm = std::sqrt(squared_norm(query));
  if (norm > 0)
    for (float& v : values_) v = static_cast<float>(v / norm);
}

void distances_to(const vector_block& block, const prepared_query& query, const std::uint32_t* rows, std::size_t count,
                  float* out) {
  static const kernels& k = best_kernels();
  const auto many = block.measure == metric::euclidean ? k.l2_many : k.dot_many;
  many(query.data(), block.dimension, block.data, block.dimension, rows, count, out);
  // NaN (infinity minus infinity) fails every comparison and would break the order of a heap.
  const auto ordered = [](float d) { return d == d ? d : std::numeric_limits<float>::infinity(); };
  switch (block.measure) {
    case metric::euclidean:
      for (std::size_t i = 0; i < count; ++i) out[i] = ordered(out[i]);
      break;
    case metric::dot:
      for (std::size_t i = 0; i < count; ++i) out[i] = ordered(-out[i]);
      break;
    case metric::cosine:
      for (std::size_t i = 0; i < count; ++i) out[i] = ordered(-out[i] * block.inverse_norms[rows ? rows[i] : i]);
      break;
  }
}

float score_of(metric measure, float distance) {
  switch (measure) {
    case metric::euclidean: return 1.0f / (1.0f + euclidean_distance(distance));
    case metric::cosine: return std::fmax(-1.0f, std::fmin(1.0f, -distance));
    case metric::dot: break;
  }
  return -distance;
}

float euclidean_distance(float distance) { return std::sqrt(distance); }

void scan(const vector_block& block, const prepared_query& query, const row_filter& accept, top_k& out) {
  assert(query.dimension() == block.dimension && query.measure() == block.measure);
  assert(block.measure != metric::cosine || block.count == 0 || block.inverse_norms);
  float distances[batch_rows];
  if (accept.accepts_all()) {
    for (std::size_t first = 0; first < block.count; first += batch_rows) {
      const std::size_t n = std::min(batch_rows, block.count - first);
      distances_to(slice(block, first, n), query, nullptr, n, distances);
      collect(nullptr, first, distances, n, out);
    }
    return;
  }
  std::uint32_t rows[batch_rows];
  std::size_t n = 0;
  const auto flush = [&] {
    distances_to(block, query, rows, n, distances);
    collect(rows, 0, distances, n, out);
    n = 0;
  };
  accept.for_each(block.count, [&](std::uint32_t row) {
    rows[n++] = row;
    if (n == batch_rows) flush();
  });
  flush();
}

void scan_rows(const vector_block& block, const prepared_query& query, std::span<const std::uint32_t> rows,
               top_k& out) {
  assert(query.dimension() == block.dimension && query.measure() == block.measure);
  float distances[batch_rows];
  for (std::size_t first = 0; first < rows.size(); first += batch_rows) {
    const std::size_t n = std::min(batch_rows, rows.size() - first);
    distances_to(block, query, rows.data() + first, n, distances);
    collect(rows.data() + first, 0, distances, n, out);
  }
}

}  // namespace waggle
