#pragma once
// Small data sets for the index tests: seeded, so that a failure comes back.
#include <cmath>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "storage/index/graph_build.hpp"
#include "storage/index/graph_search.hpp"
#include "storage/index/vector_block.hpp"

namespace waggle::test {

struct vectors {
  std::size_t dimension;
  aligned_array<float> values;
  std::vector<float> inverse_norms;

  std::size_t count() const { return values.size() / dimension; }
  std::span<const float> at(std::size_t i) const { return {values.data() + i * dimension, dimension}; }
  vector_block block(metric measure) const {
    return {values.data(), count(), dimension, inverse_norms.data(), measure};
  }
  void finish() {
    inverse_norms.clear();
    for (std::size_t i = 0; i < count(); ++i) inverse_norms.push_back(inverse_norm(at(i)));
  }
};

/// `clusters` Gaussian clusters around a point away from the origin, so that norms are alike but not equal.
inline vectors clustered(std::size_t count, std::size_t dimension, std::size_t clusters, std::uint32_t seed,
                         std::uint32_t draw = 0) {
  std::mt19937 centre_source(seed), source(seed * 31 + draw + 1);
  std::normal_distribution<float> normal;
  std::vector<float> centres(clusters * dimension);
  for (float& v : centres) v = normal(centre_source);
  vectors set{dimension, {}, {}};
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t c = source() % clusters;
    for (std::size_t j = 0; j < dimension; ++j)
      set.values.push_back(centres[c * dimension + j] + 0.5f * normal(source));
  }
  set.finish();
  return set;
}

/// The definition, in double precision and without any of our code.
inline double reference_distance(metric measure, std::span<const float> q, std::span<const float> x) {
  double dot = 0, qq = 0, xx = 0, l2 = 0;
  for (std::size_t i = 0; i < q.size(); ++i) {
    const double a = q[i], b = x[i];
    dot += a * b, qq += a * a, xx += b * b, l2 += (a - b) * (a - b);
  }
  if (measure == metric::euclidean) return l2;
  return measure == metric::dot ? -dot : -dot / std::sqrt(qq * xx);
}

inline constexpr metric all_metrics[] = {metric::cosine, metric::euclidean, metric::dot};

}  // namespace waggle::test
