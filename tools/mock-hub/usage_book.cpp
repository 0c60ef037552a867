#include "tools/mock-hub/usage_book.hpp"

#include <algorithm>

namespace waggle::mock {
namespace {
void add_to(counters& sums, const counters& deltas) {
  for (const auto& [name, value] : deltas) sums[name] += value;
}

/// A list as long as the tenant has collections is all of them; a shorter one names those that changed.
void take_collections(tenant_usage& tenant, const usage_report& report) {
  const auto count = report.gauges.find("collection_count");
  if (count != report.gauges.end() && count->second == static_cast<std::int64_t>(report.collections.size()))
    std::erase_if(tenant.collections, [&](const auto& item) { return !report.collections.contains(item.first); });
  for (const auto& [id, reported] : report.collections) {
    auto& known = tenant.collections[id];
    if (!reported.name.empty()) known.name = reported.name;
    if (reported.dimension != 0) known.dimension = reported.dimension;
    if (known.created_at == 0) known.created_at = reported.created_at;
    known.vector_count = reported.vector_count;
    known.storage_bytes = reported.storage_bytes;
  }
}

/// Without a report of the whole tenant, its totals are those of its collections.
void sum_collections(tenant_usage& tenant) {
  tenant.gauges = {{"collection_count", static_cast<std::int64_t>(tenant.collections.size())},
                   {"vector_count", 0},
                   {"storage_bytes", 0}};
  for (const auto& [id, collection] : tenant.collections) {
    tenant.gauges["vector_count"] += collection.vector_count;
    tenant.gauges["storage_bytes"] += collection.storage_bytes;
  }
}
}  // namespace

bool covered_positions::add(std::int64_t from, std::int64_t to) {
  bool overlap = false;
  auto next = stretches_.upper_bound(from);
  if (next != stretches_.begin() && std::prev(next)->second >= from) --next;
  while (next != stretches_.end() && next->first <= to) {
    overlap = overlap || (next->first < to && from < next->second);
    from = std::min(from, next->first);
    to = std::max(to, next->second);
    next = stretches_.erase(next);
  }
  stretches_.emplace(from, to);
  return overlap;
}

std::vector<std::pair<std::int64_t, std::int64_t>> covered_positions::gaps() const {
  std::vector<std::pair<std::int64_t, std::int64_t>> missing;
  for (auto next = stretches_.begin(); next != stretches_.end(); ++next)
    if (next != stretches_.begin()) missing.emplace_back(std::prev(next)->second, next->first);
  return missing;
}

receipt usage_book::receive(const usage_report& report) {
  auto& tenant = tenants_[report.tenant_id];
  add_to(tenant.raw, report.deltas);
  const auto [seen, is_new] = content_of_key_.emplace(report.idempotency_key, report.content);
  if (!is_new) {
    ++tenant.duplicates;
    if (seen->second != report.content) ++tenant.altered;
    return receipt::duplicate;
  }
  ++tenant.reports;
  add_to(tenant.totals, report.deltas);
  if (!report.from || !report.to) {
    take_collections(tenant, report);
    sum_collections(tenant);
    return receipt::stored;
  }
  if (tenant.positions[{report.cluster_id, report.epoch}].add(*report.from, *report.to)) ++tenant.overlaps;
  // A report that was late says nothing about the present.
  if (const std::pair position{report.epoch, *report.to}; position >= tenant.newest) {
    tenant.newest = position;
    tenant.gauges = report.gauges;
    take_collections(tenant, report);
  }
  return receipt::stored;
}

std::optional<std::string> usage_book::owner_of(const std::string& collection_id) const {
  for (const auto& [id, tenant] : tenants_)
    if (tenant.collections.contains(collection_id)) return id;
  return std::nullopt;
}

}  // namespace waggle::mock
