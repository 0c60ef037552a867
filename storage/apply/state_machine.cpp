#include "storage/apply/state_machine.hpp"

#include "base/codec.hpp"
#include "base/limits.hpp"
#include "storage/apply/transaction.hpp"
#include "storage/log/entry_codec.hpp"

namespace waggle {
namespace {
constexpr auto meta = kv_family::meta;

// Keys of the group itself stand behind every tenant: sixteen 0xff bytes are no UUID.
std::string group_key(char kind, group_id group) {
  std::string key(16, '\xff');
  key += kind;
  for (int shift = 24; shift >= 0; shift -= 8) key += static_cast<char>(group.value >> shift);
  return key;
}
std::string applied_key(group_id group) { return group_key('A', group); }
std::string totals_key(group_id group) { return group_key('G', group); }
std::string window_key(group_id group, log_index index) {
  return group_key('E', group) + tenant_keyspace::be64(index.value);
}

write_outcome refused(ec code, std::string message = {}) {
  write_outcome out;
  out.code = code;
  out.message = message.empty() ? std::string(info(code).text) : std::move(message);
  return out;
}
}  // namespace

result<std::unique_ptr<state_machine>> state_machine::open(kv_store& kv, group_id group) {
  std::unique_ptr<state_machine> machine(new state_machine(kv, group));
  std::string value;
  auto found = kv.get(meta, applied_key(group), value);
  if (!found) return found.error();
  if (*found) machine->applied_ = log_index(tenant_keyspace::read_be64(value));
  found = kv.get(meta, totals_key(group), value);
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
  const auto fail = [&](const failure& f) {
    collections_.clear();  // the cache may hold records of the batch that was not written
    return f;
  };
  for (const auto& committed : entries) {
    if (committed.index <= last) {
      done.outcomes.push_back(refused(ec::conflict, "Entry was applied before"));
      continue;
    }
    auto entry = decode_entry(committed.bytes);
    if (!entry) return fail(entry.error());
    auto outcome = apply_one(tx, committed.index, *entry);
    if (!outcome) return fail(outcome.error());
    outcome->index = committed.index;
    last = committed.index;
    if (!outcome->repeated && outcome->code == ec::ok) tx.totals.points += outcome->inserted - outcome->deleted;
    done.outcomes.push_back(std::move(*outcome));
  }
  for (auto& [key, writer] : tx.shards) {
    auto delta = writer.finish();
    done.shards.push_back(std::move(delta));
  }
  done.catalog = std::move(tx.catalog);
  tx.overlay.put(meta, applied_key(group_), tenant_keyspace::be64(last.value));
  tx.overlay.put(meta, totals_key(group_),
                 tenant_keyspace::be64(tx.totals.collections) + tenant_keyspace::be64(tx.totals.points));
  if (auto written = kv_.write(tx.overlay.batch(), kv_sync::no); !written) return fail(written.error());
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
        return refused(ec::conflict, "This request id was used for another request");
      return std::move(before->outcome);
    }
  }
  auto outcome = run(tx, entry);
  if (!outcome) return outcome;
  outcome->index = index;
  if (!entry.request.is_nil())
    if (auto kept = remember(tx, entry, *outcome); !kept) return kept.error();
  return outcome;
}

result<void> state_machine::remember(transaction& tx, const log_entry& entry, const write_outcome& outcome) {
  const auto keys = tenant_keyspace::of_verified_owner(entry.owner);
  const auto key = keys.request_record(entry.request);
  tx.overlay.put(meta, key, encode_outcome(outcome, entry.fingerprint));
  tx.overlay.put(meta, window_key(group_, outcome.index), key);
  // The window slides with the log: each new record pushes out those that fell behind, a few at a time.
  if (outcome.index.value <= limits::dedup_window_entries) return {};
  constexpr std::size_t forget_per_entry = 4;
  std::vector<std::pair<std::string, std::string>> old;
  const auto begin = window_key(group_, log_index{});
  const auto end = window_key(group_, log_index(outcome.index.value - limits::dedup_window_entries));
  auto scanned = kv_.scan(meta, begin, end, [&](std::string_view k, std::string_view v) {
    old.emplace_back(k, v);
    return old.size() < forget_per_entry;
  });
  if (!scanned) return scanned.error();
  for (auto& [window, record] : old) {
    tx.overlay.erase(meta, std::move(record));
    tx.overlay.erase(meta, std::move(window));
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

result<write_outcome> state_machine::run(transaction& tx, const log_entry& entry) {
  write_outcome out;
  if (entry.ops.size() == 1)
    if (const auto* create = std::get_if<create_collection_op>(&entry.ops.front())) {
      auto done = create_collection(tx, entry, *create, out);
      if (!done) return done.error();
      return out;
    }
  auto collection = find_collection(tx, entry.owner, entry.collection);
  if (!collection) return collection.error();
  if (!*collection || entry.shard.value >= (*collection)->config.shard_count) return refused(ec::collection_not_found);

  // A failed item is part of the outcome; only the store's failures stop the batch.
  for (const auto& op : entry.ops) {
    result<void> done;
    const auto on_shard = [&](auto&& act) -> result<void> {
      auto writer = tx.shard(*collection, entry.shard);
      if (!writer) return writer.error();
      return act(**writer);
    };
    const auto keep = [&](result<item_outcome> item, const std::string& id) -> result<void> {
      if (!item) return item.error();
      out.items.push_back(*item);
      if (!entry.request.is_nil()) out.ids.push_back(id);
      return {};
    };
    if (const auto* upsert = std::get_if<upsert_points_op>(&op)) {
      done = on_shard([&](shard_writer& writer) -> result<void> {
        for (const auto& p : upsert->points) {
          auto id = p.id.str();
          if (auto r = keep(writer.upsert(point(p), out), id); !r) return r;
        }
        return {};
      });
    } else if (const auto* replace = std::get_if<replace_text_op>(&op)) {
      done = on_shard([&](shard_writer& writer) -> result<void> {
        auto r = writer.replace_text(*replace, out);
        if (r && !entry.request.is_nil())
          for (const auto& p : replace->points) out.ids.push_back(p.id.str());
        return r;
      });
    } else if (const auto* erase = std::get_if<delete_points_op>(&op)) {
      done = on_shard([&](shard_writer& writer) -> result<void> {
        for (std::size_t i = 0; i < erase->ids.size(); ++i) {
          const auto only = i < erase->only_versions.size() ? erase->only_versions[i] : seq_no{};
          if (auto r = keep(writer.erase(erase->ids[i], only, out), erase->ids[i]); !r) return r;
        }
        return {};
      });
    } else if (const auto* update = std::get_if<update_point_op>(&op)) {
      done = on_shard([&](shard_writer& writer) { return keep(writer.update(*update, out), update->id); });
    } else if (const auto* patch = std::get_if<patch_payloads_op>(&op)) {
      done = on_shard([&](shard_writer& writer) -> result<void> {
        for (std::size_t i = 0; i < patch->ids.size() && i < patch->only_versions.size(); ++i)
          if (auto r = keep(writer.patch(patch->ids[i], patch->only_versions[i], patch->patch, out), patch->ids[i]); !r)
            return r;
        return {};
      });
    } else if (const auto* copy = std::get_if<copy_points_op>(&op)) {
      auto source = find_collection(tx, entry.owner, copy->source);
      if (!source) return source.error();
      if (!*source || copy->source_shard.value >= (*source)->config.shard_count)
        return refused(ec::collection_not_found);
      auto from = tx.shard(*source, copy->source_shard);
      if (!from) return from.error();
      done = on_shard([&](shard_writer& writer) -> result<void> {
        for (const auto& id : copy->ids) {
          auto found = (*from)->read(id);
          if (!found) return found.error();
          item_outcome item;
          item.code = ec::vector_not_found;
          if (*found) {
            auto written = writer.upsert(std::move((*found)->data), out);
            if (!written) return written.error();
            item = *written;
            if (item.code == ec::ok && copy->remove)
              if (auto gone = (*from)->erase(id, seq_no{}, out); !gone) return gone.error();
          }
          if (auto r = keep(item, id); !r) return r;
        }
        return {};
      });
    } else if (const auto* snapshot = std::get_if<create_snapshot_op>(&op)) {
      done = on_shard([&](shard_writer& writer) -> result<void> {
        auto made = writer.create_snapshot(snapshot->snapshot, entry.time_ms);
        if (!made) return made.error();
        out.bytes_added += made->bytes;
        return {};
      });
    } else if (const auto* restore = std::get_if<restore_snapshot_op>(&op)) {
      const auto keys = tenant_keyspace::of_verified_owner(entry.owner);
      auto known = tx.overlay.get(meta, keys.snapshot_record(entry.collection, entry.shard, restore->snapshot));
      if (!known) return known.error();
      if (!*known) return refused(ec::snapshot_not_found);
      done = on_shard([&](shard_writer& writer) { return writer.restore_snapshot(restore->snapshot, out); });
    } else if (const auto* settings = std::get_if<update_collection_op>(&op)) {
      done = update_collection(tx, entry, *settings, out);
    } else if (const auto* rename = std::get_if<rename_collection_op>(&op)) {
      done = rename_collection(tx, entry, *rename, out);
    } else if (const auto* drop = std::get_if<delete_collection_op>(&op)) {
      done = delete_collection(tx, entry, *drop, out);
    }
    if (!done) return done.error();
    if (out.code != ec::ok) return out;
  }
  return out;
}

}  // namespace waggle
