// The state machine's operations on collections.
#include <map>

#include "storage/apply/account.hpp"
#include "storage/apply/runner.hpp"

namespace waggle {
namespace {
constexpr auto meta = kv_family::meta;
}

result<void> state_machine::runner::name_taken(const std::string& name, bool& taken) {
  auto holder = tx_.overlay.get(meta, keys_.name_record(name));
  if (!holder) return holder.error();
  taken = holder->has_value();
  return {};
}

void state_machine::runner::put_collection(collection_record record) {
  const auto key = keys_.collection_record(record.id);
  tx_.overlay.put(meta, key, encode_collection(record));
  machine_.collections_.erase(key);
  tx_.catalog.push_back({record, false});
  out_.collection = std::move(record);
}

result<void> state_machine::runner::operator()(const create_collection_op& op) {
  bool taken = false;
  if (auto read = name_taken(op.config.name, taken); !read) return read;
  if (taken) return refuse(ec::collection_already_exists);
  auto& account = tenant_->now;
  if (entry_.limits.no_growth) {
    refuse_growth(quota_type::collection_count, account.collections, account.collections, 1);
    return {};
  }
  if (entry_.limits.collections && account.collections >= *entry_.limits.collections) {
    refuse_growth(quota_type::collection_count, *entry_.limits.collections, account.collections, 1);
    return {};
  }
  const auto id = collection_id(++tenant_->last_collection.value);
  ++account.collections;
  ++account.total.collections_created;
  ++tx_.totals.collections;
  tx_.overlay.put(meta, keys_.name_record(op.config.name), tenant_keyspace::be64(id.value));
  const auto uuid = collection_uuid(entry_.owner, op.config.name);
  put_collection({entry_.owner, id, op.config, entry_.time_ms, entry_.time_ms, uuid});
  return {};
}

result<void> state_machine::runner::operator()(const update_collection_op& op) {
  collection_record record = *collection_;
  if (op.description) record.config.description = *op.description;
  if (op.ef_search) record.config.hnsw.ef_search = *op.ef_search;
  if (op.replication_factor) record.config.replication_factor = *op.replication_factor;
  record.updated_ms = entry_.time_ms;
  put_collection(std::move(record));
  return {};
}

result<void> state_machine::runner::operator()(const rename_collection_op& op) {
  bool taken = false;
  if (auto read = name_taken(op.new_name, taken); !read) return read;
  if (taken) return refuse(ec::collection_already_exists);
  collection_record record = *collection_;
  tx_.overlay.erase(meta, keys_.name_record(record.config.name));
  tx_.overlay.put(meta, keys_.name_record(op.new_name), tenant_keyspace::be64(record.id.value));
  record.config.name = op.new_name;
  record.updated_ms = entry_.time_ms;
  put_collection(std::move(record));
  return {};
}

result<void> state_machine::runner::operator()(const delete_collection_op& op) {
  if (auto dropped = drop_collection(collection_, op.only_empty); !dropped || out_.code != ec::ok) return dropped;
  out_.collection = *collection_;
  return {};
}

result<void> state_machine::runner::drop_collection(const std::shared_ptr<const collection_record>& record,
                                                    bool only_empty) {
  for (std::uint32_t s = 0; s < record->config.shard_count; ++s) {
    // Counts come from this batch's writer if it has one: its changes are not in the store yet.
    auto writer = tx_.shard(record, shard_id(s));
    if (!writer) return writer.error();
    auto kept = snapshot_bytes(tx_.overlay, keys_, record->id, shard_id(s));
    if (!kept) return kept.error();
    out_.deleted += (*writer)->counters().points;
    out_.bytes_freed += (*writer)->counters().bytes + *kept;
  }
  if (only_empty && out_.deleted > 0) return refuse(ec::conflict, "The collection is not empty");
  for (std::uint32_t s = 0; s < record->config.shard_count; ++s) {
    tx_.shards.erase({record->owner, record->id, shard_id(s)});
    const auto [begin, end] = keys_.range(record->id, shard_id(s), 'z');
    tx_.overlay.erase_range(meta, begin, end);
  }
  const auto [begin, end] = keys_.collection_range(record->id);
  tx_.overlay.erase_range(kv_family::points, begin, end);
  tx_.overlay.erase(meta, keys_.name_record(record->config.name));
  tx_.overlay.erase(meta, keys_.collection_record(record->id));
  if (tenant_->now.collections > 0) --tenant_->now.collections;
  ++tenant_->now.total.collections_deleted;
  if (tx_.totals.collections > 0) --tx_.totals.collections;
  machine_.collections_.erase(keys_.collection_record(record->id));
  tx_.catalog.push_back({*record, true});
  return {};
}

result<void> state_machine::runner::operator()(const erase_tenant_op&) {
  // The nil tenant's keys hold the node's own records, too.
  if (entry_.owner.is_nil()) return refuse(ec::tenant_not_found);
  auto collections = collections_of(tx_.overlay, keys_);
  if (!collections) return collections.error();
  for (auto& record : *collections)
    if (auto dropped = drop_collection(std::make_shared<const collection_record>(std::move(record)), false); !dropped)
      return dropped;
  // HiveHub still has to hear that they hold nothing: their ids stay, their names don't.
  std::map<std::string, std::string> kept;
  for (const auto& key : {keys_.reported_record(false), keys_.reported_record(true)}) {
    auto bytes = tx_.overlay.get(meta, key);
    if (!bytes) return bytes.error();
    if (!*bytes) continue;
    auto list = decode_reported(**bytes);
    if (!list) return list.error();
    for (auto& one : *list) one.name.clear();
    kept[key] = encode_reported(*list);
  }
  // What no collection leads to: requests remembered, and whatever a fault may have left. The account is written after this.
  const auto [begin, end] = keys_.owner_range();
  tx_.overlay.erase_range(kv_family::points, begin, end);
  tx_.overlay.erase_range(meta, begin, end);
  for (auto& [key, bytes] : kept) tx_.overlay.put(meta, key, std::move(bytes));
  tenant_->limits = {};
  return {};
}

}  // namespace waggle
