#pragma once
// What is counted by tenant (contract metrics.md §1, §4). At most so many tenants have series of their own, those that asked last;
// all others are counted under one name. When a tenant makes room, its series end and what they had counted goes nowhere. Any
// thread. Owned by the node.
#include <array>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/protocol/account_board.hpp"
#include "actors/runtime/types.hpp"
#include "net/bridge/request_scope.hpp"
#include "net/config/settings.hpp"
#include "net/metrics/metrics.hpp"
#include "net/rest/routes.hpp"
#include "net/usage/tenant_limits.hpp"

namespace waggle::rest {

class tenant_metrics {
 public:
  using listed = metric_family::listed;
  using time_of = std::function<tenant_time(const tenant_id&)>;
  using times = std::vector<std::pair<tenant_id, tenant_time>>;

  tenant_metrics(const metrics_settings& metrics, time_of spent);

  /// A request that counts as the tenant's, and its answer.
  void answered(const tenant_id& tenant, const route& to, int status);
  void rate_limited(const tenant_id& tenant);
  /// `tenant`: none when nobody knows whose request it was.
  void auth_failed(const std::optional<tenant_id>& tenant, ec why);
  void bytes(const tenant_id& tenant, std::uint64_t in, std::uint64_t out);
  void quotas(const tenant_id& tenant, const quota_decisions& decided, limits_origin limits);

  // For a scrape.
  listed requests() const;        ///< tenant_id, operation
  listed answers() const;         ///< tenant_id, endpoint, method, status
  listed rate_limits() const;     ///< tenant_id
  listed auth_failures() const;   ///< tenant_id, reason
  listed transferred() const;     ///< tenant_id, direction
  listed quota_checks() const;    ///< tenant_id, quota_type, result
  listed quota_refusals() const;  ///< tenant_id, quota_type
  listed seconds(const times& totals, std::uint64_t tenant_time::*which) const;  ///< tenant_id
  listed storage(const account_board& accounts) const;                           ///< tenant_id
  listed quota_use(const account_board& accounts, std::uint32_t month) const;    ///< tenant_id, quota_type

 private:
  enum result_kind : std::size_t { allowed, denied, unsure, result_kinds };
  struct counts {
    std::map<std::pair<const route*, int>, std::uint64_t> by_answer;  ///< and status
    std::uint64_t rate_limited = 0;
    std::map<ec, std::uint64_t> auth_failures;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::array<std::array<std::uint64_t, result_kinds>, quota_types> checks{};
    tenant_time before;  ///< spent before the series began
  };
  using series = std::list<std::pair<tenant_id, counts>>;
  /// Who has series now: copied, so that a look at every tenant of the node keeps no request waiting.
  struct shown_tenants {
    std::unordered_map<tenant_id, tenant_time> before;
    tenant_time ended;
  };
  shown_tenants shown() const;
  counts& of(const tenant_id& tenant);
  /// Calls `visit(name, counts)` for every tenant with series, then for the others.
  template <class Visit>
  void each(Visit visit) const;

  const std::size_t series_max_;
  const std::string others_name_;
  const time_of spent_;
  mutable std::mutex lock_;
  series newest_first_;
  std::unordered_map<tenant_id, series::iterator> by_tenant_;
  counts others_;
  std::map<ec, std::uint64_t> failures_of_nobody_;
  tenant_time ended_;  ///< shown by series that ended
};

}  // namespace waggle::rest
