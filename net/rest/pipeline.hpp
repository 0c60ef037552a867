#pragma once
// From a decoded HTTP request to an answer. One ordered list of steps (contract auth.md §11; what standalone mode has):
//   identity → its tenant's addresses → suspended → route → class and function → rate limit → monthly usage → concurrency → body → handler
//   (validation, look-up, quotas, execute) → usage → error body → audit → metrics → log → HiveHub's log
// Up to the body the head decides: nobody's bytes are held before it is known whose they are. An unknown path is told
// from a known one only after the identity is known.
// Owned by the node; called on the connections' threads.
#include <array>
#include <atomic>
#include <vector>

#include "net/identity/authenticator.hpp"
#include "net/identity/scrape_token.hpp"
#include "net/bridge/database.hpp"
#include "net/config/settings.hpp"
#include "net/http/types.hpp"
#include "net/metrics/metrics.hpp"
#include "net/rest/audit_trail.hpp"
#include "net/rest/node_state.hpp"
#include "net/rest/routes.hpp"
#include "net/rest/tenant_services.hpp"
#include "net/rest/work_metrics.hpp"

namespace waggle::rest {

class pipeline final : public http_handler {
 public:
  /// `audit`: none in standalone mode. `identity`: none without local keys.
  pipeline(database& db, authenticator& door, const settings& config, metric_registry& metrics, node_state& node,
           tenant_services& tenants, audit_trail* audit, local_identity* identity);
  boost::asio::awaitable<http_response> handle(http_request& request) override;
  void answered_by_server(const http_request& request, int status, ec why) override;

 private:
  /// Counts of one route; cells are looked up once per status.
  struct route_metrics {
    std::array<std::atomic<counter_cell*>, 600> by_status{};
    histogram_cell* seconds = nullptr;
    work_kind work = work_kind::none;
  };
  /// What is counted of a request besides its answer.
  struct request_outcome {
    ec code = ec::internal_error;  ///< why it failed, if it did
    principal_ptr who;             ///< none when nobody was identified
    request_scope::observations seen;
    rate_verdict rate;
    quota_limits limits;
    std::optional<tenant_id> billed;  ///< whose request it counts as
    std::size_t body_bytes = 0;
  };
  boost::asio::awaitable<http_response> answer_route(http_request& request, const route_match& match,
                                                     request_outcome& outcome);
  boost::asio::awaitable<result<http_response>> answer_as(principal_ptr who, http_request& request,
                                                          const route_match& match, request_outcome& outcome);
  boost::asio::awaitable<result<principal_ptr>> identify(http_request& request) const;
  bool is_open(const route_match& match) const;
  char class_of(const route& to) const;
  result<void> admit(const principal& who, const route& to) const;
  result<void> admit_tenant(const principal& who, char needed) const;
  std::optional<rate_limits> rates_of(const principal& who, const tenant_limits& limits) const;
  boost::asio::awaitable<tenant_limits> limits_of(const tenant_id& tenant);
  /// Counts the request as its tenant's, unless the month's are used up.
  boost::asio::awaitable<result<void>> meter(request_scope& scope);
  /// Counts and logs what was decided about the tenant's growth.
  void note_quotas(const tenant_id& tenant, const quota_decisions& decided, limits_origin limits) const;
  void tell_tenant(const request_outcome& outcome, http_response& response) const;
  boost::asio::awaitable<result<http_response>> run(const route& to, handler_context& context,
                                                    request_outcome& outcome) const;
  http_response refuse(const failure& why, const http_request& request, const route_match& match,
                       request_outcome& outcome) const;
  boost::asio::awaitable<result<void>> record(const http_request& request, const route_match& match, int status,
                                              const request_outcome& outcome);
  void tell_hub(const http_request& request, const route_match& match, const http_response& response,
                const request_outcome& outcome) const;
  void count(std::size_t route_number, const http_request& request, const http_response& response,
             const request_outcome& outcome);

  database& db_;
  authenticator& door_;
  const settings& config_;
  metric_registry& metrics_;
  node_state& node_;
  tenant_services& tenants_;
  audit_trail* const audit_;
  local_identity* const identity_;
  const scrape_token scrape_token_;
  metric_family& requests_;
  metric_family& errors_;
  gauge_cell& in_flight_;
  histogram_cell* quota_seconds_ = nullptr;  ///< none outside cluster mode
  metric_family& rejected_;
  metric_family& functions_denied_;
  work_metrics work_;
  std::vector<route_metrics> by_route_;  ///< one per route, then one for what matched none
};

}  // namespace waggle::rest
