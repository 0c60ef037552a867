#pragma once
// Limits that HiveHub gives (contract hub.md §5): what it leaves out is the configuration's. When it is silent: its last word, of
// this process or, stored with the tenant, of an earlier one, and what is configured for a word that is too old; else the
// configuration's. Never unlimited by silence. Any thread.
#include "actors/protocol/account_board.hpp"
#include "net/bridge/tenant_roll.hpp"
#include "net/config/settings.hpp"
#include "net/hub/hub_client.hpp"
#include "net/usage/limits_source.hpp"

namespace waggle {

/// Each limit that HiveHub said, on top of the configured ones.
tenant_limits with_quota(tenant_limits configured, const hub_quota& said);
/// What HiveHub's word is still good for at `now_ms`: all of it until its lease ends, or without one for so long; then by rule.
tenant_limits in_force(tenant_limits said, const tenant_limits& configured, const entitlement_settings& rule,
                       std::int64_t now_ms);

class hub_limits final : public limits_source {
 public:
  hub_limits(hub_client& hub, default_limits& configured, account_board& accounts, tenant_roll& roll,
             const clock& time, const hub_settings& config)
      : hub_(hub), configured_(configured), accounts_(accounts), roll_(roll), time_(time), rule_(config.entitlement) {}
  std::optional<tenant_limits> known(const tenant_id& tenant) override;
  boost::asio::awaitable<tenant_limits> find(const tenant_id& tenant) override;

 private:
  boost::asio::awaitable<tenant_limits> last_known(tenant_id tenant);
  tenant_limits said(const hub_quota& quota) const;
  hub_client& hub_;
  default_limits& configured_;
  account_board& accounts_;
  tenant_roll& roll_;
  const clock& time_;
  const entitlement_settings rule_;
};

}  // namespace waggle
