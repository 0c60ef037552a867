#include "net/tenants/overridden_limits.hpp"

#include <algorithm>

namespace waggle {
namespace {

void lower(std::optional<std::uint64_t>& limit, const std::optional<std::uint64_t>& to) {
  if (to) limit = std::min(limit.value_or(*to), *to);
}

}  // namespace

std::optional<tenant_limits> overridden_limits::known(const tenant_id& tenant) {
  auto limits = from_.known(tenant);
  if (!limits) return std::nullopt;
  return lowered(tenant, std::move(*limits));
}

boost::asio::awaitable<tenant_limits> overridden_limits::find(const tenant_id& tenant) {
  auto limits = co_await from_.find(tenant);
  co_return lowered(tenant, std::move(limits));
}

tenant_limits overridden_limits::lowered(const tenant_id& tenant, tenant_limits limits) const {
  const auto set = standings_.limits_of(tenant, time_.unix_ms());
  if (!set) return limits;
  lower(limits.quota.collections, set->quota.collections);
  lower(limits.quota.points, set->quota.points);
  lower(limits.quota.bytes, set->quota.bytes);
  lower(limits.quota.requests_per_month, set->quota.requests_per_month);
  limits.rates = lower_of(limits.rates, set->rates);
  return limits;
}

}  // namespace waggle
