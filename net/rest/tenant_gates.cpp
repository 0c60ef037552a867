#include "net/rest/tenant_gates.hpp"

#include <algorithm>

namespace waggle::rest {
namespace {
constexpr std::size_t entries_between_sweeps = 100'000;
}

tenant_gates::passage::passage(tenant_gates& gates, const tenant_id& tenant, const std::optional<rate_limits>& limits,
                               std::int64_t now_unix_ms)
    : gates_(gates), tenant_(tenant) {
  const std::lock_guard lock(gates.mutex_);
  if (++gates.entered_ % entries_between_sweeps == 0) gates.forget_idle(now_unix_ms);
  auto& gate = gates.gates_[tenant];
  inside_ = ++gate.inside;
  if (limits) rate_ = gate.windows.admit(*limits, now_unix_ms);
}

std::size_t tenant_gates::size() const {
  const std::lock_guard lock(mutex_);
  return gates_.size();
}

rate_use tenant_gates::use_of(const tenant_id& tenant, std::int64_t now_unix_ms) const {
  const std::lock_guard lock(mutex_);
  const auto it = gates_.find(tenant);
  return it == gates_.end() ? rate_use{} : it->second.windows.use(now_unix_ms);
}

std::size_t tenant_gates::active_since(std::int64_t unix_ms) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::count_if(
      gates_.begin(), gates_.end(), [unix_ms](const auto& entry) { return entry.second.windows.last_ms() >= unix_ms; }));
}

void tenant_gates::leave(const tenant_id& tenant) {
  const std::lock_guard lock(mutex_);
  --gates_.find(tenant)->second.inside;
}

void tenant_gates::forget_idle(std::int64_t now_unix_ms) {
  std::erase_if(gates_, [now_unix_ms](const auto& entry) {
    return entry.second.inside == 0 && entry.second.windows.forgotten(now_unix_ms);
  });
}

}  // namespace waggle::rest
