#pragma once
// Merges ranked lists into one (contract rest.md §6, hybrid_search). Pure; any thread.
// Deterministic: contributions are added in list order in double; equal scores are ordered by key ascending, so with an
// id as key the order is the contract's "ties by id bytes".
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace waggle {

inline constexpr double rrf_constant = 60;

/// One element of a ranked list, best first. Of a key that occurs twice in a list the first place counts.
template <class Key>
struct ranked {
  Key key;
  float score;
  bool operator==(const ranked&) const = default;
};

template <class Key>
using ranked_list = std::span<const ranked<Key>>;

enum class fusion_algorithm : std::uint8_t {
  rrf,
  weighted,  ///< the contract's names "weighted" and "alpha"
};

namespace fusion_detail {

template <class Key>
struct contribution {
  const Key* key;
  std::uint32_t list;
  std::uint32_t rank;  // from 1
  double value;
};

/// Sums the contributions per key; the best `limit`, best first.
template <class Key>
std::vector<ranked<Key>> sum_up(std::vector<contribution<Key>> parts, std::size_t limit) {
  std::sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) {
    if (*a.key < *b.key) return true;
    if (*b.key < *a.key) return false;
    return a.list != b.list ? a.list < b.list : a.rank < b.rank;
  });
  std::vector<ranked<Key>> fused;
  for (std::size_t i = 0; i < parts.size();) {
    double sum = parts[i].value;
    std::size_t next = i + 1;
    for (; next < parts.size() && !(*parts[i].key < *parts[next].key); ++next)
      if (parts[next].list != parts[next - 1].list) sum += parts[next].value;
    fused.push_back({*parts[i].key, static_cast<float>(sum)});
    i = next;
  }
  std::stable_sort(fused.begin(), fused.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
  if (fused.size() > limit) fused.erase(fused.begin() + static_cast<std::ptrdiff_t>(limit), fused.end());
  return fused;
}

/// An inner product of large vectors may overflow; it must not turn all others into NaN.
inline double finite(float score) {
  constexpr double most = std::numeric_limits<float>::max();
  return std::isnan(score) ? -most : std::clamp(static_cast<double>(score), -most, most);
}

}  // namespace fusion_detail

/// Reciprocal rank fusion (Cormack, Clarke, Büttcher 2009): Σ over lists of 1 / (60 + rank), rank from 1.
template <class Key>
std::vector<ranked<Key>> fuse_rrf(std::span<const ranked_list<Key>> lists, std::size_t limit) {
  std::vector<fusion_detail::contribution<Key>> parts;
  for (std::uint32_t l = 0; l < lists.size(); ++l) {
    std::uint32_t rank = 0;
    for (const auto& item : lists[l]) {
      ++rank;
      parts.push_back({&item.key, l, rank, 1 / (rrf_constant + rank)});
    }
  }
  return fusion_detail::sum_up(std::move(parts), limit);
}

/// Σ over lists of weight · (score − min) / (max − min) of its list; a list whose scores are all equal counts as 1, an
/// absent key as 0. `weights` has one weight per list.
template <class Key>
std::vector<ranked<Key>> fuse_weighted(std::span<const ranked_list<Key>> lists, std::span<const double> weights,
                                       std::size_t limit) {
  std::vector<fusion_detail::contribution<Key>> parts;
  for (std::uint32_t l = 0; l < lists.size() && l < weights.size(); ++l) {
    double low = std::numeric_limits<double>::infinity(), high = -low;
    for (const auto& item : lists[l]) {
      low = std::min(low, fusion_detail::finite(item.score));
      high = std::max(high, fusion_detail::finite(item.score));
    }
    std::uint32_t rank = 0;
    for (const auto& item : lists[l]) {
      const double share = high > low ? (fusion_detail::finite(item.score) - low) / (high - low) : 1;
      parts.push_back({&item.key, l, ++rank, weights[l] * share});
    }
  }
  return fusion_detail::sum_up(std::move(parts), limit);
}

/// Hybrid search: `alpha` in [0, 1] is the weight of `dense`, 1 − alpha that of `sparse`; rrf ignores it.
/// The lists must already be cut to dense_k and sparse_k.
template <class Key>
std::vector<ranked<Key>> fuse_hybrid(fusion_algorithm algorithm, double alpha, const std::vector<ranked<Key>>& dense,
                                     const std::vector<ranked<Key>>& sparse, std::size_t limit) {
  const std::array<ranked_list<Key>, 2> lists{dense, sparse};
  if (algorithm == fusion_algorithm::rrf) return fuse_rrf<Key>(lists, limit);
  const std::array<double, 2> weights{alpha, 1 - alpha};
  return fuse_weighted<Key>(lists, weights, limit);
}

}  // namespace waggle
