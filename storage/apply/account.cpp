#include "storage/apply/account.hpp"

#include <cstring>

#include "storage/kv/tenant_route.hpp"

namespace waggle {
namespace {
constexpr auto meta = kv_family::meta;
constexpr auto points = kv_family::points;

/// Adds up `number(key, value)`, a result<std::uint64_t>, over a range.
template <class Number>
result<std::uint64_t> sum(const write_overlay& store, kv_family family, const std::pair<std::string, std::string>& range,
                          Number number) {
  std::uint64_t total = 0;
  result<void> bad;
  auto scanned = store.scan(family, range.first, range.second, [&](std::string_view key, std::string_view value) {
    const result<std::uint64_t> n = number(key, value);
    if (n)
      total += *n;
    else
      bad = n.error();
  });
  if (!scanned) return scanned.error();
  if (!bad) return bad.error();
  return total;
}

/// Calls `each(collection, shard)`, a result<void>, for every shard.
template <class Each>
result<void> for_each_shard(const std::vector<collection_record>& collections, Each each) {
  for (const auto& c : collections)
    for (std::uint32_t s = 0; s < c.config.shard_count; ++s)
      if (result<void> done = each(c.id, shard_id(s)); !done) return done;
  return {};
}

}  // namespace

result<std::vector<collection_record>> collections_of(const write_overlay& store, const tenant_keyspace& keys) {
  std::vector<collection_record> list;
  auto read = sum(store, meta, keys.catalog_range(), [&](std::string_view, std::string_view value) -> result<std::uint64_t> {
    auto record = decode_collection(value);
    if (!record) return record.error();
    list.push_back(std::move(*record));
    return 1;
  });
  if (!read) return read.error();
  return list;
}

result<std::uint64_t> snapshot_bytes(const write_overlay& store, const tenant_keyspace& keys, collection_id c, shard_id s) {
  return sum(store, meta, keys.range(c, s, 'z'), [](std::string_view, std::string_view value) -> result<std::uint64_t> {
    auto record = decode_snapshot({}, value);
    if (!record) return record.error();
    return record->bytes;
  });
}

result<std::optional<tenant_record>> load_account(const write_overlay& store, const tenant_id& owner) {
  const auto keys = tenant_keyspace::of_verified_owner(owner);
  auto bytes = store.get(meta, keys.tenant_record());
  if (!bytes) return bytes.error();
  // Of a tenant whose database was dropped the mirror is left, and it goes on counting.
  if (!*bytes) return store.tenants_apart() && !owner.is_nil() ? known_account(store, owner) : std::optional<tenant_record>();
  auto found = decode_tenant(**bytes);
  if (!found) return found.error();
  auto& now = found->record.now;
  if (found->complete) return std::optional(std::move(found->record));
  auto collections = collections_of(store, keys);
  if (!collections) return collections.error();
  auto counted = for_each_shard(*collections, [&](collection_id c, shard_id s) -> result<void> {
    auto stored = store.get(points, keys.counters(c, s));
    if (!stored) return stored.error();
    const auto counters = *stored ? decode_counters(**stored) : shard_counters{};
    if (!counters) return counters.error();
    auto kept = snapshot_bytes(store, keys, c, s);
    if (!kept) return kept.error();
    now.points += counters->points;
    now.bytes += counters->bytes + *kept;
    return {};
  });
  if (!counted) return counted.error();
  return std::optional(std::move(found->record));
}

result<std::optional<tenant_record>> known_account(const write_overlay& store, const tenant_id& owner) {
  if (!store.tenants_apart() || owner.is_nil()) return load_account(store, owner);
  auto bytes = store.get(meta, tenant_route::mirror_key(owner));
  if (!bytes) return bytes.error();
  if (!*bytes) return std::optional<tenant_record>();
  auto found = decode_tenant(**bytes);
  if (!found) return found.error();
  return std::optional(std::move(found->record));
}

namespace {
result<void> visit_mirrors(const kv_store& kv, const std::optional<tenant_id>& after, const account_visitor& visit) {
  if (!after) {
    auto implicit = load_account(write_overlay(kv), tenant_id{});
    if (!implicit) return implicit.error();
    if (*implicit && !visit(tenant_id{}, **implicit)) return {};
  }
  auto [begin, end] = tenant_route::mirrors();
  if (after && !after->is_nil()) begin = tenant_route::mirror_key(*after) + '\0';
  result<void> bad;
  auto scanned = kv.scan(meta, begin, end, [&](std::string_view key, std::string_view value) {
    auto found = decode_tenant(value);
    if (!found) bad = found.error();
    return found && visit(tenant_route::owner_in(key), found->record);
  });
  return scanned ? bad : scanned;
}
}  // namespace

result<void> visit_accounts(const kv_store& kv, const std::optional<tenant_id>& after, const account_visitor& visit) {
  if (kv.has_tenant_databases()) return visit_mirrors(kv, after, visit);
  const write_overlay store(kv);
  std::string from = after ? tenant_keyspace::of_verified_owner(*after).behind_owner() : std::string();
  bool more = !after || !from.empty();
  while (more) {
    std::optional<tenant_id> owner;
    auto sought = kv.scan(meta, from, {}, [&owner](std::string_view key, std::string_view) {
      owner = tenant_keyspace::owner_of(key);
      return false;
    });
    if (!sought) return sought;
    if (!owner) return {};
    auto account = load_account(store, *owner);
    if (!account) return account.error();
    if (*account && !visit(*owner, **account)) return {};
    from = tenant_keyspace::of_verified_owner(*owner).behind_owner();
    more = !from.empty();
  }
  return {};
}

result<recounted> recount_points(const write_overlay& store, const tenant_id& owner) {
  const auto keys = tenant_keyspace::of_verified_owner(owner);
  auto collections = collections_of(store, keys);
  if (!collections) return collections.error();
  recounted out;
  out.collections = collections->size();
  auto counted = for_each_shard(*collections, [&](collection_id c, shard_id s) -> result<void> {
    auto bytes = sum(store, points, keys.range(c, s, 'P'), [&](std::string_view key, std::string_view value) {
      ++out.points;
      auto record = decode_point(tenant_keyspace::rest(key), value);
      return record ? result<std::uint64_t>(logical_bytes(record->data)) : result<std::uint64_t>(record.error());
    });
    if (!bytes) return bytes.error();
    auto kept = snapshot_bytes(store, keys, c, s);
    if (!kept) return kept.error();
    out.bytes += *bytes + *kept;
    return {};
  });
  if (!counted) return counted.error();
  return out;
}

}  // namespace waggle
