#include "net/rest/tenant_services.hpp"

#include "net/identity/authenticator.hpp"
#include "net/rest/handler.hpp"

namespace waggle::rest {

result<tenant_id> read_tenant_id(std::string_view text) {
  tenant_id tenant;
  if (!parse_uuid(text, tenant.bytes) || tenant.is_nil()) return failure(ec::invalid_user_id);
  return tenant;
}

std::string_view state_name(handler_context& c, const tenant_id& tenant, bool awake, std::uint64_t collections) {
  const auto state = c.tenants.keeper.standings().state_of(tenant);
  if (state == tenant_state::deleting) return "deleting";
  if (state == tenant_state::suspended || c.door.suspended(tenant)) return "suspended";
  if (state == tenant_state::deleted && collections == 0) return "deleted";
  return awake ? "active" : "hibernated";
}

boost::asio::awaitable<std::string_view> state_of_tenant(handler_context& c, tenant_id tenant) {
  std::vector<tenant_id> one{tenant};
  const auto awake = co_await c.tenants.keeper.awake(std::move(one));
  const auto account = co_await c.tenants.roll.account(tenant);
  const bool has_some = account && *account && (*account)->now.collections > 0;
  co_return state_name(c, tenant, awake && awake->front(), has_some ? 1 : 0);
}

}  // namespace waggle::rest
