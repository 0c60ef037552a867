#pragma once
// How tenants lie on the disk: together in the shared database, or apart, each in its own. A store is one or the other; what
// it is stands in its shared database (absent: together), so that no node reads it in the wrong way. Blocking.
#include "storage/kv/kv_store.hpp"

namespace waggle {

enum class tenant_layout { together, apart };

/// Where a node keeps its shared database.
std::filesystem::path shared_directory(const std::filesystem::path& data_dir);

/// Before anything else is done with a store that was opened for `wanted`: an empty one becomes it, another layout is
/// `conflict` with what to do.
result<void> adopt_layout(kv_store& kv, group_id group, tenant_layout wanted);

/// Opens the store of a stopped node as it lies there. not_found when there is none; conflict in the middle of a conversion.
result<std::unique_ptr<kv_store>> open_as_it_lies(const std::filesystem::path& data_dir);

}  // namespace waggle
