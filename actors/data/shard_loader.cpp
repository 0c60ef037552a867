#include "actors/data/shard_loader.hpp"

#include <algorithm>
#include <set>

#include "base/codec.hpp"
#include "base/log.hpp"
#include "storage/apply/records.hpp"

namespace waggle {
namespace {
constexpr auto points = kv_family::points;
constexpr std::uint8_t manifest_version = 1;

std::string encode_manifest(const shard_manifest& manifest) {
  std::string out;
  byte_writer w(out);
  w.fixed(manifest_version);
  w.varint(manifest.segments.size());
  for (const auto& ref : manifest.segments) {
    w.text(ref.file);
    w.varint(ref.range.first.value);
    w.varint(ref.range.last.value);
  }
  return out;
}

std::vector<segment_ref> decode_manifest(std::string_view bytes) {
  std::vector<segment_ref> refs;
  byte_reader r(bytes);
  if (r.fixed<std::uint8_t>() != manifest_version) return refs;
  for (auto n = r.varint(); n > 0 && r.ok(); --n) {
    segment_ref ref;
    ref.file = r.text();
    ref.range.first = seq_no(r.varint());
    ref.range.last = seq_no(r.varint());
    refs.push_back(std::move(ref));
  }
  // A manifest that can't be read costs a rebuild from points, nothing more.
  if (!r.done()) refs.clear();
  return refs;
}

/// Live rows whose seq lies in [first, last], ascending.
result<std::vector<row>> read_rows(const kv_store& kv, const tenant_keyspace& keys, const shard_key& key, seq_no first,
                                   seq_no last, const kv_snapshot* snapshot) {
  std::vector<row> rows;
  result<void> bad;
  const auto begin = keys.change(key.collection, key.shard, first);
  const auto end = tenant_keyspace::after_prefix(keys.change(key.collection, key.shard, last));
  auto scanned = kv.scan(
      points, begin, end,
      [&](std::string_view change, std::string_view value) {
        if (value.empty() || value.front() != '+') return true;
        const auto id = value.substr(1);
        std::string bytes;
        auto found = kv.get(points, keys.point(key.collection, key.shard, id), bytes, snapshot);
        if (!found) {
          bad = found.error();
          return false;
        }
        const seq_no seq(tenant_keyspace::read_be64(tenant_keyspace::rest(change)));
        auto record = *found ? decode_point(id, bytes) : result<point_record>(failure(ec::corrupt_data));
        if (!record || record->seq != seq) {
          failure f(ec::corrupt_data);
          f.log_text = "the change index names a point version that is not there";
          bad = f;
          return false;
        }
        rows.push_back({seq, std::move(record->data)});
        return true;
      },
      snapshot);
  if (!scanned) return scanned.error();
  if (!bad) return bad.error();
  return rows;
}

void delete_unlisted(const std::string& directory, const shard_manifest& manifest) {
  std::set<std::string> listed;
  for (const auto& ref : manifest.segments) listed.insert(ref.file);
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(directory, ignored))
    if (!listed.contains(entry.path().filename().string())) std::filesystem::remove(entry.path(), ignored);
}

result<void> complete_from_store(kv_store& kv, const tenant_keyspace& keys, shard_core::opened& opened,
                                 loaded_shard& out, const kv_snapshot* snapshot) {
  const auto key = opened.core.config().key;
  for (const auto& range : opened.missing) {
    auto rows = read_rows(kv, keys, key, range.first, range.last, snapshot);
    if (!rows) return rows.error();
    if (rows->empty()) continue;
    if (auto done = opened.core.restore_rows(range, std::move(*rows)); !done) return done;
  }
  if (out.loaded_to > opened.core.last_seq()) {
    auto rows = read_rows(kv, keys, key, seq_no(opened.core.last_seq().value + 1), out.loaded_to, snapshot);
    if (!rows) return rows.error();
    for (auto& r : *rows)
      if (auto done = opened.core.insert(std::move(r)); !done) return done;
  }
  const auto [begin, end] = keys.range(key.collection, key.shard, 'T');
  return kv.scan(
      points, begin, end,
      [&](std::string_view k, std::string_view v) {
        opened.core.tombstone(seq_no(tenant_keyspace::read_be64(tenant_keyspace::rest(k))),
                              seq_no(tenant_keyspace::read_be64(v)));
        return true;
      },
      snapshot);
}
}  // namespace

loaded_shard load_shard(kv_store& kv, shard_config config) {
  loaded_shard out;
  const auto keys = tenant_keyspace::of_verified_owner(config.key.owner);
  const auto key = config.key;
  std::error_code made;
  std::filesystem::create_directories(config.directory, made);
  if (made) {
    failure f(made == std::errc::no_space_on_device ? ec::storage_full : ec::io_error);
    f.log_text = config.directory + ": " + made.message();
    out.status = f;
    return out;
  }
  const auto snapshot = kv.snapshot(key.owner);
  std::string bytes;
  std::vector<segment_ref> refs;
  auto found = kv.get(points, keys.manifest(key.collection, key.shard), bytes, snapshot.get());
  if (found && *found) refs = decode_manifest(bytes);
  if (found) found = kv.get(points, keys.counters(key.collection, key.shard), bytes, snapshot.get());
  if (!found) {
    out.status = found.error();
    return out;
  }
  if (*found) {
    auto counters = decode_counters(bytes);
    if (!counters) {
      out.status = counters.error();
      return out;
    }
    out.loaded_to = counters->last_seq;
  }
  auto opened = shard_core::open(std::move(config), std::move(refs));
  out.rejected = opened.rejected.size();
  for (const auto& r : opened.rejected)
    log_event(log_level::warn, "shard", "segment file does not hold; its points are read again",
              {{"tenant", to_string(key.owner)}, {"collection", to_string(key.collection)}, {"file", r.ref.file},
               {"why", r.why.log_text}});
  if (auto done = complete_from_store(kv, keys, opened, out, snapshot.get()); !done) {
    out.status = done.error();
    return out;
  }
  delete_unlisted(opened.core.config().directory, opened.core.manifest());
  out.core = std::make_unique<shard_core>(std::move(opened.core));
  return out;
}

recorded_manifest record_manifest(kv_store& kv, const manifest_update& update) {
  recorded_manifest out;
  const auto keys = tenant_keyspace::of_verified_owner(update.key.owner);
  const auto collection = update.key.collection;
  const auto shard = update.key.shard;
  kv_batch batch;
  batch.put(points, keys.manifest(collection, shard), encode_manifest(update.manifest));
  if (update.rewritten) {
    // A tombstone is needed while some file holds its row.
    const auto kept = [&](std::uint64_t seq) {
      if (!update.built) return false;
      const auto seqs = update.built->seqs();
      return std::binary_search(seqs.begin(), seqs.end(), seq);
    };
    const auto begin = keys.tombstone(collection, shard, update.rewritten->first);
    const auto end = tenant_keyspace::after_prefix(keys.tombstone(collection, shard, update.rewritten->last));
    auto scanned = kv.scan(points, begin, end, [&](std::string_view k, std::string_view) {
      if (!kept(tenant_keyspace::read_be64(tenant_keyspace::rest(k)))) batch.erase(points, k);
      return true;
    });
    if (!scanned) {
      out.status = scanned.error();
      return out;
    }
  }
  out.status = kv.write(batch, kv_sync::yes);
  if (!out.status) return out;
  for (const auto& file : update.manifest.obsolete) {
    std::error_code ignored;
    std::filesystem::remove(std::filesystem::path(update.directory) / file, ignored);
    out.deleted.push_back(file);
  }
  return out;
}

}  // namespace waggle
