#pragma once
// The only builder of data keys. Keys begin with the owner: tenant(16) · collection(8) · shard(4) · kind(1) · rest,
// integers big-endian so that bytes sort as numbers. A keyspace comes from a capability, or from a log entry whose
// owner the state machine has checked; there is no way to make a key without an owner. Pure; any thread.
#include <string>
#include <string_view>

#include "base/ids.hpp"
#include "base/tenant_context.hpp"
#include "storage/types.hpp"

namespace waggle {

class tenant_keyspace {
 public:
  explicit tenant_keyspace(const tenant_context& who) : owner_(who.tenant()) {}
  /// For the state machine and recovery only, which have read the owner from a verified record.
  static tenant_keyspace of_verified_owner(const tenant_id& owner) { return tenant_keyspace(owner); }

  const tenant_id& owner() const { return owner_; }

  // family `points`
  std::string point(collection_id c, shard_id s, std::string_view id) const { return key(c, s, 'P', id); }
  std::string change(collection_id c, shard_id s, seq_no seq) const { return key(c, s, 'S', be64(seq.value)); }
  std::string tombstone(collection_id c, shard_id s, seq_no seq) const { return key(c, s, 'T', be64(seq.value)); }
  std::string counters(collection_id c, shard_id s) const { return key(c, s, 'N', {}); }
  std::string parent_count(collection_id c, shard_id s, std::string_view parent) const { return key(c, s, 'R', parent); }
  std::string snapshot_point(collection_id c, shard_id s, std::string_view snapshot, std::string_view id) const;
  std::string manifest(collection_id c, shard_id s) const { return key(c, s, 'M', {}); }

  // family `meta`; collection 0 is the tenant's own catalog
  std::string tenant_record() const { return key(collection_id{}, shard_id{}, 'K', {}); }
  std::string collection_record(collection_id c) const { return key(collection_id{}, shard_id{}, 'C', be64(c.value)); }
  /// What its collections held at the last report; `on_its_way`: at the one that HiveHub has not got.
  std::string reported_record(bool on_its_way) const { return key(collection_id{}, shard_id{}, on_its_way ? 'U' : 'u', {}); }
  std::string name_record(std::string_view name) const { return key(collection_id{}, shard_id{}, 'n', name); }
  std::string request_record(const request_id& r) const;
  // In a tenant's own database only:
  /// Up to which log index it holds what the tenant's entries did.
  std::string applied_record() const { return key(collection_id{}, shard_id{}, 'A', {}); }
  std::string window_record(log_index i) const { return key(collection_id{}, shard_id{}, 'E', be64(i.value)); }
  /// Of the node itself, under the nil tenant.
  static std::string node_record(std::string_view space, std::string_view key);
  std::string snapshot_record(collection_id c, shard_id s, std::string_view id) const { return key(c, s, 'z', id); }

  /// All that is the owner's.
  std::pair<std::string, std::string> owner_range() const { return {own_prefix(), behind_owner()}; }
  /// First key and first key after it, of everything with `kind` (and a rest that begins with `prefix`).
  std::pair<std::string, std::string> range(collection_id c, shard_id s, char kind, std::string_view prefix = {}) const;
  /// The whole collection, every shard.
  std::pair<std::string, std::string> collection_range(collection_id c) const;
  /// `space` ends where the record's own key begins.
  static std::pair<std::string, std::string> node_record_range(std::string_view space);
  std::pair<std::string, std::string> catalog_range() const { return range(collection_id{}, shard_id{}, 'C'); }

  static constexpr std::size_t prefix_bytes = 16 + 8 + 4 + 1;
  /// The part after the kind byte.
  static std::string_view rest(std::string_view key) { return key.substr(prefix_bytes); }
  static std::uint64_t read_be64(std::string_view bytes);
  static std::string be64(std::uint64_t v);
  /// Whose key it is.
  static tenant_id owner_of(std::string_view key);
  /// The first key that may be another tenant's; "" behind the last.
  std::string behind_owner() const { return after_prefix(own_prefix()); }
  /// The smallest string greater than every string that begins with `prefix`.
  static std::string after_prefix(std::string prefix);

 private:
  explicit tenant_keyspace(const tenant_id& owner) : owner_(owner) {}
  std::string own_prefix() const { return std::string(owner_.bytes.begin(), owner_.bytes.end()); }
  std::string key(collection_id c, shard_id s, char kind, std::string_view rest) const;
  tenant_id owner_;
};

}  // namespace waggle
