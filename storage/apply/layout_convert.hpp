#pragma once
// Brings a stopped node's data from one layout to the other, tenant by tenant: copy, compare every key with its copy, then
// one synced batch that makes the copy the original, then the old one goes. Killed anywhere, it is repeated and goes on with
// the tenants that are left; a node doesn't start meanwhile.
#include <functional>

#include "storage/apply/layout.hpp"

namespace waggle {

struct conversion {
  std::uint64_t tenants = 0;  ///< by this run
  std::uint64_t keys = 0;
  bool was_so = false;  ///< nothing to do
};

/// After each tenant.
using conversion_step = std::function<void(const tenant_id& owner, std::uint64_t keys)>;

/// not_found: no store there. conflict: another conversion is unfinished, or the node was not stopped in order.
/// corrupt_data: a copy is not like its original; the original stays.
result<conversion> convert_layout(const std::filesystem::path& data_dir, group_id group, tenant_layout to,
                                  const conversion_step& step);

}  // namespace waggle
