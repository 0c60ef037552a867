#pragma once
// What the front end knows of tenants beside their data: limits, accounts, usage. Made by the node; members are thread-safe.
#include "actors/protocol/account_board.hpp"
#include "net/bridge/tenant_roll.hpp"
#include "net/rest/tenant_gates.hpp"
#include "net/rest/tenant_metrics.hpp"
#include "net/tenants/hub_events.hpp"
#include "net/tenants/tenant_migration.hpp"
#include "net/usage/growth_adviser.hpp"
#include "net/usage/limits_source.hpp"
#include "net/usage/operation_log.hpp"
#include "net/usage/usage_meter.hpp"
#include "net/usage/usage_writer.hpp"

namespace waggle::rest {

struct tenant_services {
  limits_source& limits;
  account_board& accounts;
  usage_meter& meter;
  usage_writer& writer;
  tenant_roll& roll;
  tenant_metrics& metrics;
  tenant_keeper& keeper;
  hub_events* events;  ///< none without HiveHub
  tenant_migration& migration;
  growth_adviser* adviser;    ///< none without hub.use_check_quota
  operation_log* operations;  ///< none without hub.logs.enabled
  tenant_gates gates = {};
};

struct handler_context;
/// INVALID_USER_ID for what is no tenant's: also for the implicit tenant's.
result<tenant_id> read_tenant_id(std::string_view text);
/// "active", "hibernated", "suspended", "deleting", "deleted": what keeps a tenant out wins over what it does.
std::string_view state_name(handler_context& c, const tenant_id& tenant, bool awake, std::uint64_t collections);
boost::asio::awaitable<std::string_view> state_of_tenant(handler_context& c, tenant_id tenant);

}  // namespace waggle::rest
