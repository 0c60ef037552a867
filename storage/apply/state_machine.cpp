#include "storage/apply/state_machine.hpp"

#include "base/codec.hpp"
#include "base/limits.hpp"
#include "storage/apply/group_keys.hpp"
#include "storage/apply/runner.hpp"
#include "storage/log/entry_codec.hpp"

namespace waggle {
namespace {
constexpr auto meta = kv_family::meta;
}  // namespace

result<std::unique_ptr<state_machine>> state_machine::open(kv_store& kv, group_id group) {
  std::unique_ptr<state_machine> machine(new state_machine(kv, group));
  std::string value;
  auto found = kv.get(meta, group_keys::applied(group), value);
  if (!found) return found.error();
  if (*found) machine->applied_ = machine->shared_applied_ = log_index(tenant_keyspace::read_be64(value));
  if (kv.has_tenant_databases()) {
    found = kv.get(meta, group_keys::durable(group), value);
    if (!found) return found.error();
    machine->applied_ = *found ? log_index(tenant_keyspace::read_be64(value)) : log_index();
  }
  found = kv.get(meta, group_keys::totals(group), value);
  if (!found) return found.error();
  if (*found && value.size() == 16)
    machine->totals_ = {tenant_keyspace::read_be64(value), tenant_keyspace::read_be64(std::string_view(value).substr(8))};
  return machine;
}

result<applied_batch> state_machine::apply(const std::vector<committed_entry>& entries) {
  transaction tx(kv_);
  applied_batch done;
  auto last = applied_;
  tx.totals = totals_;
  tx.shared_applied = shared_applied_;
  const bool apart = kv_.has_tenant_databases();
  std::vector<tenant_id> owners;
  const auto fail = [&](const failure& f) {
    collections_.clear();  // the cache may hold records of the batch that was not written
    return f;
  };
  for (const auto& committed : entries) {
    owners.emplace_back();
    if (committed.index <= last) {
      done.outcomes.push_back(refused_entry(ec::conflict, "Entry was applied before"));
      continue;
    }
    auto entry = decode_entry(committed.bytes);
    if (!entry) return fail(entry.error());
    owners.back() = entry->owner;
    auto outcome = apart ? apply_apart(tx, committed.index, *entry) : apply_one(tx, committed.index, *entry);
    if (!outcome) return fail(outcome.error());
    last = committed.index;
    if (!outcome->repeated && outcome->code == ec::ok) tx.totals.points += outcome->inserted - outcome->deleted;
    done.outcomes.push_back(std::move(*outcome));
  }
  for (auto& [key, writer] : tx.shards) {
    auto delta = writer.finish();
    done.shards.push_back(std::move(delta));
  }
  done.catalog = std::move(tx.catalog);
  done.records = std::move(tx.records);
  for (auto& [owner, account] : tx.tenants) {
    if (account.now.position == 0) continue;  // did nothing yet
    if (!apart || owner.is_nil() || tx.tenant_places[owner].written)
      tx.overlay.put(meta, tenant_keyspace::of_verified_owner(owner).tenant_record(), encode_tenant(account));
    done.accounts.push_back({owner, std::move(account)});
  }
  if (apart) {
    if (auto written = write_apart(tx, owners, last, done); !written) return fail(written.error());
  } else {
    tx.overlay.put(meta, group_keys::applied(group_), tenant_keyspace::be64(last.value));
    tx.overlay.put(meta, group_keys::totals(group_), group_keys::encode(tx.totals));
    if (auto written = kv_.write(tx.overlay.batch(), kv_sync::no); !written) return fail(written.error());
  }
  applied_ = last;
  totals_ = tx.totals;
  return done;
}

result<write_outcome> state_machine::apply_one(transaction& tx, log_index index, const log_entry& entry) {
  if (!entry.request.is_nil()) {
    const auto keys = tenant_keyspace::of_verified_owner(entry.owner);
    auto seen = tx.overlay.get(meta, keys.request_record(entry.request));
    if (!seen) return seen.error();
    if (*seen) {
      auto before = decode_outcome(**seen);
      if (!before) return before.error();
      if (before->fingerprint != entry.fingerprint)
        return refused_entry(ec::conflict, "This request id was used for another request");
      // Its own outcome is no repetition: a crash kept the shared part of the entry, and not what it did to some tenants.
      if (before->outcome.index != index) return std::move(before->outcome);
    }
  }
  tx.index = index;
  auto outcome = runner(*this, tx, entry).run();
  if (!outcome) return outcome;
  outcome->index = index;
  // What had no room may have some when it is tried again.
  if (!entry.request.is_nil() && outcome->code != ec::quota_exceeded)
    if (auto kept = remember(tx, entry, *outcome); !kept) return kept.error();
  return outcome;
}

result<void> state_machine::remember(transaction& tx, const log_entry& entry, const write_outcome& outcome) {
  const auto keys = tenant_keyspace::of_verified_owner(entry.owner);
  const auto key = keys.request_record(entry.request);
  tx.overlay.put(meta, key, encode_outcome(outcome, entry.fingerprint));
  const bool apart = kv_.has_tenant_databases() && !entry.owner.is_nil();
  const auto window = [&](log_index i) { return apart ? keys.window_record(i) : group_keys::window(group_, i); };
  tx.overlay.put(meta, window(outcome.index), key);
  // The window slides with the log: each new record pushes out those that fell behind, a few at a time.
  if (outcome.index.value <= limits::dedup_window_entries) return {};
  constexpr std::size_t forget_per_entry = 4;
  std::vector<std::pair<std::string, std::string>> old;
  const auto begin = window(log_index{});
  const auto end = window(log_index(outcome.index.value - limits::dedup_window_entries));
  auto scanned = kv_.scan(meta, begin, end, [&](std::string_view k, std::string_view v) {
    old.emplace_back(k, v);
    return old.size() < forget_per_entry;
  });
  if (!scanned) return scanned.error();
  for (auto& [place, record] : old) {
    tx.overlay.erase(meta, std::move(record));
    tx.overlay.erase(meta, std::move(place));
  }
  return {};
}

result<std::shared_ptr<const collection_record>> state_machine::find_collection(transaction& tx,
                                                                                const tenant_id& owner,
                                                                                collection_id id) {
  constexpr std::size_t cached_collections_max = 10000;
  const auto key = tenant_keyspace::of_verified_owner(owner).collection_record(id);
  if (const auto it = collections_.find(key); it != collections_.end()) return it->second;
  auto bytes = tx.overlay.get(meta, key);
  if (!bytes) return bytes.error();
  if (!*bytes) return std::shared_ptr<const collection_record>{};
  auto record = decode_collection(**bytes);
  if (!record) return record.error();
  if (record->owner != owner || record->id != id) {
    failure f(ec::corrupt_data);
    f.log_text = "collection record under another owner's key";
    return f;
  }
  if (collections_.size() >= cached_collections_max) collections_.clear();
  auto shared = std::make_shared<const collection_record>(std::move(*record));
  collections_.emplace(key, shared);
  return shared;
}

}  // namespace waggle
