#include "storage/shard/build_plan.hpp"

#include <algorithm>

namespace waggle {
namespace {

std::optional<planned_build> frozen_stretch(std::span<const planned_run> runs, const build_bounds& bounds) {
  const auto begin = std::find_if(runs.begin(), runs.end(), [](const auto& r) { return !r.sealed; });
  if (begin == runs.end()) return std::nullopt;
  auto end = begin + 1;
  for (auto live = begin->live; end != runs.end() && !end->sealed && live + end->live <= bounds.segment_rows_max; ++end)
    live += end->live;
  return planned_build{static_cast<std::size_t>(begin - runs.begin()), static_cast<std::size_t>(end - runs.begin())};
}

std::optional<planned_build> mostly_dead(std::span<const planned_run> runs, const build_bounds& bounds) {
  for (std::size_t i = 0; i < runs.size(); ++i)
    if ((runs[i].rows - runs[i].live) * 100 > runs[i].rows * bounds.dead_percent_max) return planned_build{i, i + 1};
  return std::nullopt;
}

/// The two neighbours that are cheapest to join.
std::optional<planned_build> surplus(std::span<const planned_run> runs, const build_bounds& bounds) {
  if (runs.size() < 2 || runs.size() <= bounds.segments_max) return std::nullopt;
  std::optional<planned_build> best;
  std::size_t best_live = bounds.segment_rows_max;
  for (std::size_t i = 0; i + 1 < runs.size(); ++i) {
    const auto live = runs[i].live + runs[i + 1].live;
    if (live > best_live || (best && live == best_live)) continue;
    best = planned_build{i, i + 2};
    best_live = live;
  }
  return best;
}

}  // namespace

std::optional<planned_build> plan_build(std::span<const planned_run> runs, const build_bounds& bounds) {
  auto build = frozen_stretch(runs, bounds);
  if (!build) build = mostly_dead(runs, bounds);
  if (!build) build = surplus(runs, bounds);
  if (!build) return std::nullopt;
  std::size_t live = 0;
  for (auto i = build->first; i < build->last; ++i) live += runs[i].live;
  const auto takes = [&](const planned_run& r) {
    if (!r.sealed || r.live > live || live + r.live > bounds.segment_rows_max) return false;
    live += r.live;
    return true;
  };
  for (bool grown = true; grown;) {
    grown = false;
    if (build->first > 0 && takes(runs[build->first - 1])) --build->first, grown = true;
    if (build->last < runs.size() && takes(runs[build->last])) ++build->last, grown = true;
  }
  return build;
}

}  // namespace waggle
