#include "storage/apply/records.hpp"

#include "base/codec.hpp"
#include "base/names.hpp"
#include "base/uuid.hpp"
#include "storage/log/entry_codec.hpp"

namespace waggle {
namespace {
constexpr std::uint8_t version = 1;
constexpr std::uint8_t collection_version = 2;

failure corrupt(const char* what) {
  failure f(ec::corrupt_data);
  f.log_text = std::string("record: ") + what;
  return f;
}

using uuid_bytes = std::array<std::uint8_t, 16>;
void put(byte_writer& w, const uuid_bytes& id) { w.raw({reinterpret_cast<const char*>(id.data()), id.size()}); }
uuid_bytes get_uuid(byte_reader& r) {
  uuid_bytes id{};
  if (const auto bytes = r.raw(id.size()); bytes.size() == id.size()) std::memcpy(id.data(), bytes.data(), id.size());
  return id;
}
}  // namespace

std::uint64_t logical_bytes(const point& p) {
  return 4 * p.vector.size() + p.id.str().size() + p.payload.size() + 8 * p.sparse.indices.size();
}

std::array<std::uint8_t, 16> collection_uuid(const tenant_id& owner, std::string_view name) {
  static const auto name_space = [] {
    uuid_bytes id{};
    (void)parse_uuid("7f5ac640-3dfe-4e1a-9d82-d82d4ea75501", id);
    return id;
  }();
  return uuid_v5(name_space, canonical_name(owner, name));
}

std::string encode_point(seq_no seq, const point& p) {
  std::string out;
  out.reserve(32 + p.vector.size() * 4 + p.payload.size() + p.sparse.indices.size() * 8);
  byte_writer w(out);
  w.fixed(version);
  w.fixed(seq.value);
  w.fixed(static_cast<std::uint8_t>(p.id.integer()));
  w.floats(p.vector);
  w.text(p.payload);
  w.varint(p.sparse.indices.size());
  for (const auto i : p.sparse.indices) w.fixed(i);
  for (const auto v : p.sparse.values) w.fixed(v);
  return out;
}

result<point_record> decode_point(std::string_view id, std::string_view bytes) {
  byte_reader r(bytes);
  if (r.fixed<std::uint8_t>() != version) return corrupt("point version");
  point_record record;
  record.seq = seq_no(r.fixed<std::uint64_t>());
  record.data.id = point_id::trusted(std::string(id), r.fixed<std::uint8_t>() != 0);
  r.floats(record.data.vector);
  record.data.payload = r.text();
  const auto n = r.varint();
  if (n > r.left() / 8) return corrupt("point sparse vector");
  for (std::uint64_t i = 0; i < n; ++i) record.data.sparse.indices.push_back(r.fixed<std::uint32_t>());
  for (std::uint64_t i = 0; i < n; ++i) record.data.sparse.values.push_back(r.fixed<float>());
  if (!r.done()) return corrupt("point");
  return record;
}

std::string encode_collection(const collection_record& record) {
  std::string out;
  byte_writer w(out);
  w.fixed(collection_version);
  w.raw({reinterpret_cast<const char*>(record.owner.bytes.data()), 16});
  w.fixed(record.id.value);
  encode_config(out, record.config);
  w.fixed(record.created_ms);
  w.fixed(record.updated_ms);
  put(w, record.uuid);
  return out;
}

result<collection_record> decode_collection(std::string_view bytes) {
  byte_reader r(bytes);
  const auto found = r.fixed<std::uint8_t>();
  if (found != 1 && found != collection_version) return corrupt("collection version");
  collection_record record;
  if (const auto owner = r.raw(16); owner.size() == 16) std::memcpy(record.owner.bytes.data(), owner.data(), 16);
  record.id = collection_id(r.fixed<std::uint64_t>());
  record.config = decode_config(r);
  record.created_ms = r.fixed<std::int64_t>();
  record.updated_ms = r.fixed<std::int64_t>();
  record.uuid = found == 1 ? collection_uuid(record.owner, record.config.name) : get_uuid(r);
  if (!r.done()) return corrupt("collection");
  return record;
}

std::string encode_counters(const shard_counters& c) {
  std::string out;
  byte_writer w(out);
  w.fixed(version);
  for (const auto v : {c.last_seq.value, c.points, c.documents, c.bytes, c.payload_bytes}) w.fixed(v);
  return out;
}

result<shard_counters> decode_counters(std::string_view bytes) {
  byte_reader r(bytes);
  if (r.fixed<std::uint8_t>() != version) return corrupt("counters version");
  shard_counters c;
  c.last_seq = seq_no(r.fixed<std::uint64_t>());
  c.points = r.fixed<std::uint64_t>();
  c.documents = r.fixed<std::uint64_t>();
  c.bytes = r.fixed<std::uint64_t>();
  c.payload_bytes = r.fixed<std::uint64_t>();
  if (!r.done()) return corrupt("counters");
  return c;
}

namespace {
constexpr std::uint8_t tenant_version = 3;

template <class Counters, class Each>
void each_counter(Counters& u, std::uint8_t record_version, Each each) {
  for (auto* v : {&u.vectors_inserted, &u.vectors_deleted, &u.storage_added, &u.storage_freed, &u.search_count,
                  &u.collections_created, &u.collections_deleted, &u.api_requests})
    each(*v);
  if (record_version >= 3)
    for (auto* v : {&u.cpu_us, &u.bytes_in, &u.bytes_out}) each(*v);
}
void put(byte_writer& w, const usage_mark& m) {
  w.varint(m.position);
  w.fixed(m.time_ms);
  each_counter(m.total, tenant_version, [&](std::uint64_t v) { w.varint(v); });
  for (const auto v : {m.collections, m.points, m.bytes}) w.varint(v);
}
usage_mark get_mark(byte_reader& r, std::uint8_t record_version) {
  usage_mark m;
  m.position = r.varint();
  m.time_ms = r.fixed<std::int64_t>();
  each_counter(m.total, record_version, [&](std::uint64_t& v) { v = r.varint(); });
  for (auto* v : {&m.collections, &m.points, &m.bytes}) *v = r.varint();
  return m;
}
}  // namespace

std::string encode_tenant(const tenant_record& record) {
  std::string out;
  byte_writer w(out);
  w.fixed(tenant_version);
  w.fixed(record.last_collection.value);
  put(w, record.now);
  w.fixed(record.month);
  w.varint(record.month_requests);
  encode_limits(w, record.limits);
  put(w, record.reported);
  w.fixed(static_cast<std::uint8_t>(record.reporting.has_value()));
  if (record.reporting) put(w, *record.reporting);
  return out;
}

result<decoded_tenant> decode_tenant(std::string_view bytes) {
  byte_reader r(bytes);
  const auto found = r.fixed<std::uint8_t>();
  if (found < 1 || found > tenant_version) return corrupt("tenant version");
  decoded_tenant out;
  auto& record = out.record;
  record.last_collection = collection_id(r.fixed<std::uint64_t>());
  if (found == 1) {
    record.now.collections = r.fixed<std::uint64_t>();
    out.complete = false;
  } else {
    record.now = get_mark(r, found);
    record.month = r.fixed<std::uint32_t>();
    record.month_requests = r.varint();
    record.limits = found == 2 ? decode_limits_alone(r) : decode_limits(r);
    if (found == 2) record.limits.said_ms = r.fixed<std::int64_t>();
    record.reported = get_mark(r, found);
    if (r.fixed<std::uint8_t>() != 0) record.reporting = get_mark(r, found);
  }
  if (!r.done()) return corrupt("tenant");
  return out;
}

std::string encode_reported(const reported_collections& list) {
  std::string out;
  byte_writer w(out);
  w.fixed(version);
  w.varint(list.size());
  for (const auto& one : list) {
    put(w, one.uuid);
    w.text(one.name);
    w.varint(one.points);
    w.varint(one.bytes);
  }
  return out;
}

result<reported_collections> decode_reported(std::string_view bytes) {
  byte_reader r(bytes);
  if (r.fixed<std::uint8_t>() != version) return corrupt("reported collections version");
  reported_collections list;
  for (auto n = r.varint(); n > 0 && r.ok(); --n) {
    reported_collection one;
    one.uuid = get_uuid(r);
    one.name = r.text();
    one.points = r.varint();
    one.bytes = r.varint();
    list.push_back(std::move(one));
  }
  if (!r.done()) return corrupt("reported collections");
  return list;
}

std::string encode_node_record(const node_record& record) {
  std::string out;
  byte_writer w(out);
  w.fixed(version);
  w.fixed(record.version);
  w.text(record.value);
  return out;
}

result<node_record> decode_node_record(std::string_view bytes) {
  byte_reader r(bytes);
  if (r.fixed<std::uint8_t>() != version) return corrupt("node record version");
  node_record record;
  record.version = r.fixed<std::uint64_t>();
  record.value = r.text();
  if (!r.done()) return corrupt("node record");
  return record;
}

std::string encode_snapshot(const snapshot_record& record) {
  std::string out;
  byte_writer w(out);
  w.fixed(version);
  w.fixed(record.created_ms);
  w.fixed(record.points);
  w.fixed(record.bytes);
  return out;
}

result<snapshot_record> decode_snapshot(std::string_view id, std::string_view bytes) {
  byte_reader r(bytes);
  if (r.fixed<std::uint8_t>() != version) return corrupt("snapshot version");
  snapshot_record record;
  record.id = id;
  record.created_ms = r.fixed<std::int64_t>();
  record.points = r.fixed<std::uint64_t>();
  record.bytes = r.fixed<std::uint64_t>();
  if (!r.done()) return corrupt("snapshot");
  return record;
}

std::string encode_outcome(const write_outcome& o, std::uint64_t fingerprint) {
  std::string out;
  byte_writer w(out);
  w.fixed(version);
  w.fixed(fingerprint);
  w.fixed(o.index.value);
  w.varint(static_cast<std::uint64_t>(o.code));
  w.text(o.message);
  for (const auto v : {o.inserted, o.updated, o.deleted, o.bytes_added, o.bytes_freed}) w.varint(v);
  w.varint(o.items.size());
  for (const auto& item : o.items) {
    w.varint(static_cast<std::uint64_t>(item.code));
    w.varint(item.seq.value);
    w.fixed(static_cast<std::uint8_t>(item.created));
  }
  w.varint(o.ids.size());
  for (const auto& id : o.ids) w.text(id);
  w.fixed(static_cast<std::uint8_t>(o.collection.has_value()));
  if (o.collection) w.text(encode_collection(*o.collection));
  return out;
}

result<remembered_outcome> decode_outcome(std::string_view bytes) {
  byte_reader r(bytes);
  if (r.fixed<std::uint8_t>() != version) return corrupt("outcome version");
  remembered_outcome found;
  found.fingerprint = r.fixed<std::uint64_t>();
  auto& o = found.outcome;
  o.index = log_index(r.fixed<std::uint64_t>());
  const auto code = [&] {
    const auto v = r.varint();
    return v < static_cast<std::uint64_t>(ec::count_) ? static_cast<ec>(v) : ec::internal_error;
  };
  o.code = code();
  o.message = r.text();
  for (auto* v : {&o.inserted, &o.updated, &o.deleted, &o.bytes_added, &o.bytes_freed}) *v = r.varint();
  for (auto n = r.varint(); n > 0 && r.ok(); --n) {
    item_outcome item;
    item.code = code();
    item.seq = seq_no(r.varint());
    item.created = r.fixed<std::uint8_t>() != 0;
    o.items.push_back(item);
  }
  for (auto n = r.varint(); n > 0 && r.ok(); --n) o.ids.emplace_back(r.text());
  if (r.fixed<std::uint8_t>() != 0) {
    auto record = decode_collection(r.text());
    if (!record) return record.error();
    o.collection = std::move(*record);
  }
  o.repeated = true;
  if (!r.done()) return corrupt("outcome");
  return found;
}

}  // namespace waggle
