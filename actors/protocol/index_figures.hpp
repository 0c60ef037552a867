#pragma once
// What the shards of a node tell the metrics about their indexes. Shards write, a scrape reads; any thread.
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>

namespace waggle {

enum class index_kind : std::uint8_t { mutable_rows, sealed_rows, count_ };  ///< in memory only; in a segment file

struct index_figures {
  using points = std::array<std::int64_t, static_cast<std::size_t>(index_kind::count_)>;
  /// Live points of the awake shards.
  std::array<std::atomic<std::int64_t>, static_cast<std::size_t>(index_kind::count_)> live{};
  /// Segment files that did not hold and were rebuilt from points.
  std::atomic<std::uint64_t> segments_rejected{0};
  /// Called after each build of a segment, with its seconds, on a build thread.
  std::function<void(double)> built = [](double) {};

  /// A shard's share has changed.
  void replace(points& mine, const points& now) {
    for (std::size_t i = 0; i < mine.size(); ++i) live[i] += now[i] - mine[i];
    mine = now;
  }
};

}  // namespace waggle
