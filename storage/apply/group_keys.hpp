#pragma once
// Keys of a replication group itself, in family `meta` of the shared database, and what stands under them. They stand behind
// every tenant: sixteen 0xff bytes are no UUID (storage/kv/tenant_route has keys there, too). Pure; any thread.
#include <string>

#include "storage/apply/keyspace.hpp"
#include "storage/apply/state_machine.hpp"

namespace waggle {

namespace group_keys {

inline std::string key(char kind, group_id group) {
  std::string key(16, '\xff');
  key += kind;
  for (int shift = 24; shift >= 0; shift -= 8) key += static_cast<char>(group.value >> shift);
  return key;
}
/// Log index (be64) up to which entries have been applied.
inline std::string applied(group_id group) { return key('A', group); }
/// Log index (be64) up to which every tenant's database holds them durably.
inline std::string durable(group_id group) { return key('S', group); }
inline std::string totals(group_id group) { return key('G', group); }
/// Key of the outcome that is remembered of the entry at `index`.
inline std::string window(group_id group, log_index index) { return key('E', group) + tenant_keyspace::be64(index.value); }
/// How tenants lie on the disk: layout.cpp.
inline std::string layout() { return std::string(16, '\xff') + 'L'; }

inline std::string encode(const group_totals& totals) {
  return tenant_keyspace::be64(totals.collections) + tenant_keyspace::be64(totals.points);
}

}  // namespace group_keys

inline write_outcome refused_entry(ec code, std::string message) {
  write_outcome out;
  out.code = code;
  out.message = std::move(message);
  return out;
}

}  // namespace waggle
