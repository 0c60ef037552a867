#pragma once
// HiveHub's opinion on growth (hub.use_check_quota, contract hub.md §5). Only an explicit no counts: without an opinion the
// tenant's own limits decide alone, and what these refuse HiveHub is not asked about. Any thread.
#include "net/hub/hub_client.hpp"
#include "storage/apply/records.hpp"

namespace waggle {

class growth_adviser {
 public:
  explicit growth_adviser(hub_client& hub) : hub_(hub) {}
  /// HiveHub's no to so many collections (collection_count) or points (vector_count) more than `account` has.
  boost::asio::awaitable<std::optional<quota_refusal>> objection(tenant_id tenant, quota_type type, std::uint64_t by,
                                                                 const tenant_record& account, const quota_limits& limits);

 private:
  hub_client& hub_;
};

}  // namespace waggle
