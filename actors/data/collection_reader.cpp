#include "actors/data/collection_reader.hpp"

#include <algorithm>

namespace waggle {

shard_id shard_of(std::string_view id, std::uint32_t shard_count) {
  if (shard_count <= 1) return shard_id{};
  // FNV-1a 64: placement reaches disk, so the function never changes.
  std::uint64_t hash = 0xcbf29ce484222325ull;
  for (const char c : id.substr(0, id.find('#'))) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  return shard_id(static_cast<std::uint32_t>((hash ^ hash >> 32) % shard_count));
}

std::vector<std::shared_ptr<const shard_view>> collection_reader::views() const {
  std::vector<std::shared_ptr<const shard_view>> views;
  for (const auto& cell : cells_)
    if (cell)
      if (auto view = cell->view()) views.push_back(std::move(view));
  return views;
}

bool collection_reader::has_views() const {
  return !cells_.empty() && std::all_of(cells_.begin(), cells_.end(), [](const auto& cell) { return cell != nullptr; });
}

const count_history& collection_reader::history() const {
  static const count_history none;
  return history_ ? *history_ : none;
}

namespace {
/// What a shard's cell knows of its builds and changes, into the collection's summary.
void add_activity(const view_cell& cell, collection_summary& s) {
  const bool indexing = cell.indexing.load();
  const auto began = cell.build_began_ms.load(), ended = cell.build_ended_ms.load();
  if (indexing) {
    s.build_began_ms = s.indexing ? std::min(s.build_began_ms, began) : began;
    s.build_ended_ms = 0;
  } else if (!s.indexing && ended > s.build_ended_ms) {
    s.build_began_ms = began;
    s.build_ended_ms = ended;
  }
  s.indexing |= indexing;
  s.degraded |= cell.degraded.load();
  s.build_errors += cell.build_errors.load();
  s.touched_ms = std::max({s.touched_ms, ended, cell.changed_ms.load()});
}
}  // namespace

result<collection_summary> collection_reader::summary() const {
  collection_summary s;
  s.record = *record_;
  std::string bytes;
  for (std::uint32_t i = 0; i < record_->config.shard_count; ++i) {
    auto found = kv_->get(kv_family::points, keys_.counters(record_->id, shard_id(i)), bytes);
    if (!found) return found.error();
    if (!*found) continue;
    auto counters = decode_counters(bytes);
    if (!counters) return counters.error();
    s.counters.last_seq.value += counters->last_seq.value;
    s.counters.points += counters->points;
    s.counters.documents += counters->documents;
    s.counters.bytes += counters->bytes;
    s.counters.payload_bytes += counters->payload_bytes;
  }
  for (const auto& cell : cells_) {
    if (!cell) continue;
    add_activity(*cell, s);
    if (const auto view = cell->view()) {
      s.index_bytes += view->memory().index;
      for (const auto& part : view->parts()) {
        s.awake_points += part.live;
        if (part.rows->file()) s.sealed_points += part.live;
      }
    }
  }
  // A collection that never held a point was last changed in the catalog.
  if (s.touched_ms > 0 || s.counters.last_seq == seq_no()) s.touched_ms = std::max(s.touched_ms, record_->updated_ms);
  return s;
}

result<std::optional<point_record>> collection_reader::get(const std::string& id) const {
  std::string bytes;
  const auto shard = shard_of(id, record_->config.shard_count);
  auto found = kv_->get(kv_family::points, keys_.point(record_->id, shard, id), bytes);
  if (!found) return found.error();
  if (!*found) return std::optional<point_record>{};
  auto record = decode_point(id, bytes);
  if (!record) return record.error();
  return std::optional<point_record>(std::move(*record));
}

result<point_page> collection_reader::list(std::size_t limit, std::size_t offset, std::string_view after) const {
  point_page page;
  auto counted = summary();
  if (!counted) return counted.error();
  page.total = counted->counters.points;
  if (!after.empty()) offset = 0;
  // Each shard gives its first offset+limit+1 points; the merge by id keeps the page.
  const auto wanted = offset + limit + 1;
  std::vector<std::pair<std::string, std::string>> found;
  for (std::uint32_t i = 0; i < record_->config.shard_count; ++i) {
    auto [begin, end] = keys_.range(record_->id, shard_id(i), 'P');
    if (!after.empty()) begin = keys_.point(record_->id, shard_id(i), std::string(after) + '\0');
    std::size_t n = 0;
    const bool skip_here = record_->config.shard_count == 1;
    auto scanned = kv_->scan(kv_family::points, begin, end, [&](std::string_view key, std::string_view value) {
      if (++n <= offset && skip_here) return true;  // one shard: what is skipped needs no copy
      found.emplace_back(tenant_keyspace::rest(key), value);
      return n < wanted;
    });
    if (!scanned) return scanned.error();
  }
  const auto from = record_->config.shard_count == 1 ? 0 : std::min(offset, found.size());
  if (record_->config.shard_count > 1) std::sort(found.begin(), found.end());
  for (auto i = from; i < found.size() && page.points.size() < limit; ++i) {
    auto record = decode_point(found[i].first, found[i].second);
    if (!record) return record.error();
    page.points.push_back(std::move(*record));
  }
  if (from + page.points.size() < found.size() && !page.points.empty())
    page.next_cursor = page.points.back().data.id.str();
  return page;
}

result<std::vector<snapshot_record>> collection_reader::snapshots() const {
  std::vector<snapshot_record> list;
  for (std::uint32_t i = 0; i < record_->config.shard_count; ++i) {
    result<void> bad;
    const auto [begin, end] = keys_.range(record_->id, shard_id(i), 'z');
    // Snapshot records stand in the `meta` family under the collection's own prefix.
    auto scanned = kv_->scan(kv_family::meta, begin, end, [&](std::string_view key, std::string_view value) {
      auto record = decode_snapshot(tenant_keyspace::rest(key), value);
      if (!record) {
        bad = record.error();
        return false;
      }
      const auto same = std::find_if(list.begin(), list.end(), [&](const auto& s) { return s.id == record->id; });
      if (same == list.end()) {
        list.push_back(std::move(*record));
      } else {
        same->points += record->points;
        same->bytes += record->bytes;
      }
      return true;
    });
    if (!scanned) return scanned.error();
    if (!bad) return bad.error();
  }
  std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) {
    return std::tie(a.created_ms, a.id) < std::tie(b.created_ms, b.id);
  });
  return list;
}

}  // namespace waggle
