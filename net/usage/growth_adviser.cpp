#include "net/usage/growth_adviser.hpp"

#include <algorithm>

namespace waggle {

boost::asio::awaitable<std::optional<quota_refusal>> growth_adviser::objection(tenant_id tenant, quota_type type,
                                                                               std::uint64_t by, const tenant_record& account,
                                                                               const quota_limits& limits) {
  const bool collections = type == quota_type::collection_count;
  const auto used = collections ? account.now.collections : account.now.points;
  const auto& most = collections ? limits.collections : limits.points;
  const bool refused_here = limits.no_growth || (most && used + by > *most);
  if (by == 0 || refused_here) co_return std::nullopt;
  const auto said = co_await hub_.check_quota(tenant, collections ? "create_collection" : "insert", by);
  if (!said || said->allowed) co_return std::nullopt;
  // Without numbers its no means: no more than there is.
  quota_refusal no{type, said->limit.value_or(used), used, by};
  if (said->limit && said->remaining) no.used = *said->limit - std::min(*said->limit, *said->remaining);
  no.bytes_limit = limits.bytes.value_or(0);
  no.bytes_used = account.now.bytes;
  co_return no;
}

}  // namespace waggle
