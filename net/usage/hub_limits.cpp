#include "net/usage/hub_limits.hpp"

#include "actors/runtime/jobs.hpp"
#include "storage/apply/account.hpp"

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

std::optional<tenant_limits> hub_limits::known(const tenant_id& tenant) {
  const auto said = hub_.known_quota(tenant);
  if (!said) return std::nullopt;
  auto limits = with_quota(configured_.current(), *said);
  limits.origin = limits_origin::hub;
  return limits;
}

boost::asio::awaitable<tenant_limits> hub_limits::find(const tenant_id& tenant) {
  const auto said = co_await hub_.quota(tenant);
  if (!said) co_return co_await last_known(tenant);
  auto limits = with_quota(configured_.current(), *said);
  limits.origin = limits_origin::hub;
  limits.updated_ms = time_.unix_ms();
  co_return limits;
}

/// What a write carried last is stored with the tenant. Rates are not: those of the configuration hold.
boost::asio::awaitable<tenant_limits> hub_limits::last_known(tenant_id tenant) {
  auto limits = configured_.current();
  auto account = accounts_.find(tenant);
  if (!account) {
    auto read = [&kv = kv_, tenant]() -> result<std::optional<tenant_record>> {
      return known_account(write_overlay(kv), tenant);
    };
    auto loaded = co_await run_blocking(rt_, std::move(read));
    if (loaded) account = std::move(*loaded);
  }
  if (account && account->limits_time_ms > 0) {
    limits.quota = account->limits;
    limits.origin = limits_origin::lease;
    limits.updated_ms = account->limits_time_ms;
  }
  co_return limits;
}

}  // namespace waggle
