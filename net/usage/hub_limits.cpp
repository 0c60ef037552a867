#include "net/usage/hub_limits.hpp"

namespace waggle {

tenant_limits with_quota(tenant_limits limits, const hub_quota& q) {
  const auto take = [](const said_limit& said, std::optional<std::uint64_t>& into) {
    if (said.said) into = said.most;
  };
  // In rates 0 stands for none; a limit of nothing at all is one request, which is the least that windows can hold.
  const auto take_rate = [](const said_limit& said, std::uint64_t& into) {
    if (said.said) into = said.most ? std::max<std::uint64_t>(1, *said.most) : 0;
  };
  take(q.collections, limits.quota.collections);
  take(q.points, limits.quota.points);
  take(q.bytes, limits.quota.bytes);
  take(q.per_month, limits.quota.requests_per_month);
  take_rate(q.per_minute, limits.rates.per_minute);
  take_rate(q.per_hour, limits.rates.per_hour);
  take_rate(q.per_day, limits.rates.per_day);
  return limits;
}

tenant_limits in_force(tenant_limits said, const tenant_limits& configured, const entitlement_settings& rule,
                       std::int64_t now_ms) {
  auto& q = said.quota;
  if (q.said_ms == 0) return said;
  const auto until_ms = q.expires_ms > 0 ? q.expires_ms : q.said_ms + 1000 * rule.max_stale_seconds;
  if (now_ms < until_ms || rule.when_expired == expired_entitlement::enforce_last) return said;
  if (rule.when_expired == expired_entitlement::defaults) return configured;
  q.no_growth = true;
  return said;
}

tenant_limits hub_limits::said(const hub_quota& quota) const {
  const auto configured = configured_.current();
  auto limits = with_quota(configured, quota);
  limits.quota.said_ms = quota.said_ms;
  limits.quota.expires_ms = quota.expires_ms;
  limits.updated_ms = quota.said_ms;
  if (quota.said_ms > 0) limits.origin = limits_origin::hub;
  return in_force(std::move(limits), configured, rule_, time_.unix_ms());
}

std::optional<tenant_limits> hub_limits::known(const tenant_id& tenant) {
  const auto quota = hub_.known_quota(tenant);
  return quota ? std::optional(said(*quota)) : std::nullopt;
}

boost::asio::awaitable<tenant_limits> hub_limits::find(const tenant_id& tenant) {
  const auto quota = co_await hub_.quota(tenant);
  if (quota) co_return said(*quota);
  co_return co_await last_known(tenant);
}

/// What a write carried last is stored with the tenant. Rates are not: those of the configuration hold.
boost::asio::awaitable<tenant_limits> hub_limits::last_known(tenant_id tenant) {
  const auto configured = configured_.current();
  auto account = accounts_.find(tenant);
  if (!account) {
    auto read = co_await roll_.account(tenant);
    if (read) account = std::move(*read);
  }
  if (!account || account->limits.said_ms == 0) co_return configured;
  auto limits = configured;
  limits.quota = account->limits;
  limits.origin = limits_origin::lease;
  limits.updated_ms = account->limits.said_ms;
  co_return in_force(std::move(limits), configured, rule_, time_.unix_ms());
}

}  // namespace waggle
