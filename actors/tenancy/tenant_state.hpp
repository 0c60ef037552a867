#pragma once
// The tenant actor and the directory of tenants. A tenant knows its catalog by heart and spawns collections on first use.
#include "actors/protocol/interfaces.hpp"
#include "actors/protocol/services.hpp"

namespace waggle {

tenant_directory_actor spawn_tenant_directory(node_services& node, replication_group_actor group);
tenant_actor spawn_tenant(node_services& node, replication_group_actor group, const tenant_id& owner);

}  // namespace waggle
