#pragma once
// How many requests each tenant has inside, and how many it had of late (contract tenancy.md §7). Any thread.
#include <mutex>
#include <unordered_map>

#include "base/ids.hpp"
#include "net/auth/rate_windows.hpp"

namespace waggle::rest {

class tenant_gates {
 public:
  /// A request on its way through; leaves when destroyed.
  class passage {
   public:
    passage(tenant_gates& gates, const tenant_id& tenant, const std::optional<rate_limits>& limits,
            std::int64_t now_unix_ms);
    ~passage() { gates_.leave(tenant_); }
    passage(const passage&) = delete;
    passage& operator=(const passage&) = delete;
    std::size_t inside() const { return inside_; }  ///< this one included
    const rate_verdict& rate() const { return rate_; }

   private:
    tenant_gates& gates_;
    const tenant_id tenant_;
    std::size_t inside_ = 0;
    rate_verdict rate_;
  };
  rate_use use_of(const tenant_id& tenant, std::int64_t now_unix_ms) const;
  /// Tenants that asked for something since.
  std::size_t active_since(std::int64_t unix_ms) const;
  /// Tenants that are remembered.
  std::size_t size() const;

 private:
  struct gate {
    std::size_t inside = 0;
    rate_windows windows;
  };
  void leave(const tenant_id& tenant);
  void forget_idle(std::int64_t now_unix_ms);

  mutable std::mutex mutex_;
  std::unordered_map<tenant_id, gate> gates_;
  std::size_t entered_ = 0;
};

}  // namespace waggle::rest
