#pragma once
// What a tenant may read: handed out by its collection (or tenant) actor, never made from a name. Immutable; any thread.
// Reads of points go to the key-value store and may touch the disk: call them on the blocking pool.
#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "storage/apply/keyspace.hpp"
#include "storage/apply/records.hpp"
#include "storage/kv/kv_store.hpp"
#include "storage/shard/shard_view.hpp"

namespace waggle {

/// Where a shard actor publishes and everyone else reads.
class view_cell {
 public:
  std::shared_ptr<const shard_view> view() const { return view_.load(); }
  void publish(std::shared_ptr<const shard_view> view) { view_.store(std::move(view)); }
  std::atomic<bool> indexing{false};  ///< a segment is being built
  std::atomic<bool> degraded{false};  ///< part of the data can't be served
  /// Unix ms; 0 = not since the rows were loaded. A build is everything from the first segment due to none due.
  std::atomic<std::int64_t> build_began_ms{0}, build_ended_ms{0}, changed_ms{0};
  std::atomic<std::uint32_t> build_errors{0};  ///< failed tries of that build

 private:
  std::atomic<std::shared_ptr<const shard_view>> view_;
};

/// A collection's shape for listings.
struct collection_summary {
  collection_record record;
  shard_counters counters;  ///< summed over the shards
  std::uint64_t index_bytes = 0;
  std::uint64_t sealed_points = 0;  ///< in segment files, of those that are awake
  std::uint64_t awake_points = 0;
  bool indexing = false;
  bool degraded = false;
  /// Of the present build, else the last one; and of the last change or build. Unix ms, 0 = not known.
  std::int64_t build_began_ms = 0, build_ended_ms = 0, touched_ms = 0;
  std::uint64_t build_errors = 0;  ///< failed tries of that build
  /// Share of the points in memory that have reached segment files; 1 when nothing is being built.
  double progress() const {
    return !indexing || awake_points == 0 ? 1.0 : static_cast<double>(sealed_points) / static_cast<double>(awake_points);
  }
};

struct point_page {
  std::vector<point_record> points;
  std::uint64_t total = 0;
  std::string next_cursor;  ///< "" at the end
};

/// (unix ms, points), one a minute, oldest first.
using count_history = std::vector<std::pair<std::int64_t, std::uint64_t>>;

class collection_reader {
 public:
  collection_reader(std::shared_ptr<const collection_record> record, const kv_store& kv,
                    std::vector<std::shared_ptr<const view_cell>> cells,
                    std::shared_ptr<const count_history> history = nullptr)
      : record_(std::move(record)),
        kv_(&kv),
        keys_(tenant_keyspace::of_verified_owner(record_->owner)),
        cells_(std::move(cells)),
        history_(std::move(history)) {}

  const collection_record& record() const { return *record_; }
  /// One view per awake shard, taken now. Searches run over all of them as one corpus.
  std::vector<std::shared_ptr<const shard_view>> views() const;

  const count_history& history() const;
  /// True when every shard is awake: `views` is the whole collection.
  bool has_views() const;
  result<collection_summary> summary() const;
  result<std::optional<point_record>> get(const std::string& id) const;
  /// Points by id bytes. `after` (a cursor, exclusive) wins over `offset`.
  result<point_page> list(std::size_t limit, std::size_t offset, std::string_view after) const;
  result<std::vector<snapshot_record>> snapshots() const;

 private:
  std::shared_ptr<const collection_record> record_;
  const kv_store* kv_;
  tenant_keyspace keys_;
  std::vector<std::shared_ptr<const view_cell>> cells_;  ///< by shard; null = asleep
  std::shared_ptr<const count_history> history_;
};

/// The shard of a point: by the hash of its id up to '#', so that the chunks of one text stay together.
shard_id shard_of(std::string_view id, std::uint32_t shard_count);

}  // namespace waggle
