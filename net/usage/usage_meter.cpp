#include "net/usage/usage_meter.hpp"

#include <iterator>
#include <utility>

namespace waggle {

usage_meter::counts& usage_meter::touch(part& p, const tenant_id& tenant) {
  auto& c = p.tenants[tenant];
  if (!std::exchange(c.listed, true)) p.changed.push_back(tenant);
  c.in_use = true;
  return c;
}

bool usage_meter::knows_month(const tenant_id& tenant, std::uint32_t month) const {
  const auto& p = part_of(tenant);
  const std::lock_guard guard(p.lock);
  const auto it = p.tenants.find(tenant);
  return it != p.tenants.end() && it->second.month == month;
}

bool usage_meter::count_request(const tenant_id& tenant, std::uint32_t month, std::optional<std::uint64_t> month_max,
                                const month_count& written) {
  auto& p = part_of(tenant);
  const std::lock_guard guard(p.lock);
  if (month_max) {
    auto& c = p.tenants[tenant];
    c.in_use = true;
    if (c.month != month) {
      // From the store, and what is counted but not written: from then on every request is counted here.
      c.month_requests = (written.month == month ? written.requests : 0) + (c.month == 0 ? c.requests : 0);
      c.month = month;
    }
    if (c.month_requests >= *month_max) return false;
  }
  auto& c = touch(p, tenant);
  ++c.requests;
  if (c.month == month) ++c.month_requests;
  return true;
}

void usage_meter::count_searches(const tenant_id& tenant, std::uint64_t searches) {
  if (searches == 0) return;
  auto& p = part_of(tenant);
  const std::lock_guard guard(p.lock);
  touch(p, tenant).searches += searches;
}

void usage_meter::count_bytes(const tenant_id& tenant, std::uint64_t in, std::uint64_t out) {
  if (in == 0 && out == 0) return;
  auto& p = part_of(tenant);
  const std::lock_guard guard(p.lock);
  auto& c = touch(p, tenant);
  c.bytes_in += in;
  c.bytes_out += out;
}

std::optional<std::uint64_t> usage_meter::requests_of_month(const tenant_id& tenant, std::uint32_t month) const {
  const auto& p = part_of(tenant);
  const std::lock_guard guard(p.lock);
  const auto it = p.tenants.find(tenant);
  if (it == p.tenants.end() || it->second.month != month) return std::nullopt;
  return it->second.month_requests;
}

std::vector<count_reads_op::line> usage_meter::take(std::size_t tenants_max) {
  std::vector<count_reads_op::line> lines;
  for (auto& p : parts_) {
    const std::lock_guard guard(p.lock);
    while (!p.changed.empty() && lines.size() < tenants_max) {
      const auto tenant = p.changed.back();
      p.changed.pop_back();
      auto& c = p.tenants.at(tenant);
      c.listed = false;
      if (auto line = taken_from(c, tenant)) lines.push_back(*line);
      if (c.month == 0) p.tenants.erase(tenant);
    }
  }
  return lines;
}

std::optional<count_reads_op::line> usage_meter::take_one(const tenant_id& tenant) {
  auto& p = part_of(tenant);
  const std::lock_guard guard(p.lock);
  const auto it = p.tenants.find(tenant);
  return it == p.tenants.end() ? std::nullopt : taken_from(it->second, tenant);
}

std::optional<count_reads_op::line> usage_meter::taken_from(counts& c, const tenant_id& tenant) {
  count_reads_op::line line{tenant, std::exchange(c.searches, 0), std::exchange(c.requests, 0)};
  line.bytes_in = std::exchange(c.bytes_in, 0);
  line.bytes_out = std::exchange(c.bytes_out, 0);
  const bool any = line.searches > 0 || line.requests > 0 || line.bytes_in > 0 || line.bytes_out > 0;
  return any ? std::optional(line) : std::nullopt;
}

void usage_meter::forget_idle() {
  for (auto& p : parts_) {
    const std::lock_guard guard(p.lock);
    for (auto one = p.tenants.begin(); one != p.tenants.end();) {
      const bool in_use = std::exchange(one->second.in_use, false) || one->second.listed;
      one = in_use ? std::next(one) : p.tenants.erase(one);
    }
  }
}

std::size_t usage_meter::size() const {
  std::size_t n = 0;
  for (const auto& p : parts_) {
    const std::lock_guard guard(p.lock);
    n += p.tenants.size();
  }
  return n;
}

}  // namespace waggle
