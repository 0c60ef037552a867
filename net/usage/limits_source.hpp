#pragma once
// Where a tenant's limits come from. Implementations are thread-safe.
#include <boost/asio/awaitable.hpp>
#include <mutex>
#include <optional>

#include "base/ids.hpp"
#include "net/usage/tenant_limits.hpp"

namespace waggle {

class limits_source {
 public:
  virtual ~limits_source() = default;
  /// Without waiting; none when somebody has to be asked.
  virtual std::optional<tenant_limits> known(const tenant_id& tenant) = 0;
  /// Always an answer: a hub that is silent makes nothing unlimited.
  virtual boost::asio::awaitable<tenant_limits> find(const tenant_id& tenant) = 0;
};

/// The configured ones, for everybody.
class default_limits final : public limits_source {
 public:
  explicit default_limits(const tenant_limits& limits) : limits_(limits) {}
  std::optional<tenant_limits> known(const tenant_id&) override { return current(); }
  boost::asio::awaitable<tenant_limits> find(const tenant_id&) override { co_return current(); }
  tenant_limits current() const {
    const std::lock_guard guard(lock_);
    return limits_;
  }
  void change(const tenant_limits& limits) {
    const std::lock_guard guard(lock_);
    limits_ = limits;
  }

 private:
  mutable std::mutex lock_;
  tenant_limits limits_;
};

}  // namespace waggle
