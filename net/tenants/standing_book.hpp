#pragma once
// The standings of all tenants that have one, as the log has them: the live copy that every request is checked against. The
// group hands in each change before its writer is answered, so a suspension holds when its 200 is sent. Any thread.
#include <atomic>
#include <functional>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

#include "net/tenants/tenant_standing.hpp"
#include "storage/apply/state_machine.hpp"

namespace waggle {

class standing_book {
 public:
  struct entry {
    tenant_standing standing;
    std::uint64_t version = 0;  ///< of the record; 0: there is none
  };

  /// Changes from the log, or what was read at start; each twice does no harm. Records of other spaces are ignored.
  void take(const std::vector<record_change>& changes);
  entry find(const tenant_id& tenant) const;
  /// Cheap: every request asks.
  tenant_state state_of(const tenant_id& tenant) const;
  /// The limits an operator has set, unless they have expired.
  std::optional<limits_override> limits_of(const tenant_id& tenant, std::int64_t now_unix_ms) const;
  /// Those for which `wanted` holds.
  std::vector<tenant_id> select(const std::function<bool(const tenant_standing&)>& wanted) const;

 private:
  mutable std::shared_mutex mutex_;
  std::unordered_map<tenant_id, entry> entries_;
  std::atomic<bool> any_{false};  ///< most nodes have none
};

}  // namespace waggle
