#pragma once
// One usage report (contract hub.md §6): the same account gives the same bytes and the same key. Pure; any thread.
#include <optional>
#include <string>
#include <vector>

#include "storage/apply/records.hpp"

namespace waggle {

struct ledger_identity {
  std::string cluster_id;
  std::string node_id;
  std::string service;
};
struct usage_report {
  std::string idempotency_key;
  std::string body;
  std::uint64_t position = 0;  ///< up to which it covers the ledger
};
/// Of the report that has begun; none where none has. `held`: by each collection when it began.
std::optional<usage_report> make_report(const ledger_identity& ledger, const tenant_id& tenant, const tenant_record& account,
                                        const reported_collections& held);
/// The same for a hub that knows collections only: one of each whose totals have changed since `before`; one that is gone holds
/// nothing. Of no report that has begun: none.
std::vector<usage_report> make_collection_reports(const ledger_identity& ledger, const tenant_id& tenant,
                                                  const tenant_record& account, const reported_collections& before,
                                                  const reported_collections& held);

}  // namespace waggle
