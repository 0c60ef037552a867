#include "net/tenants/stored_collection.hpp"

#include <algorithm>

#include "base/crypto.hpp"
#include "storage/apply/account.hpp"
#include "storage/apply/keyspace.hpp"

namespace waggle {
namespace {
constexpr std::size_t page_bytes = 512u << 10;
constexpr std::size_t page_points = 512;

tenant_keyspace keys_of(const tenant_id& owner) { return tenant_keyspace::of_verified_owner(owner); }

result<void> add_up(const kv_store& kv, stored_collection& to) {
  const auto keys = keys_of(to.record.owner);
  for (std::uint32_t s = 0; s < to.record.config.shard_count; ++s) {
    std::string bytes;
    const auto found = kv.get(kv_family::points, keys.counters(to.record.id, shard_id(s)), bytes);
    if (!found) return found.error();
    const auto counters = *found ? decode_counters(bytes) : shard_counters{};
    if (!counters) return counters.error();
    to.points += counters->points;
    to.bytes += counters->bytes;
  }
  // Every shard has all of a collection's snapshots.
  const auto [begin, end] = keys.range(to.record.id, shard_id{}, 'z');
  return kv.scan(kv_family::meta, begin, end, [&to](std::string_view, std::string_view) {
    ++to.snapshots;
    return true;
  });
}

/// What a point is, whatever its version.
void append_content(std::string& out, const point& p) {
  out.append(std::to_string(p.id.str().size())).append(":").append(p.id.str());
  out.append(encode_point(seq_no{}, p));
}
}  // namespace

result<std::vector<stored_collection>> stored_collections(const kv_store& kv, const tenant_id& owner) {
  auto records = collections_of(write_overlay(kv), keys_of(owner));
  if (!records) return records.error();
  std::vector<stored_collection> list;
  for (auto& record : *records) {
    auto& one = list.emplace_back();
    one.record = std::move(record);
    if (auto counted = add_up(kv, one); !counted) return counted.error();
  }
  std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.record.config.name < b.record.config.name; });
  return list;
}

result<std::optional<collection_record>> find_stored(const kv_store& kv, const tenant_id& owner, collection_id id) {
  std::string bytes;
  const auto found = kv.get(kv_family::meta, keys_of(owner).collection_record(id), bytes);
  if (!found) return found.error();
  if (!*found) return std::optional<collection_record>();
  auto record = decode_collection(bytes);
  if (!record) return record.error();
  if (record->owner != owner) return failure(ec::corrupt_data);
  return std::optional(std::move(*record));
}

result<std::optional<collection_record>> find_stored(const kv_store& kv, const tenant_id& owner, std::string_view name) {
  std::string bytes;
  const auto found = kv.get(kv_family::meta, keys_of(owner).name_record(name), bytes);
  if (!found) return found.error();
  if (!*found) return std::optional<collection_record>();
  return find_stored(kv, owner, collection_id(tenant_keyspace::read_be64(bytes)));
}

result<stored_collection> measure_stored(const kv_store& kv, const tenant_id& owner, collection_id id) {
  auto record = find_stored(kv, owner, id);
  if (!record) return record.error();
  if (!*record) return failure(ec::collection_not_found);
  stored_collection one;
  one.record = std::move(**record);
  if (auto counted = add_up(kv, one); !counted) return counted.error();
  return one;
}

result<std::vector<point>> next_points(const kv_store& kv, const collection_record& of, shard_id shard,
                                       const std::optional<std::string>& after) {
  const auto keys = keys_of(of.owner);
  auto [begin, end] = keys.range(of.id, shard, 'P');
  if (after) begin = keys.point(of.id, shard, *after) + '\0';
  std::vector<point> page;
  std::size_t bytes = 0;
  result<void> bad;
  const auto scanned = kv.scan(kv_family::points, begin, end, [&](std::string_view key, std::string_view value) {
    auto record = decode_point(tenant_keyspace::rest(key), value);
    if (!record) {
      bad = record.error();
      return false;
    }
    bytes += logical_bytes(record->data);
    page.push_back(std::move(record->data));
    return bytes < page_bytes && page.size() < page_points;
  });
  if (!scanned) return scanned.error();
  if (!bad) return bad.error();
  return page;
}

result<std::optional<std::string>> last_id(const kv_store& kv, const collection_record& of, shard_id shard) {
  const auto [begin, end] = keys_of(of.owner).range(of.id, shard, 'P');
  std::optional<std::string> last;
  const auto scanned = kv.scan_reverse(kv_family::points, begin, end, [&last](std::string_view key, std::string_view) {
    last.emplace(tenant_keyspace::rest(key));
    return false;
  });
  if (!scanned) return scanned.error();
  return last;
}

result<point_digest> digest_of(const kv_store& kv, const collection_record& of, const std::atomic<bool>& stop) {
  point_digest digest;
  for (std::uint32_t s = 0; s < of.config.shard_count; ++s) {
    std::optional<std::string> after;
    while (true) {
      if (stop) return failure(ec::shutting_down);
      auto page = next_points(kv, of, shard_id(s), after);
      if (!page) return page.error();
      if (page->empty()) break;
      std::string text = std::move(digest.sha256);
      for (const auto& p : *page) append_content(text, p);
      digest.sha256 = sha256_hex(text);
      digest.points += page->size();
      after = page->back().id.str();
    }
  }
  return digest;
}

}  // namespace waggle
