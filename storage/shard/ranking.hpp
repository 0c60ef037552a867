#pragma once
// Pieces that every kind of search shares: the parts of all views in one list, the test whether a row may be returned,
// and the collector that keeps the contract's order. One search owns them; one thread.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/work_limit.hpp"
#include "storage/index/top_k.hpp"
#include "storage/shard/shard_view.hpp"

namespace waggle {

/// A part together with the seq that its view reads at.
struct searched_part {
  const shard_view::part* part;
  std::uint64_t as_of;

  const row_run& rows() const { return *part->rows; }
  std::size_t count() const { return part->count; }
  std::size_t live() const { return part->live; }
  bool visible(std::size_t row) const {
    const auto s = rows().stretch_at(row);
    return s.visible(row - s.first, as_of);
  }
  /// f(row) for each visible row, ascending.
  template <class F>
  void for_each_visible(F&& f) const {
    for_each_stretch(rows(), count(), [&](const row_run::stretch& s, std::size_t n) {
      for (std::size_t i = 0; i < n; ++i)
        if (s.visible(i, as_of)) f(static_cast<std::uint32_t>(s.first + i));
    });
  }
};

/// Parts without a live row are left out.
std::vector<searched_part> parts_of(std::span<const shard_view* const> shards);

/// The user's filter; counts how often it is asked.
class row_acceptor {
 public:
  row_acceptor(const filter* accept, std::uint64_t& evaluations)
      : filter_(accept && !accept->matches_all() ? accept : nullptr), evaluations_(evaluations) {}
  bool accepts_all() const { return filter_ == nullptr; }
  bool operator()(const searched_part& part, std::uint32_t row) const {
    if (!filter_) return true;
    ++evaluations_;
    work_limit::check();
    const auto fields = part.rows().row(row);
    return filter_->matches(fields.id, fields.payload, true);
  }

 private:
  const filter* filter_;
  std::uint64_t& evaluations_;
};

/// The best `limit` rows by score descending, ties by id bytes ascending, exactly: also at the cut, where the collector
/// of the index would keep the smaller row number.
class ranking {
 public:
  ranking(metric measure, std::size_t limit, std::optional<float> threshold, std::span<const searched_part> parts)
      : measure_(measure), limit_(limit), threshold_(threshold), parts_(parts) {}

  /// A row farther than this can't enter. Different distances may round to one score, so it lies a little behind the
  /// worst row kept.
  float bound() const { return bound_; }
  /// Whether a row at this distance may enter; false for it is false for all that are farther.
  bool wants(float distance) const;
  /// Each row at most once.
  void offer(std::uint32_t part, std::uint32_t row, float distance);
  /// Ends the collection.
  std::vector<search_hit> take();

  /// The finite number that a client sees.
  static float score(metric measure, float distance);

 private:
  struct entry {
    float score;
    float distance;
    std::uint32_t part;
    std::uint32_t row;
  };
  std::string_view id_of(const entry& e) const { return parts_[e.part].rows().row(e.row).id; }
  bool before(const entry& a, const entry& b) const {
    return a.score != b.score ? a.score > b.score : id_of(a) < id_of(b);
  }

  metric measure_;
  std::size_t limit_;
  std::optional<float> threshold_;
  std::span<const searched_part> parts_;
  std::vector<entry> heap_;  // worst on top
  float bound_ = std::numeric_limits<float>::infinity();
};

}  // namespace waggle
