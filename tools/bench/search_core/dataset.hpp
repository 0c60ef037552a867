#pragma once
// Data sets for benches: clustered vectors with queries from the same distribution, the exact answers, and recall.
// Deterministic for a seed on every platform (own generators, not <random>'s distributions). Single thread.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <vector>

#include "storage/index/vector_block.hpp"

namespace waggle::bench {

/// Gaussian clusters in a space of fewer true dimensions, which is what embeddings look like. `spread` is a
/// cluster's radius as a share of the radius of the cloud of centres: at 1 clusters overlap and a search has to work
/// for its recall.
struct clustered_shape {
  std::size_t rows = 100'000;
  std::size_t queries = 1'000;
  std::size_t dimension = 128;
  std::size_t clusters = 1'000;
  std::size_t inner_dimension = 32;
  float spread = 1.0f;
  std::uint64_t seed = 42;
};

struct dataset {
  std::size_t dimension = 0;
  aligned_array<float> rows;   ///< row-major
  std::vector<float> queries;  ///< row-major
  std::vector<float> inverse_norms;

  std::size_t row_count() const { return rows.size() / dimension; }
  std::size_t query_count() const { return queries.size() / dimension; }
  std::span<const float> query(std::size_t i) const { return {queries.data() + i * dimension, dimension}; }
  /// Valid while the data set lives.
  vector_block block(metric measure) const {
    return {rows.data(), row_count(), dimension, inverse_norms.data(), measure};
  }
};

/// SplitMix64 and Box-Muller.
class gaussian_source {
 public:
  explicit gaussian_source(std::uint64_t seed) : state_(seed) {}
  std::uint64_t bits() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  float next() {
    const double u = (static_cast<double>(bits() >> 11) + 1) * 0x1p-53, v = static_cast<double>(bits() >> 11) * 0x1p-53;
    return static_cast<float>(std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v));
  }

 private:
  std::uint64_t state_;
};

inline dataset make_clustered(const clustered_shape& shape) {
  gaussian_source random(shape.seed);
  const std::size_t d = shape.dimension, inner = std::min(shape.inner_dimension, d);
  std::vector<float> centres(shape.clusters * inner), to_outer(inner * d);
  for (float& v : centres) v = random.next();
  for (float& v : to_outer) v = random.next() / std::sqrt(static_cast<float>(inner));
  std::vector<float> at(inner);
  const auto draw = [&](float* out) {
    const float* centre = centres.data() + random.bits() % shape.clusters * inner;
    for (std::size_t i = 0; i < inner; ++i) at[i] = centre[i] + shape.spread * random.next();
    for (std::size_t j = 0; j < d; ++j) out[j] = 0.02f * random.next();  // a little noise in every dimension
    for (std::size_t i = 0; i < inner; ++i)
      for (std::size_t j = 0; j < d; ++j) out[j] += at[i] * to_outer[i * d + j];
  };
  dataset set;
  set.dimension = d;
  set.rows.resize(shape.rows * d);
  set.queries.resize(shape.queries * d);
  set.inverse_norms.resize(shape.rows);
  for (std::size_t i = 0; i < shape.rows; ++i) {
    draw(set.rows.data() + i * d);
    set.inverse_norms[i] = inverse_norm({set.rows.data() + i * d, d});
  }
  for (std::size_t i = 0; i < shape.queries; ++i) draw(set.queries.data() + i * d);
  return set;
}

/// Rows of the k nearest to each query, nearest first, by exact scan: `query_count` lists of min(k, rows).
using answers = std::vector<std::vector<std::uint32_t>>;

inline answers exact_answers(const dataset& set, metric measure, std::size_t k) {
  answers truth(set.query_count());
  top_k best;
  for (std::size_t q = 0; q < truth.size(); ++q) {
    best.reset(k);
    scan(set.block(measure), prepared_query(measure, set.query(q)), {}, best);
    for (const neighbor& n : best.sorted()) truth[q].push_back(n.row);
  }
  return truth;
}

/// The share of the true nearest that was found, over all queries.
inline double recall(const answers& truth, const answers& found) {
  std::size_t hits = 0, wanted = 0;
  for (std::size_t q = 0; q < truth.size(); ++q) {
    wanted += truth[q].size();
    for (const std::uint32_t row : truth[q]) hits += std::count(found[q].begin(), found[q].end(), row) > 0;
  }
  return wanted == 0 ? 1.0 : static_cast<double>(hits) / static_cast<double>(wanted);
}

}  // namespace waggle::bench
