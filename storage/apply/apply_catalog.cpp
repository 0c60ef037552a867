// The state machine's collection operations.
#include "storage/apply/transaction.hpp"

namespace waggle {
namespace {
constexpr auto meta = kv_family::meta;

result<tenant_record> read_tenant(const write_overlay& overlay, const tenant_keyspace& keys) {
  auto bytes = overlay.get(meta, keys.tenant_record());
  if (!bytes) return bytes.error();
  if (!*bytes) return tenant_record{};
  return decode_tenant(**bytes);
}

void refuse(write_outcome& out, ec code) {
  out.code = code;
  out.message = info(code).text;
}
}  // namespace

result<void> state_machine::create_collection(transaction& tx, const log_entry& e, const create_collection_op& op,
                                              write_outcome& out) {
  const auto keys = tenant_keyspace::of_verified_owner(e.owner);
  auto taken = tx.overlay.get(meta, keys.name_record(op.config.name));
  if (!taken) return taken.error();
  if (*taken) {
    refuse(out, ec::collection_already_exists);
    return {};
  }
  auto tenant = read_tenant(tx.overlay, keys);
  if (!tenant) return tenant.error();
  ++tenant->last_collection.value;
  ++tenant->collections;
  ++tx.totals.collections;
  collection_record record{e.owner, tenant->last_collection, op.config, e.time_ms, e.time_ms};
  tx.overlay.put(meta, keys.tenant_record(), encode_tenant(*tenant));
  tx.overlay.put(meta, keys.name_record(op.config.name), tenant_keyspace::be64(record.id.value));
  tx.overlay.put(meta, keys.collection_record(record.id), encode_collection(record));
  tx.catalog.push_back({record, false});
  out.collection = std::move(record);
  return {};
}

result<void> state_machine::update_collection(transaction& tx, const log_entry& e, const update_collection_op& op,
                                              write_outcome& out) {
  auto found = find_collection(tx, e.owner, e.collection);
  if (!found) return found.error();
  collection_record record = **found;
  if (op.description) record.config.description = *op.description;
  if (op.ef_search) record.config.hnsw.ef_search = *op.ef_search;
  if (op.replication_factor) record.config.replication_factor = *op.replication_factor;
  record.updated_ms = e.time_ms;
  const auto key = tenant_keyspace::of_verified_owner(e.owner).collection_record(record.id);
  tx.overlay.put(meta, key, encode_collection(record));
  collections_.erase(key);
  tx.catalog.push_back({record, false});
  out.collection = std::move(record);
  return {};
}

result<void> state_machine::rename_collection(transaction& tx, const log_entry& e, const rename_collection_op& op,
                                              write_outcome& out) {
  auto found = find_collection(tx, e.owner, e.collection);
  if (!found) return found.error();
  const auto keys = tenant_keyspace::of_verified_owner(e.owner);
  auto taken = tx.overlay.get(meta, keys.name_record(op.new_name));
  if (!taken) return taken.error();
  if (*taken) {
    refuse(out, ec::collection_already_exists);
    return {};
  }
  collection_record record = **found;
  tx.overlay.erase(meta, keys.name_record(record.config.name));
  record.config.name = op.new_name;
  record.updated_ms = e.time_ms;
  tx.overlay.put(meta, keys.name_record(op.new_name), tenant_keyspace::be64(record.id.value));
  tx.overlay.put(meta, keys.collection_record(record.id), encode_collection(record));
  collections_.erase(keys.collection_record(record.id));
  tx.catalog.push_back({record, false});
  out.collection = std::move(record);
  return {};
}

result<void> state_machine::delete_collection(transaction& tx, const log_entry& e, const delete_collection_op& op,
                                              write_outcome& out) {
  auto found = find_collection(tx, e.owner, e.collection);
  if (!found) return found.error();
  const collection_record record = **found;
  const auto keys = tenant_keyspace::of_verified_owner(e.owner);
  for (std::uint32_t s = 0; s < record.config.shard_count; ++s) {
    // Counts come from this batch's writer if it has one: its changes are not in the store yet.
    auto writer = tx.shard(*found, shard_id(s));
    if (!writer) return writer.error();
    out.deleted += (*writer)->counters().points;
    out.bytes_freed += (*writer)->counters().bytes;
  }
  if (op.only_empty && out.deleted > 0) {
    out = {};
    out.code = ec::conflict;
    out.message = "The collection is not empty";
    return {};
  }
  for (std::uint32_t s = 0; s < record.config.shard_count; ++s) {
    tx.shards.erase({record.owner, record.id, shard_id(s)});
    const auto [begin, end] = keys.range(record.id, shard_id(s), 'z');
    tx.overlay.erase_range(meta, begin, end);
  }
  const auto [begin, end] = keys.collection_range(record.id);
  tx.overlay.erase_range(kv_family::points, begin, end);
  tx.overlay.erase(meta, keys.name_record(record.config.name));
  tx.overlay.erase(meta, keys.collection_record(record.id));
  auto tenant = read_tenant(tx.overlay, keys);
  if (!tenant) return tenant.error();
  if (tenant->collections > 0) --tenant->collections;
  if (tx.totals.collections > 0) --tx.totals.collections;
  tx.overlay.put(meta, keys.tenant_record(), encode_tenant(*tenant));
  collections_.erase(keys.collection_record(record.id));
  tx.catalog.push_back({record, true});
  out.collection = record;
  return {};
}

}  // namespace waggle
