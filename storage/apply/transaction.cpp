#include "storage/apply/transaction.hpp"

#include "storage/apply/account.hpp"
#include "storage/kv/tenant_route.hpp"

namespace waggle {
result<shard_writer*> state_machine::transaction::shard(const std::shared_ptr<const collection_record>& collection,
                                                        shard_id id) {
  const shard_key key{collection->owner, collection->id, id};
  auto it = shards.find(key);
  if (it == shards.end()) {
    it = shards.emplace(key, shard_writer(overlay, collection, id)).first;
    if (auto loaded = it->second.load(); !loaded) return loaded.error();
  }
  places_.try_emplace(key, it->second.mark());
  return &it->second;
}

result<shard_counters> state_machine::transaction::counters(const collection_record& collection, shard_id id) const {
  if (const auto it = shards.find({collection.owner, collection.id, id}); it != shards.end()) return it->second.counters();
  const auto keys = tenant_keyspace::of_verified_owner(collection.owner);
  auto stored = overlay.get(kv_family::points, keys.counters(collection.id, id));
  if (!stored) return stored.error();
  return *stored ? decode_counters(**stored) : result<shard_counters>(shard_counters{});
}

result<tenant_record*> state_machine::transaction::tenant(const tenant_id& owner) {
  auto it = tenants.find(owner);
  if (it == tenants.end()) {
    // No shard of it has been touched in this batch: whoever touches one asks for the account first.
    auto found = load_account(overlay, owner);
    if (!found) return found.error();
    it = tenants.emplace(owner, found->value_or(tenant_record{})).first;
  }
  accounts_.try_emplace(owner, it->second);
  return &it->second;
}

result<state_machine::transaction::tenant_place*> state_machine::transaction::place(const tenant_id& owner) {
  if (const auto it = tenant_places.find(owner); it != tenant_places.end()) return &it->second;
  tenant_place found;
  found.applied = shared_applied;
  if (!owner.is_nil()) {
    found.applied = {};
    for (const auto& key : {tenant_keyspace::of_verified_owner(owner).applied_record(), tenant_route::dropped_key(owner)}) {
      auto bytes = overlay.get(kv_family::meta, key);
      if (!bytes) return bytes.error();
      if (!*bytes) continue;
      found.applied = log_index(tenant_keyspace::read_be64(**bytes));
      break;
    }
  }
  auto counted = known_account(overlay, owner);
  if (!counted) return counted.error();
  if (*counted) found.counted = {(*counted)->now.collections, (*counted)->now.points};
  return &tenant_places.emplace(owner, found).first->second;
}

void state_machine::transaction::begin_entry() {
  overlay.mark();
  places_.clear();
  accounts_.clear();
  catalog_before_ = catalog.size();
  records_before_ = records.size();
  totals_before_ = totals;
}

void state_machine::transaction::roll_back_entry() {
  overlay.roll_back();
  for (const auto& [key, place] : places_)
    if (const auto it = shards.find(key); it != shards.end()) it->second.roll_back(place);
  for (auto& [owner, record] : accounts_) tenants[owner] = std::move(record);
  catalog.erase(catalog.begin() + static_cast<std::ptrdiff_t>(catalog_before_), catalog.end());
  records.resize(records_before_);
  totals = totals_before_;
  places_.clear();
  accounts_.clear();
}

}  // namespace waggle
