#include "storage/shard/shard_core.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstdio>

#include "storage/shard/build_plan.hpp"

namespace waggle {
namespace {

bool overlap(const seq_range& a, const seq_range& b) { return a.first <= b.last && b.first <= a.last; }

/// "00000000000000ff-0000000000000fff-12.segment": unique within a shard by the number, which only grows.
std::string file_name(const seq_range& range, std::uint64_t number) {
  char name[96];
  std::snprintf(name, sizeof name, "%016llx-%016llx-%llu.segment", static_cast<unsigned long long>(range.first.value),
                static_cast<unsigned long long>(range.last.value), static_cast<unsigned long long>(number));
  return name;
}

/// The number in a file's name; 0 when it was not made by file_name.
std::uint64_t file_number(std::string_view name) {
  constexpr std::size_t number_at = 2 * 17;
  std::uint64_t number = 0;
  if (name.size() > number_at) std::from_chars(name.data() + number_at, name.data() + name.size(), number);
  return number;
}

std::uint64_t row_bytes(const row_fields& r) {
  return r.id.size() + r.payload.size() + r.vector.size_bytes() + r.sparse.indices.size_bytes() +
         r.sparse.values.size_bytes();
}

bool is_dead(const row_run& run, std::size_t row) {
  const auto s = run.stretch_at(row);
  return s.deleted_at[row - s.first].load(std::memory_order_relaxed) != 0;
}

}  // namespace

shard_core::shard_core(shard_config config) : config_(std::move(config)) { start_active(); }

void shard_core::start_active() {
  active_ = std::make_shared<mutable_segment>(config_.measure, config_.dimension, config_.bounds.seal_rows);
  const seq_no first(last_row_.value + 1);
  active_unit_ = unit{active_, {}, {first, first}, 0, 0};
}

bool shard_core::active_is_full() const {
  return active_->full() || active_->bytes().total() >= config_.bounds.seal_bytes;
}

shard_core::opened shard_core::open(shard_config config, std::vector<segment_ref> refs) {
  opened out{shard_core(std::move(config)), {}, {}};
  auto& core = out.core;
  std::sort(refs.begin(), refs.end(), [](const auto& a, const auto& b) { return a.range < b.range; });
  for (auto& ref : refs) {
    core.files_made_ = std::max(core.files_made_, file_number(ref.file));
    core.last_seq_ = std::max(core.last_seq_, ref.range.last);
    const auto& c = core.config_;
    auto file = open_segment(c.directory + "/" + ref.file, c.key, c.measure, c.dimension);
    if (!file) {
      out.rejected.push_back({std::move(ref), file.error()});
    } else if ((*file)->header().range != ref.range) {
      out.rejected.push_back({std::move(ref), corrupt_segment("header", "range differs from the record")});
    } else if (!core.units_.empty() && overlap(core.units_.back().range, ref.range)) {
      out.rejected.push_back({std::move(ref), corrupt_segment("header", "range overlaps another segment")});
    } else {
      core.adopt(std::move(ref), std::move(*file));
    }
  }
  core.last_row_ = core.last_seq_;
  core.start_active();
  out.missing = core.missing_ranges();
  return out;
}

void shard_core::adopt(segment_ref ref, std::shared_ptr<const segment> file) {
  const auto rows = file->rows();
  units_.push_back({std::make_shared<sealed_run>(std::move(file)), std::move(ref.file), ref.range, rows, 0});
  for (std::size_t i = 0; i < rows; ++i) count_row(*units_.back().run, i, true);
}

std::vector<seq_range> shard_core::missing_ranges() const {
  std::vector<seq_range> missing;
  std::uint64_t next = 1;
  for (const auto& u : units_) {
    if (u.range.first.value > next) missing.push_back({seq_no(next), seq_no(u.range.first.value - 1)});
    next = u.range.last.value + 1;
  }
  if (next <= last_seq_.value) missing.push_back({seq_no(next), last_seq_});
  return missing;
}

void shard_core::count_row(const row_run& run, std::size_t row, bool added) {
  const auto length = run.text_length(row);
  const auto bytes = row_bytes(run.row(row));
  if (added) {
    live_.rows += 1, live_.bytes += bytes, live_.text_length += length, live_.text_rows += length != 0;
  } else {
    live_.rows -= 1, live_.bytes -= bytes, live_.text_length -= length, live_.text_rows -= length != 0;
  }
}

result<void> shard_core::insert(row&& r) {
  if (r.data.vector.size() != config_.dimension) return failure(ec::dimension_mismatch);
  if (r.seq <= last_row_ || r.seq <= published_) return failure::internal("insert: seq does not ascend");
  last_row_ = r.seq;
  last_seq_ = std::max(last_seq_, r.seq);
  active_->append(std::move(r));
  ++active_unit_.rows;
  count_row(*active_, active_unit_.rows - 1, true);
  if (active_is_full()) freeze();
  return {};
}

void shard_core::freeze() {
  if (active_unit_.rows == 0) return;
  active_unit_.range.last = last_row_;
  units_.push_back(std::move(active_unit_));
  start_active();
}

shard_core::unit* shard_core::unit_holding(seq_no seq) {
  if (seq >= active_unit_.range.first) return &active_unit_;
  const auto after =
      std::upper_bound(units_.begin(), units_.end(), seq, [](seq_no s, const unit& u) { return s < u.range.first; });
  if (after == units_.begin()) return nullptr;
  unit& u = *std::prev(after);
  return seq <= u.range.last ? &u : nullptr;
}

void shard_core::mark(unit& u, std::size_t row, seq_no at) {
  u.run->mark_deleted(row, at.value);
  ++u.dead;
  count_row(*u.run, row, false);
  last_seq_ = std::max(last_seq_, at);
}

bool shard_core::remove(seq_no victim, seq_no at) {
  unit* u = unit_holding(victim);
  if (!u) return false;
  const auto row = u->run->find(victim, u->rows);
  if (!row || is_dead(*u->run, *row)) return false;
  mark(*u, *row, at);
  return true;
}

result<void> shard_core::erase(seq_no victim, seq_no at) {
  if (at <= published_) return failure::internal("erase: a view as of that seq is already published");
  if (!remove(victim, at)) return failure(ec::not_found);
  return {};
}

bool shard_core::tombstone(seq_no victim, seq_no at) {
  assert(published_ == seq_no() && at != seq_no());
  return remove(victim, at);
}

std::vector<seq_no> shard_core::retain(seq_range range, std::span<const seq_no> live, seq_no at) {
  assert(published_ == seq_no() && at != seq_no());
  std::vector<seq_no> absent;
  auto next = std::lower_bound(live.begin(), live.end(), range.first);
  const auto visit = [&](unit& u) {
    if (!overlap(u.range, range)) return;
    for (std::size_t row = 0; row < u.rows; ++row) {
      const auto seq = u.run->row(row).seq;
      if (seq < range.first || seq > range.last) continue;
      while (next != live.end() && *next < seq) absent.push_back(*next++);
      const bool stays = next != live.end() && *next == seq;
      if (stays) ++next;
      if (!stays && !is_dead(*u.run, row)) mark(u, row, at);
    }
  };
  for (auto& u : units_) visit(u);
  if (active_unit_.rows != 0) active_unit_.range.last = last_row_;
  visit(active_unit_);
  for (; next != live.end() && *next <= range.last; ++next) absent.push_back(*next);
  return absent;
}

result<void> shard_core::restore_rows(seq_range range, std::vector<row>&& rows) {
  const auto refuse = [](const char* why) { return failure::internal(std::string("restore_rows: ") + why); };
  if (range.first > range.last || range.last >= active_unit_.range.first)
    return refuse("range is not behind the newest rows");
  for (const auto& u : units_)
    if (overlap(u.range, range)) return refuse("range overlaps rows that are there");
  seq_no before(range.first.value - 1);
  for (const auto& r : rows) {
    if (r.data.vector.size() != config_.dimension) return failure(ec::dimension_mismatch);
    if (r.seq <= before || r.seq > range.last) return refuse("rows do not ascend within the range");
    before = r.seq;
  }
  if (rows.empty()) return {};
  std::vector<unit> restored;
  std::shared_ptr<mutable_segment> run;
  for (auto& r : rows) {
    if (!run || run->full() || run->bytes().total() >= config_.bounds.seal_bytes) {
      const auto first = restored.empty() ? range.first : seq_no(restored.back().range.last.value + 1);
      run = std::make_shared<mutable_segment>(config_.measure, config_.dimension, config_.bounds.seal_rows);
      restored.push_back({run, {}, {first, first}, 0, 0});
    }
    auto& u = restored.back();
    u.range.last = r.seq;
    run->append(std::move(r));
    count_row(*run, u.rows++, true);
  }
  restored.back().range.last = range.last;
  const auto place = std::upper_bound(units_.begin(), units_.end(), range.first,
                                      [](seq_no s, const unit& u) { return s < u.range.first; });
  units_.insert(place, std::make_move_iterator(restored.begin()), std::make_move_iterator(restored.end()));
  return {};
}

std::shared_ptr<const shard_view> shard_core::publish() {
  std::vector<shard_view::part> parts;
  parts.reserve(units_.size() + 1);
  for (const auto& u : units_) parts.push_back({u.run, u.rows, u.live()});
  if (active_unit_.rows != 0) parts.push_back({active_, active_unit_.rows, active_unit_.live()});
  published_ = last_seq_;
  return std::make_shared<const shard_view>(config_.measure, config_.dimension, config_.hnsw.ef_search, last_seq_,
                                            std::move(parts), live_, memory());
}

std::optional<build_job> shard_core::next_job() {
  if (job_out_) return std::nullopt;
  std::vector<planned_run> runs;
  for (const auto& u : units_) runs.push_back({!u.file.empty(), u.rows, u.live()});
  const auto plan = plan_build(runs, config_.bounds);
  if (!plan) return std::nullopt;
  std::vector<build_job::source> sources;
  for (auto i = plan->first; i < plan->last; ++i) sources.push_back({units_[i].run, units_[i].rows});
  const seq_range range{units_[plan->first].range.first, units_[plan->last - 1].range.last};
  job_out_ = true;
  return build_job(config_, {file_name(range, ++files_made_), range}, std::move(sources));
}

void shard_core::install(built_segment built) {
  job_out_ = false;
  // A build that was given up may still arrive: it counts only while its sources are where they were.
  const auto same = [](const unit& u, const auto& source) { return u.run == source; };
  const auto first = std::search(units_.begin(), units_.end(), built.sources.begin(), built.sources.end(), same);
  if (first == units_.end()) {
    if (built.file) obsolete_.push_back(built.ref.file);
    return;
  }
  const auto last = first + static_cast<std::ptrdiff_t>(built.sources.size());
  for (auto u = first; u != last; ++u)
    if (!u->file.empty()) obsolete_.push_back(u->file);
  if (!built.file) {
    units_.erase(first, last);
    return;
  }
  unit made{std::make_shared<sealed_run>(built.file), built.ref.file, built.ref.range, built.file->rows(), 0};
  for (auto u = first; u != last; ++u) carry_over_deletes(*u, made);
  const auto place = units_.erase(first, last);
  units_.insert(place, std::move(made));
}

void shard_core::carry_over_deletes(const unit& from, unit& to) {
  const auto seqs = to.run->file()->seqs();
  auto next = seqs.begin();
  for_each_stretch(*from.run, from.rows, [&](const row_run::stretch& s, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
      const auto at = s.deleted_at[i].load(std::memory_order_relaxed);
      if (at == 0) continue;
      next = std::lower_bound(next, seqs.end(), s.seqs[i]);
      if (next == seqs.end() || *next != s.seqs[i]) continue;  // dead before the build read it
      to.run->mark_deleted(static_cast<std::size_t>(next - seqs.begin()), at);
      ++to.dead;
    }
  });
}

shard_manifest shard_core::manifest() const {
  shard_manifest out;
  for (const auto& u : units_)
    if (!u.file.empty()) out.segments.push_back({u.file, u.range});
  out.obsolete = obsolete_;
  return out;
}

void shard_core::forget_obsolete(std::span<const std::string> files) {
  std::erase_if(obsolete_, [&](const auto& f) { return std::find(files.begin(), files.end(), f) != files.end(); });
}

run_bytes shard_core::memory() const {
  run_bytes bytes = active_->bytes();
  for (const auto& u : units_) bytes += u.run->bytes();
  return bytes;
}

}  // namespace waggle
