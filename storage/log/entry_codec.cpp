#include "storage/log/entry_codec.hpp"

#include <lz4.h>

#include "base/checksum.hpp"
#include "base/codec.hpp"
#include "base/limits.hpp"

namespace waggle {
namespace {
constexpr std::uint8_t format_version = 3;
constexpr std::uint8_t format_version_oldest = 1;
constexpr std::uint8_t flag_lz4 = 1;
constexpr std::size_t compress_bytes_min = 256;

template <class Tag>
void put(byte_writer& w, const bytes16<Tag>& id) {
  w.raw({reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()});
}
template <class Id>
Id get_bytes16(byte_reader& r) {
  Id id;
  const auto bytes = r.raw(id.bytes.size());
  if (bytes.size() == id.bytes.size()) std::memcpy(id.bytes.data(), bytes.data(), bytes.size());
  return id;
}

// A list's count is refused before memory is taken for it: every item needs at least one byte.
std::size_t get_count(byte_reader& r) {
  const auto n = r.varint();
  if (n > r.left()) {
    r.fail();
    return 0;
  }
  return n;
}

void put(byte_writer& w, const point& p) {
  w.text(p.id.str());
  w.fixed(static_cast<std::uint8_t>(p.id.integer()));
  w.floats(p.vector);
  w.text(p.payload);
  w.varint(p.sparse.indices.size());
  for (const auto index : p.sparse.indices) w.varint(index);
  for (const auto value : p.sparse.values) w.fixed(value);
}
point get_point(byte_reader& r) {
  point p;
  std::string id(r.text());
  p.id = point_id::trusted(std::move(id), r.fixed<std::uint8_t>() != 0);
  r.floats(p.vector);
  p.payload = r.text();
  const auto n = get_count(r);
  for (std::size_t i = 0; i < n && r.ok(); ++i) p.sparse.indices.push_back(static_cast<std::uint32_t>(r.varint()));
  for (std::size_t i = 0; i < n && r.ok(); ++i) p.sparse.values.push_back(r.fixed<float>());
  return p;
}
void put(byte_writer& w, const std::vector<point>& points) {
  w.varint(points.size());
  for (const auto& p : points) put(w, p);
}
std::vector<point> get_points(byte_reader& r) {
  std::vector<point> points;
  const auto n = get_count(r);
  points.reserve(n);
  for (std::size_t i = 0; i < n && r.ok(); ++i) points.push_back(get_point(r));
  return points;
}
void put(byte_writer& w, const std::vector<std::string>& list) {
  w.varint(list.size());
  for (const auto& text : list) w.text(text);
}
std::vector<std::string> get_strings(byte_reader& r) {
  std::vector<std::string> list;
  const auto n = get_count(r);
  for (std::size_t i = 0; i < n && r.ok(); ++i) list.emplace_back(r.text());
  return list;
}
void put(byte_writer& w, const std::vector<seq_no>& list) {
  w.varint(list.size());
  for (const auto seq : list) w.varint(seq.value);
}
std::vector<seq_no> get_seqs(byte_reader& r) {
  std::vector<seq_no> list;
  const auto n = get_count(r);
  for (std::size_t i = 0; i < n && r.ok(); ++i) list.emplace_back(r.varint());
  return list;
}
template <class T, class Put>
void put_optional(byte_writer& w, const std::optional<T>& v, Put put_value) {
  w.fixed(static_cast<std::uint8_t>(v.has_value()));
  if (v) put_value(*v);
}
template <class T, class Get>
std::optional<T> get_optional(byte_reader& r, Get get_value) {
  if (r.fixed<std::uint8_t>() == 0) return std::nullopt;
  return get_value();
}

// The operation's number on disk is its place in the variant; new ones go at the end.
struct op_writer {
  byte_writer& w;
  std::string& out;
  void operator()(const create_collection_op& op) { encode_config(out, op.config); }
  void operator()(const update_collection_op& op) {
    put_optional(w, op.description, [&](const std::string& v) { w.text(v); });
    put_optional(w, op.ef_search, [&](std::uint32_t v) { w.varint(v); });
    put_optional(w, op.replication_factor, [&](std::uint32_t v) { w.varint(v); });
  }
  void operator()(const delete_collection_op& op) { w.fixed(static_cast<std::uint8_t>(op.only_empty)); }
  void operator()(const rename_collection_op& op) { w.text(op.new_name); }
  void operator()(const upsert_points_op& op) { put(w, op.points); }
  void operator()(const replace_text_op& op) {
    w.text(op.parent);
    put(w, op.points);
  }
  void operator()(const delete_points_op& op) {
    put(w, op.ids);
    put(w, op.only_versions);
  }
  void operator()(const update_point_op& op) {
    w.text(op.id);
    put_optional(w, op.vector, [&](const std::vector<float>& v) { w.floats(v); });
    put_optional(w, op.payload, [&](const std::string& v) { w.text(v); });
    put_optional(w, op.if_version, [&](std::uint64_t v) { w.varint(v); });
  }
  void operator()(const patch_payloads_op& op) {
    put(w, op.ids);
    put(w, op.only_versions);
    w.text(op.patch);
  }
  void operator()(const copy_points_op& op) {
    w.varint(op.source.value);
    w.varint(op.source_shard.value);
    put(w, op.ids);
    w.fixed(static_cast<std::uint8_t>(op.remove));
  }
  void operator()(const create_snapshot_op& op) { w.text(op.snapshot); }
  void operator()(const restore_snapshot_op& op) { w.text(op.snapshot); }
  void operator()(const put_record_op& op) {
    w.text(op.space);
    w.text(op.key);
    w.text(op.value);
    put_optional(w, op.if_version, [&](std::uint64_t v) { w.varint(v); });
  }
  void operator()(const erase_record_op& op) {
    w.text(op.space);
    w.text(op.key);
  }
  void operator()(const count_reads_op& op) {
    w.varint(op.lines.size());
    for (const auto& line : op.lines) {
      put(w, line.tenant);
      for (const auto n : {line.searches, line.requests, line.cpu_us, line.bytes_in, line.bytes_out}) w.varint(n);
    }
  }
  void operator()(const begin_report_op&) {}
  void operator()(const end_report_op& op) { w.varint(op.position); }
  void operator()(const erase_tenant_op&) {}
};

update_collection_op get_update_collection(byte_reader& r) {
  update_collection_op op;
  op.description = get_optional<std::string>(r, [&] { return std::string(r.text()); });
  op.ef_search = get_optional<std::uint32_t>(r, [&] { return static_cast<std::uint32_t>(r.varint()); });
  op.replication_factor = get_optional<std::uint32_t>(r, [&] { return static_cast<std::uint32_t>(r.varint()); });
  return op;
}
update_point_op get_update_point(byte_reader& r) {
  update_point_op op;
  op.id = r.text();
  op.vector = get_optional<std::vector<float>>(r, [&] {
    std::vector<float> v;
    r.floats(v);
    return v;
  });
  op.payload = get_optional<std::string>(r, [&] { return std::string(r.text()); });
  op.if_version = get_optional<std::uint64_t>(r, [&] { return r.varint(); });
  return op;
}

put_record_op get_put_record(byte_reader& r) {
  put_record_op op;
  op.space = r.text();
  op.key = r.text();
  op.value = r.text();
  op.if_version = get_optional<std::uint64_t>(r, [&] { return r.varint(); });
  return op;
}
count_reads_op get_count_reads(byte_reader& r, std::uint8_t version) {
  count_reads_op op;
  const auto n = get_count(r);
  for (std::size_t i = 0; i < n && r.ok(); ++i) {
    count_reads_op::line line;
    line.tenant = get_bytes16<tenant_id>(r);
    for (auto* n : {&line.searches, &line.requests}) *n = r.varint();
    if (version >= 3)
      for (auto* n : {&line.cpu_us, &line.bytes_in, &line.bytes_out}) *n = r.varint();
    op.lines.push_back(line);
  }
  return op;
}

operation get_operation(byte_reader& r, std::uint8_t version) {
  switch (r.fixed<std::uint8_t>()) {
    case 0: return create_collection_op{decode_config(r)};
    case 1: return get_update_collection(r);
    case 2: return delete_collection_op{r.fixed<std::uint8_t>() != 0};
    case 3: return rename_collection_op{std::string(r.text())};
    case 4: return upsert_points_op{get_points(r)};
    case 5: {
      std::string parent(r.text());
      return replace_text_op{std::move(parent), get_points(r)};
    }
    case 6: {
      auto ids = get_strings(r);
      return delete_points_op{std::move(ids), get_seqs(r)};
    }
    case 7: return get_update_point(r);
    case 8: {
      auto ids = get_strings(r);
      auto versions = get_seqs(r);
      return patch_payloads_op{std::move(ids), std::move(versions), std::string(r.text())};
    }
    case 9: {
      copy_points_op op;
      op.source = collection_id(r.varint());
      op.source_shard = shard_id(static_cast<std::uint32_t>(r.varint()));
      op.ids = get_strings(r);
      op.remove = r.fixed<std::uint8_t>() != 0;
      return op;
    }
    case 10: return create_snapshot_op{std::string(r.text())};
    case 11: return restore_snapshot_op{std::string(r.text())};
    case 12: return get_put_record(r);
    case 13: {
      erase_record_op op;
      op.space = r.text();
      op.key = r.text();
      return op;
    }
    case 14: return get_count_reads(r, version);
    case 15: return begin_report_op{};
    case 16: return end_report_op{r.varint()};
    case 17: return erase_tenant_op{};
    default: r.fail(); return delete_collection_op{};
  }
}

failure corrupt(const char* what) {
  failure f(ec::corrupt_data);
  f.log_text = std::string("log entry: ") + what;
  return f;
}

void put_ops(byte_writer& w, std::string& out, const std::vector<operation>& ops) {
  w.varint(ops.size());
  for (const auto& op : ops) {
    w.fixed(static_cast<std::uint8_t>(op.index()));
    std::visit(op_writer{w, out}, op);
  }
}
std::vector<operation> get_ops(byte_reader& r, std::uint8_t version) {
  std::vector<operation> ops;
  const auto n = get_count(r);
  for (std::size_t i = 0; i < n && r.ok(); ++i) ops.push_back(get_operation(r, version));
  return ops;
}

struct entry_body {
  std::uint8_t version = 0;
  std::string bytes;
};
result<entry_body> body_of(std::string_view bytes) {
  byte_reader head(bytes);
  const auto version = head.fixed<std::uint8_t>();
  if (version < format_version_oldest || version > format_version) return corrupt("unknown version");
  const auto flags = head.fixed<std::uint8_t>();
  const auto size = head.fixed<std::uint32_t>();
  const auto crc = head.fixed<std::uint32_t>();
  if (!head.ok() || flags > flag_lz4 || size > limits::log_entry_bytes_max) return corrupt("bad header");
  const auto stored = head.raw(head.left());
  std::string body;
  if (flags & flag_lz4) {
    // LZ4 expands at most about 255-fold: a header that claims more lies.
    if (size / 255 > stored.size()) return corrupt("impossible size");
    body.resize(size);
    const int n = LZ4_decompress_safe(stored.data(), body.data(), static_cast<int>(stored.size()),
                                      static_cast<int>(body.size()));
    if (n < 0 || static_cast<std::uint32_t>(n) != size) return corrupt("bad LZ4 block");
  } else {
    body = stored;
  }
  if (body.size() != size || crc32c(body) != crc) return corrupt("bad checksum");
  return entry_body{version, std::move(body)};
}
}  // namespace

void encode_config(std::string& out, const collection_config& c) {
  byte_writer w(out);
  w.text(c.name);
  w.varint(c.dimension);
  w.fixed(static_cast<std::uint8_t>(c.measure));
  w.text(c.description);
  w.text(c.embedding_provider);
  w.varint(c.hnsw.m);
  w.varint(c.hnsw.ef_construction);
  w.varint(c.hnsw.ef_search);
  w.text(c.quantization);
  w.varint(c.shard_count);
  w.varint(c.replication_factor);
  w.varint(c.write_consistency_factor);
  w.fixed(static_cast<std::uint8_t>(c.graph_enabled));
}

collection_config decode_config(byte_reader& r) {
  const auto number = [&] { return static_cast<std::uint32_t>(r.varint()); };
  collection_config c;
  c.name = r.text();
  c.dimension = number();
  const auto measure = r.fixed<std::uint8_t>();
  if (measure > static_cast<std::uint8_t>(metric::dot)) r.fail();
  c.measure = static_cast<metric>(measure);
  c.description = r.text();
  c.embedding_provider = r.text();
  c.hnsw.m = number();
  c.hnsw.ef_construction = number();
  c.hnsw.ef_search = number();
  c.quantization = r.text();
  c.shard_count = number();
  c.replication_factor = number();
  c.write_consistency_factor = number();
  c.graph_enabled = r.fixed<std::uint8_t>() != 0;
  return c;
}

void encode_limits(byte_writer& w, const quota_limits& l) {
  for (const auto* limit : {&l.collections, &l.points, &l.bytes, &l.requests_per_month})
    put_optional(w, *limit, [&](std::uint64_t v) { w.varint(v); });
  w.varint(static_cast<std::uint64_t>(l.said_ms));
  w.varint(static_cast<std::uint64_t>(l.expires_ms));
  w.fixed(static_cast<std::uint8_t>(l.no_growth));
}

quota_limits decode_limits(byte_reader& r) {
  auto l = decode_limits_alone(r);
  l.said_ms = static_cast<std::int64_t>(r.varint());
  l.expires_ms = static_cast<std::int64_t>(r.varint());
  l.no_growth = r.fixed<std::uint8_t>() != 0;
  return l;
}

quota_limits decode_limits_alone(byte_reader& r) {
  quota_limits l;
  for (auto* limit : {&l.collections, &l.points, &l.bytes, &l.requests_per_month})
    *limit = get_optional<std::uint64_t>(r, [&] { return r.varint(); });
  return l;
}

std::string encode_entry(const log_entry& entry) {
  std::string body;
  byte_writer w(body);
  put(w, entry.owner);
  w.varint(entry.collection.value);
  put(w, entry.request);
  w.fixed(entry.fingerprint);
  w.fixed(entry.time_ms);
  encode_limits(w, entry.limits);
  w.varint(entry.parts.size());
  for (const auto& part : entry.parts) {
    w.varint(part.shard.value);
    put_ops(w, body, part.ops);
  }

  std::string out;
  byte_writer head(out);
  const auto write_head = [&](std::uint8_t flags) {
    head.fixed(format_version);
    head.fixed(flags);
    head.fixed(static_cast<std::uint32_t>(body.size()));
    head.fixed(crc32c(body));
  };
  if (body.size() >= compress_bytes_min) {
    std::string packed(LZ4_compressBound(static_cast<int>(body.size())), '\0');
    const int n = LZ4_compress_default(body.data(), packed.data(), static_cast<int>(body.size()),
                                       static_cast<int>(packed.size()));
    // Compression has to pay for the reader's work.
    if (n > 0 && static_cast<std::size_t>(n) < body.size() - body.size() / 16) {
      write_head(flag_lz4);
      out.append(packed, 0, static_cast<std::size_t>(n));
      return out;
    }
  }
  write_head(0);
  out += body;
  return out;
}

result<log_entry> decode_entry(std::string_view bytes) {
  auto body = body_of(bytes);
  if (!body) return body.error();
  byte_reader r(body->bytes);
  const auto get_shard = [&] { return shard_id(static_cast<std::uint32_t>(r.varint())); };
  log_entry entry;
  entry.owner = get_bytes16<tenant_id>(r);
  entry.collection = collection_id(r.varint());
  if (body->version == 1) entry.parts.push_back({get_shard(), {}});
  entry.request = get_bytes16<request_id>(r);
  entry.fingerprint = r.fixed<std::uint64_t>();
  entry.time_ms = r.fixed<std::int64_t>();
  if (body->version == 1) {
    entry.parts.front().ops = get_ops(r, body->version);
  } else {
    entry.limits = body->version == 2 ? decode_limits_alone(r) : decode_limits(r);
    // Version 2 did not tell HiveHub's word from the configuration's.
    if (body->version == 2 && entry.limits != quota_limits{}) entry.limits.said_ms = entry.time_ms;
    const auto n = get_count(r);
    for (std::size_t i = 0; i < n && r.ok(); ++i) {
      const auto shard = get_shard();
      entry.parts.push_back({shard, get_ops(r, body->version)});
    }
  }
  if (!r.done()) return corrupt("bad body");
  return entry;
}

}  // namespace waggle
