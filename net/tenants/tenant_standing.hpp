#pragma once
// What the node's operators and HiveHub have decided about one tenant, apart from its data, and its JSON
// (docs/formats/tenant-standings.md). A tenant without a record is active and has no limits of its own. Pure; any thread.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "net/usage/tenant_limits.hpp"

namespace waggle {

inline constexpr std::string_view standings_space = "tenants";  ///< node records by tenant id

enum class tenant_state : std::uint8_t { active, suspended, deleting, deleted };
std::string_view name_of(tenant_state state);

/// Limits that an operator has set: the lower of these and the hub's holds. Absent, or 0 for rates: not limited here.
struct limits_override {
  quota_limits quota;
  rate_limits rates;
  std::int64_t expires_ms = 0;  ///< 0: never
};

/// What went with a tenant.
struct erased_amounts {
  std::uint64_t collections = 0;
  std::uint64_t vectors = 0;
  std::uint64_t bytes = 0;  ///< logical
};

struct tenant_standing {
  tenant_state state = tenant_state::active;
  std::int64_t since_ms = 0;
  std::int64_t delete_at_ms = 0;  ///< when it becomes `deleting`; 0: not at all
  std::optional<limits_override> limits;
  std::uint64_t deletions = 0;  ///< finished ones: the tenant's generation
  erased_amounts erased;        ///< by the one that goes on, or the last
  std::string receipt;          ///< of the last one
};
std::string encode_standing(const tenant_standing& standing);
/// ec::corrupt_data.
result<tenant_standing> decode_standing(std::string_view json);

}  // namespace waggle
