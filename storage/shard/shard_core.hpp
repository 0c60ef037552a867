#pragma once
// The life of one shard's rows: the newest in memory, older ones in segment files, and the views that searches run on.
// A pure core: no threads, no clock, no durability of its own (points are durable elsewhere and anything here can be
// rebuilt from them). Owned by the shard's actor, its only caller and single writer; views go to any thread.
//
//   insert ─► active ──full──► frozen ──next_job─► build_job::run (background) ─► install ─► sealed
//   erase  ─► deleted_at of the row, wherever it is            │
//   publish ─► shard_view of all of them                       └─ sealed neighbours that are small or mostly dead
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "storage/shard/build_job.hpp"
#include "storage/shard/mutable_segment.hpp"
#include "storage/shard/shard_config.hpp"
#include "storage/shard/shard_view.hpp"

namespace waggle {

class shard_core {
 public:
  /// An empty shard.
  explicit shard_core(shard_config config);

  struct opened;
  /// Opens the recorded segments. Blocking (reads every file): for a background thread. Whatever does not open, or
  /// overlaps one that did, is rejected and its range is missing.
  static opened open(shard_config config, std::vector<segment_ref> refs);

  /// The greatest seq that was applied. Rows after it are inserted, rows of missing ranges restored.
  seq_no last_seq() const { return last_seq_; }
  const shard_config& config() const { return config_; }
  /// Takes effect with the next publish (ef_search) or build.
  void set_hnsw(const hnsw_params& params) { config_.hnsw = params; }

  /// Adds the next row. Errors: dimension_mismatch; internal_error when `r.seq` is not greater than that of
  /// every row before and of the last published view.
  result<void> insert(row&& r);
  /// Removes the row with seq `victim` as of `at`; an update is erase(old, s) and insert(new with seq s), in this order
  /// or the other, before publish. Errors: not_found when no live row has that seq; internal_error when `at` is not
  /// greater than the seq of the last published view, which would change what that view sees.
  result<void> erase(seq_no victim, seq_no at);
  /// erase for the replay after `open`, before the first publish: false when there is nothing (more) to remove.
  bool tombstone(seq_no victim, seq_no at);
  /// Replay by what is there instead: of the rows in `range` exactly those in `live` (ascending) stay. Returns the seqs
  /// of `live` that no row has.
  std::vector<seq_no> retain(seq_range range, std::span<const seq_no> live, seq_no at);
  /// Gives a missing range its rows back (ascending, all inside `range`), searchable at once and sealed by the next
  /// jobs. A large range may come in pieces, each with its own sub-range. Errors: internal_error when the range
  /// overlaps rows that are there or the rows do not fit it; dimension_mismatch.
  result<void> restore_rows(seq_range range, std::vector<row>&& rows);

  /// The view as of last_seq().
  std::shared_ptr<const shard_view> publish();

  /// Seals what is in memory at the next job even though it is not full.
  void freeze();
  /// The next build that is due; none while one is out. Its result goes to `install`, its failure to `give_up`.
  std::optional<build_job> next_job();
  /// Puts the built segment in the place of its sources; publish afterwards to let searches use it. One that was given
  /// up and superseded is not installed: its file becomes obsolete.
  void install(built_segment built);
  /// The job that is out will not finish: what it was to build is due again.
  void give_up() { job_out_ = false; }

  /// What to record now.
  shard_manifest manifest() const;
  /// The owner deleted these files.
  void forget_obsolete(std::span<const std::string> files);
  run_bytes memory() const;

 private:
  struct unit {
    std::shared_ptr<row_run> run;
    std::string file;  ///< empty: in memory
    seq_range range;
    std::size_t rows = 0;
    std::size_t dead = 0;
    std::size_t live() const { return rows - dead; }
  };
  void start_active();
  bool active_is_full() const;
  unit* unit_holding(seq_no seq);
  bool remove(seq_no victim, seq_no at);
  void mark(unit& u, std::size_t row, seq_no at);
  void count_row(const row_run& run, std::size_t row, bool added);
  void adopt(segment_ref ref, std::shared_ptr<const segment> file);
  static void carry_over_deletes(const unit& from, unit& to);
  std::vector<seq_range> missing_ranges() const;

  shard_config config_;
  std::vector<unit> units_;  // sealed and frozen, by range, disjoint
  std::shared_ptr<mutable_segment> active_;
  unit active_unit_;
  seq_no last_seq_;   // of any change
  seq_no last_row_;   // of the newest row, or covered by a segment
  seq_no published_;  // as_of of the newest view
  shard_view::totals live_;
  std::vector<std::string> obsolete_;
  std::uint64_t files_made_ = 0;
  bool job_out_ = false;
};

struct shard_core::opened {
  shard_core core;
  std::vector<rejected_segment> rejected;
  /// Ranges up to core.last_seq() that no open segment answers for, by range. Usually empty of rows unless a segment
  /// was rejected or a build had not been recorded.
  std::vector<seq_range> missing;
};

}  // namespace waggle
