// Applying where each tenant has a database of its own. A batch is written part by part, the tenants' first; what a crash
// kept of it is found again by each tenant's own applied index, and what the shared database says of a tenant (mirror,
// totals) is set from the tenant's account, however often.
#include <algorithm>

#include "storage/apply/account.hpp"
#include "storage/apply/group_keys.hpp"
#include "storage/apply/transaction.hpp"
#include "storage/kv/tenant_route.hpp"

namespace waggle {
namespace {
constexpr auto meta = kv_family::meta;

write_outcome unavailable() {
  return refused_entry(ec::tenant_unavailable, "The tenant's data can't be used now; the write may still happen later");
}

/// The tenant's trouble, and nobody else's.
bool is_of_the_tenant(const failure& why, const tenant_id& owner) {
  return !owner.is_nil() && (why.code == ec::tenant_unavailable || why.code == ec::corrupt_data);
}

bool counts_reads(const log_entry& entry) {
  return entry.parts.size() == 1 && entry.parts.front().ops.size() == 1 &&
         std::holds_alternative<count_reads_op>(entry.parts.front().ops.front());
}
}  // namespace

result<write_outcome> state_machine::apply_apart(transaction& tx, log_index index, const log_entry& entry) {
  tx.begin_entry();
  const auto run = [&]() -> result<write_outcome> {
    auto place = tx.place(entry.owner);
    if (!place) return place.error();
    // Reads are counted for many tenants: each says for itself whether it has them.
    if (index <= (*place)->applied && !counts_reads(entry)) {
      if (auto account = tx.tenant(entry.owner); !account) return account.error();
      return refused_entry(ec::conflict, "Entry was applied before");
    }
    auto outcome = apply_one(tx, index, entry);
    if (outcome) (*place)->written = true;
    return outcome;
  };
  auto outcome = run();
  if (outcome || !is_of_the_tenant(outcome.error(), entry.owner)) return outcome;
  tx.roll_back_entry();
  collections_.clear();
  kv_.keep_out(entry.owner);
  return unavailable();
}

result<bool> state_machine::may_count(transaction& tx, const tenant_id& tenant) {
  if (!kv_.has_tenant_databases()) return true;
  auto place = tx.place(tenant);
  auto account = place ? tx.tenant(tenant) : result<tenant_record*>(place.error());
  if (!account) {
    if (!is_of_the_tenant(account.error(), tenant)) return account.error();
    kv_.keep_out(tenant);
    return false;
  }
  if (tx.index <= (*place)->applied) return false;
  return (*place)->written = true;
}

result<void> state_machine::write_apart(transaction& tx, const std::vector<tenant_id>& owners, log_index last,
                                        applied_batch& done) {
  auto parts = tx.overlay.by_database();
  std::vector<tenant_id> lost;
  for (auto& [owner, part] : parts.own) {
    part.put(meta, tenant_keyspace::of_verified_owner(owner).applied_record(), tenant_keyspace::be64(last.value));
    const auto written = kv_.write(part, kv_sync::no);
    if (!written && written.error().code != ec::tenant_unavailable) return written;
    if (!written) lost.push_back(owner);
  }
  forget_lost(lost, owners, done);
  tx.totals = totals_;
  for (const auto& [owner, account] : done.accounts) {
    const auto& counted = tx.tenant_places[owner].counted;
    tx.totals.collections += account.now.collections - counted.collections;
    tx.totals.points += account.now.points - counted.points;
    if (!owner.is_nil()) parts.shared.put(meta, tenant_route::mirror_key(owner), encode_tenant(account));
  }
  const auto held = std::max(shared_applied_, last);
  parts.shared.put(meta, group_keys::applied(group_), tenant_keyspace::be64(held.value));
  parts.shared.put(meta, group_keys::totals(group_), group_keys::encode(tx.totals));
  if (auto written = kv_.write(parts.shared, kv_sync::no); !written) return written;
  shared_applied_ = held;
  return {};
}

void state_machine::forget_lost(const std::vector<tenant_id>& lost, const std::vector<tenant_id>& owners,
                                applied_batch& done) {
  if (lost.empty()) return;
  const auto is_lost = [&lost](const tenant_id& owner) { return std::find(lost.begin(), lost.end(), owner) != lost.end(); };
  for (std::size_t i = 0; i < owners.size(); ++i)
    if (is_lost(owners[i])) done.outcomes[i] = unavailable();
  std::erase_if(done.shards, [&](const shard_delta& d) { return is_lost(d.key.owner); });
  std::erase_if(done.catalog, [&](const catalog_change& c) { return is_lost(c.record.owner); });
  std::erase_if(done.accounts, [&](const account_change& a) { return is_lost(a.owner); });
  collections_.clear();
  for (const auto& owner : lost) kv_.keep_out(owner);
}

result<void> state_machine::make_durable(kv_store& kv, group_id group, log_index upto) {
  if (!kv.has_tenant_databases()) return {};
  if (auto synced = kv.sync_tenants(); !synced) return synced;
  std::string value;
  const auto key = group_keys::durable(group);
  const auto found = kv.get(meta, key, value);
  if (!found) return found.error();
  if (*found && tenant_keyspace::read_be64(value) >= upto.value) return {};
  kv_batch batch;
  batch.put(meta, key, tenant_keyspace::be64(upto.value));
  return kv.write(batch, kv_sync::no);
}

}  // namespace waggle
