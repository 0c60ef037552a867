#include "net/tenants/standing_book.hpp"

#include <mutex>

#include "base/log.hpp"

namespace waggle {

void standing_book::take(const std::vector<record_change>& changes) {
  for (const auto& change : changes) {
    tenant_id tenant;
    if (change.space != standings_space || !parse_uuid(change.key, tenant.bytes)) continue;
    const auto read = change.value ? decode_standing(*change.value) : result<tenant_standing>(tenant_standing{});
    if (!read) {
      log_event(log_level::error, "tenants", "a tenant's standing can't be read", {{"tenant", change.key}});
      continue;
    }
    const std::lock_guard guard(mutex_);
    auto& known = entries_[tenant];
    if (known.version > change.version) continue;
    known = {*read, change.version};
    any_.store(true, std::memory_order_release);
  }
}

standing_book::entry standing_book::find(const tenant_id& tenant) const {
  const std::shared_lock guard(mutex_);
  const auto it = entries_.find(tenant);
  return it == entries_.end() ? entry{} : it->second;
}

tenant_state standing_book::state_of(const tenant_id& tenant) const {
  if (!any_.load(std::memory_order_acquire)) return tenant_state::active;
  const std::shared_lock guard(mutex_);
  const auto it = entries_.find(tenant);
  return it == entries_.end() ? tenant_state::active : it->second.standing.state;
}

std::optional<limits_override> standing_book::limits_of(const tenant_id& tenant, std::int64_t now_unix_ms) const {
  if (!any_.load(std::memory_order_acquire)) return std::nullopt;
  const std::shared_lock guard(mutex_);
  const auto it = entries_.find(tenant);
  if (it == entries_.end() || !it->second.standing.limits) return std::nullopt;
  const auto& limits = *it->second.standing.limits;
  return limits.expires_ms > 0 && limits.expires_ms <= now_unix_ms ? std::nullopt : std::optional(limits);
}

std::vector<tenant_id> standing_book::select(const std::function<bool(const tenant_standing&)>& wanted) const {
  std::vector<tenant_id> list;
  const std::shared_lock guard(mutex_);
  for (const auto& [tenant, known] : entries_)
    if (wanted(known.standing)) list.push_back(tenant);
  return list;
}

}  // namespace waggle
