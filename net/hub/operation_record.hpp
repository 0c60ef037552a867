#pragma once
// What HiveHub is told of a tenant's request when hub.logs.enabled (contract hub.md §1): names, times and the outcome. Nothing of
// what was sent or answered. Pure; any thread.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/ids.hpp"

namespace waggle {

struct operation_record {
  std::string id;
  tenant_id tenant;
  std::string_view operation;  ///< function name; static storage, as the next one
  std::string_view type;       ///< read, write, delete, admin
  std::string collection;      ///< the tenant's own; "": none
  std::int64_t unix_ms = 0;    ///< when it was answered
  std::int64_t duration_ms = 0;
  std::string_view error;      ///< a code of the contract, static storage; "": it succeeded
};

/// "vec-" and 16 hex digits, the same for one node and data directory.
std::string service_id_of(std::string_view cluster_id, std::string_view node_id);
/// The body of ship_logs.
std::string ship_logs_request(std::string_view service_id, std::span<const operation_record> records);

}  // namespace waggle
