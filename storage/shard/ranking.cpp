#include "storage/shard/ranking.hpp"

#include <cmath>
#include <limits>

namespace waggle {
namespace {
constexpr float infinity = std::numeric_limits<float>::infinity();

/// The largest distance whose score may equal that of `worst`, generously.
float farthest_tie(metric measure, float worst) {
  switch (measure) {
    case metric::euclidean: {
      // score = 1/(1+d): three roundings move it by less than (1+d) * 2^-21 in d.
      const double d = std::sqrt(static_cast<double>(worst));
      const double reach = d + (1 + d) * 0x1p-21;
      return static_cast<float>(reach * reach * (1 + 0x1p-21));
    }
    case metric::cosine:
      // Similarities are cut to [-1, 1].
      return worst >= 1 ? infinity : std::max(worst, -1.0f);
    case metric::dot: break;
  }
  return std::abs(worst) >= std::numeric_limits<float>::max() ? infinity : worst;
}
}  // namespace

std::vector<searched_part> parts_of(std::span<const shard_view* const> shards) {
  std::vector<searched_part> parts;
  for (const auto* view : shards)
    for (const auto& part : view->parts())
      if (part.live != 0) parts.push_back({&part, view->as_of().value});
  return parts;
}

float ranking::score(metric measure, float distance) {
  constexpr float most = std::numeric_limits<float>::max();
  // + 0: no negative zero.
  return std::clamp(score_of(measure, distance), -most, most) + 0.0f;
}

bool ranking::wants(float distance) const {
  if (limit_ == 0 || distance > bound_) return false;
  const auto s = score(measure_, distance);
  if (threshold_ && s < *threshold_) return false;
  return heap_.size() < limit_ || s >= heap_.front().score;
}

void ranking::offer(std::uint32_t part, std::uint32_t row, float distance) {
  if (!wants(distance)) return;
  const entry e{score(measure_, distance), distance, part, row};
  const auto order = [this](const entry& a, const entry& b) { return before(a, b); };
  if (heap_.size() == limit_) {
    if (!before(e, heap_.front())) return;
    std::pop_heap(heap_.begin(), heap_.end(), order);
    heap_.pop_back();
  }
  heap_.push_back(e);
  std::push_heap(heap_.begin(), heap_.end(), order);
  if (heap_.size() == limit_) bound_ = farthest_tie(measure_, heap_.front().distance);
}

std::vector<search_hit> ranking::take() {
  std::sort(heap_.begin(), heap_.end(), [this](const entry& a, const entry& b) { return before(a, b); });
  std::vector<search_hit> hits;
  hits.reserve(heap_.size());
  for (const auto& e : heap_) {
    const auto& owner = parts_[e.part].part->rows;
    search_hit hit;
    hit.owner = owner;
    hit.row = owner->row(e.row);
    hit.score = e.score;
    if (measure_ == metric::euclidean) hit.distance = euclidean_distance(e.distance);
    hits.push_back(std::move(hit));
  }
  return hits;
}

}  // namespace waggle
