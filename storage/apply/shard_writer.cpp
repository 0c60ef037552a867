#include "storage/apply/shard_writer.hpp"

#include "base/json.hpp"
#include "storage/payload/payload.hpp"

namespace waggle {
namespace {
constexpr auto points = kv_family::points;
constexpr auto meta = kv_family::meta;

/// payload.parent_id when it is a string. Most payloads have none: look for the word before parsing.
std::optional<std::string> parent_of(const std::string& payload) {
  if (payload.find("\"parent_id\"") == payload.npos) return std::nullopt;
  thread_local json_parser parser;
  const auto parsed = parser.parse(payload);
  if (!parsed) return std::nullopt;
  const auto parent = (*parsed)["parent_id"];
  if (!parent.is_string()) return std::nullopt;
  return std::string(parent.as_string());
}

std::string change_value(char op, std::string_view id) {
  std::string value(1, op);
  value += id;
  return value;
}
}  // namespace

shard_writer::shard_writer(write_overlay& overlay, std::shared_ptr<const collection_record> collection, shard_id shard)
    : overlay_(overlay),
      collection_(std::move(collection)),
      keys_(tenant_keyspace::of_verified_owner(collection_->owner)),
      shard_(shard) {
  delta_.key = {collection_->owner, collection_->id, shard};
}

result<void> shard_writer::load() {
  auto bytes = overlay_.get(points, keys_.counters(collection_->id, shard_));
  if (!bytes) return bytes.error();
  if (!*bytes) return {};
  auto counters = decode_counters(**bytes);
  if (!counters) return counters.error();
  counters_ = *counters;
  return {};
}

result<std::optional<point_record>> shard_writer::read(const std::string& id) const {
  auto bytes = overlay_.get(points, keys_.point(collection_->id, shard_, id));
  if (!bytes) return bytes.error();
  if (!*bytes) return std::optional<point_record>{};
  auto record = decode_point(id, **bytes);
  if (!record) return record.error();
  return std::optional<point_record>(std::move(*record));
}

result<void> shard_writer::count_parent(const std::string& payload, int change) {
  const auto parent = parent_of(payload);
  if (!parent) {
    counters_.documents += static_cast<std::uint64_t>(static_cast<std::int64_t>(change));
    return {};
  }
  // One count for the whole collection: the chunks of a parent may lie in several shards. A shard's share of `documents`
  // may then be negative (modulo 2^64); only the sum over the shards means something.
  const auto key = keys_.parent_count(collection_->id, shard_id{}, *parent);
  auto bytes = overlay_.get(points, key);
  if (!bytes) return bytes.error();
  const auto before = *bytes ? tenant_keyspace::read_be64(**bytes) : 0;
  const auto after = before + static_cast<std::uint64_t>(static_cast<std::int64_t>(change));
  if (before == 0) ++counters_.documents;
  if (after == 0) {
    --counters_.documents;
    overlay_.erase(points, key);
  } else {
    overlay_.put(points, key, tenant_keyspace::be64(after));
  }
  return {};
}

result<void> shard_writer::retire(const point_record& old, seq_no at) {
  overlay_.erase(points, keys_.change(collection_->id, shard_, old.seq));
  overlay_.put(points, keys_.tombstone(collection_->id, shard_, old.seq), tenant_keyspace::be64(at.value));
  delta_.tombstones.push_back({old.seq, at});
  counters_.bytes -= logical_bytes(old.data);
  counters_.payload_bytes -= old.data.payload.size();
  --counters_.points;
  return count_parent(old.data.payload, -1);
}

void shard_writer::add_row(point&& p) {
  const auto seq = counters_.last_seq;
  overlay_.put(points, keys_.point(collection_->id, shard_, p.id.str()), encode_point(seq, p));
  overlay_.put(points, keys_.change(collection_->id, shard_, seq), change_value('+', p.id.str()));
  counters_.bytes += logical_bytes(p);
  counters_.payload_bytes += p.payload.size();
  ++counters_.points;
  delta_.rows.push_back({seq, std::move(p)});
}

result<item_outcome> shard_writer::upsert(point&& p, write_outcome& out) {
  item_outcome item;
  if (p.vector.size() != collection_->config.dimension) {
    item.code = ec::dimension_mismatch;
    return item;
  }
  auto old = read(p.id.str());
  if (!old) return old.error();
  item.seq = next_seq();
  item.created = !old->has_value();
  if (*old)
    if (auto done = retire(**old, item.seq); !done) return done.error();
  if (auto done = count_parent(p.payload, +1); !done) return done.error();
  const auto before = *old ? logical_bytes((*old)->data) : 0, after = logical_bytes(p);
  (after > before ? out.bytes_added : out.bytes_freed) += after > before ? after - before : before - after;
  ++(item.created ? out.inserted : out.updated);
  add_row(std::move(p));
  return item;
}

result<item_outcome> shard_writer::erase(const std::string& id, seq_no only_version, write_outcome& out) {
  item_outcome item;
  auto old = read(id);
  if (!old) return old.error();
  if (!*old) {
    item.code = ec::vector_not_found;
    return item;
  }
  if (only_version.value != 0 && (*old)->seq != only_version) {
    item.code = ec::precondition_failed;
    return item;
  }
  item.seq = next_seq();
  if (auto done = retire(**old, item.seq); !done) return done.error();
  out.bytes_freed += logical_bytes((*old)->data);
  overlay_.erase(points, keys_.point(collection_->id, shard_, id));
  overlay_.put(points, keys_.change(collection_->id, shard_, item.seq), change_value('-', id));
  ++out.deleted;
  return item;
}

result<item_outcome> shard_writer::update(const update_point_op& op, write_outcome& out) {
  item_outcome item;
  auto old = read(op.id);
  if (!old) return old.error();
  if (!*old) {
    item.code = ec::vector_not_found;
    return item;
  }
  if (op.if_version && (*old)->seq.value != *op.if_version) {
    item.code = ec::precondition_failed;
    return item;
  }
  point changed = (*old)->data;
  if (op.vector) changed.vector = *op.vector;
  if (op.payload) changed.payload = *op.payload;
  return upsert(std::move(changed), out);
}

result<item_outcome> shard_writer::patch(const std::string& id, seq_no only_version, std::string_view patch_text,
                                         write_outcome& out) {
  item_outcome item;
  auto old = read(id);
  if (!old) return old.error();
  if (!*old || (*old)->seq != only_version) {
    item.code = *old ? ec::precondition_failed : ec::vector_not_found;
    return item;
  }
  thread_local json_parser parser;
  auto parsed = parser.parse(patch_text);
  if (!parsed) return parsed.error();
  auto merged = merge_patch((*old)->data.payload, *parsed);
  if (!merged) {
    item.code = merged.error().code;
    return item;
  }
  point changed = (*old)->data;
  changed.payload = std::move(*merged);
  return upsert(std::move(changed), out);
}

result<void> shard_writer::replace_text(const replace_text_op& op, write_outcome& out) {
  std::vector<std::string> old_ids;
  const auto [begin, end] = keys_.range(collection_->id, shard_, 'P', op.parent + "#");
  auto scanned = overlay_.scan(points, begin, end, [&](std::string_view key, std::string_view) {
    const auto id = tenant_keyspace::rest(key);
    const auto number = id.substr(op.parent.size() + 1);
    if (!number.empty() && number.find_first_not_of("0123456789") == number.npos) old_ids.emplace_back(id);
  });
  if (!scanned) return scanned.error();
  // A point that is written again is an update, not a delete and an insert.
  const auto written_again = [&](const std::string& id) {
    for (const auto& p : op.points)
      if (p.id.str() == id) return true;
    return false;
  };
  old_ids.push_back(op.parent);
  for (const auto& id : old_ids) {
    if (written_again(id)) continue;
    auto item = erase(id, seq_no{}, out);
    if (!item) return item.error();
  }
  for (const auto& p : op.points) {
    auto item = upsert(point(p), out);
    if (!item) return item.error();
    out.items.push_back(*item);
  }
  return {};
}

result<snapshot_record> shard_writer::create_snapshot(const std::string& id, std::int64_t now_ms) {
  snapshot_record record{id, now_ms, 0, 0};
  std::vector<std::pair<std::string, std::string>> copies;
  const auto [begin, end] = keys_.range(collection_->id, shard_, 'P');
  auto scanned = overlay_.scan(points, begin, end, [&](std::string_view key, std::string_view value) {
    copies.emplace_back(keys_.snapshot_point(collection_->id, shard_, id, tenant_keyspace::rest(key)), value);
    record.bytes += value.size();
  });
  if (!scanned) return scanned.error();
  record.points = copies.size();
  for (auto& [key, value] : copies) overlay_.put(points, std::move(key), std::move(value));
  overlay_.put(meta, keys_.snapshot_record(collection_->id, shard_, id), encode_snapshot(record));
  return record;
}

result<void> shard_writer::restore_snapshot(const std::string& id, write_outcome& out) {
  std::vector<std::string> present;
  auto [begin, end] = keys_.range(collection_->id, shard_, 'P');
  auto scanned = overlay_.scan(points, begin, end, [&](std::string_view key, std::string_view) {
    present.emplace_back(tenant_keyspace::rest(key));
  });
  if (!scanned) return scanned.error();
  std::vector<point> kept;
  result<void> bad;
  std::tie(begin, end) = keys_.range(collection_->id, shard_, 'Z', id + '\0');
  const auto skip = id.size() + 1;
  scanned = overlay_.scan(points, begin, end, [&](std::string_view key, std::string_view value) {
    auto record = decode_point(tenant_keyspace::rest(key).substr(skip), value);
    if (!record)
      bad = record.error();
    else
      kept.push_back(std::move(record->data));
  });
  if (!scanned) return scanned.error();
  if (!bad) return bad.error();
  for (const auto& old : present)
    if (auto item = erase(old, seq_no{}, out); !item) return item.error();
  for (auto& p : kept)
    if (auto item = upsert(std::move(p), out); !item) return item.error();
  return {};
}

void shard_writer::roll_back(const place& to) {
  counters_ = to.counters;
  delta_.rows.erase(delta_.rows.begin() + static_cast<std::ptrdiff_t>(to.rows), delta_.rows.end());
  delta_.tombstones.resize(to.tombstones);
}

shard_delta shard_writer::finish() {
  overlay_.put(points, keys_.counters(collection_->id, shard_), encode_counters(counters_));
  delta_.counters = counters_;
  return std::move(delta_);
}

}  // namespace waggle
