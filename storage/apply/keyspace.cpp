#include "storage/apply/keyspace.hpp"

#include <algorithm>

namespace waggle {

std::string tenant_keyspace::be64(std::uint64_t v) {
  std::string bytes(8, '\0');
  for (int i = 7; i >= 0; --i, v >>= 8) bytes[i] = static_cast<char>(v);
  return bytes;
}

std::uint64_t tenant_keyspace::read_be64(std::string_view bytes) {
  std::uint64_t v = 0;
  for (std::size_t i = 0; i < 8 && i < bytes.size(); ++i) v = v << 8 | static_cast<unsigned char>(bytes[i]);
  return v;
}

std::string tenant_keyspace::key(collection_id c, shard_id s, char kind, std::string_view rest) const {
  std::string k;
  k.reserve(prefix_bytes + rest.size());
  k.append(reinterpret_cast<const char*>(owner_.bytes.data()), owner_.bytes.size());
  for (int shift = 56; shift >= 0; shift -= 8) k += static_cast<char>(c.value >> shift);
  for (int shift = 24; shift >= 0; shift -= 8) k += static_cast<char>(s.value >> shift);
  k += kind;
  k.append(rest);
  return k;
}

std::string tenant_keyspace::snapshot_point(collection_id c, shard_id s, std::string_view snapshot,
                                            std::string_view id) const {
  std::string rest(snapshot);
  rest += '\0';
  rest += id;
  return key(c, s, 'Z', rest);
}

std::string tenant_keyspace::request_record(const request_id& r) const {
  return key(collection_id{}, shard_id{}, 'D', {reinterpret_cast<const char*>(r.bytes.data()), r.bytes.size()});
}

std::string tenant_keyspace::node_record(std::string_view space, std::string_view key) {
  std::string rest(space);
  rest += '\0';
  rest += key;
  return tenant_keyspace(tenant_id{}).key(collection_id{}, shard_id{}, 'Y', rest);
}

std::pair<std::string, std::string> tenant_keyspace::node_record_range(std::string_view space) {
  auto begin = node_record(space, {});
  auto end = after_prefix(begin);
  return {std::move(begin), std::move(end)};
}

tenant_id tenant_keyspace::owner_of(std::string_view key) {
  tenant_id owner;
  std::copy_n(key.begin(), std::min(key.size(), owner.bytes.size()), owner.bytes.begin());
  return owner;
}

std::string tenant_keyspace::after_prefix(std::string prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff) prefix.pop_back();
  if (!prefix.empty()) ++prefix.back();
  return prefix;
}

std::pair<std::string, std::string> tenant_keyspace::range(collection_id c, shard_id s, char kind,
                                                           std::string_view prefix) const {
  auto begin = key(c, s, kind, prefix);
  auto end = after_prefix(begin);
  return {std::move(begin), std::move(end)};
}

std::pair<std::string, std::string> tenant_keyspace::collection_range(collection_id c) const {
  auto begin = key(c, shard_id{}, '\0', {});
  begin.resize(16 + 8);
  auto end = after_prefix(begin);
  return {std::move(begin), std::move(end)};
}

}  // namespace waggle
