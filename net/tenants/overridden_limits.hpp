#pragma once
// The limits of another source, lowered to what an operator has set. Any thread.
#include "base/clock.hpp"
#include "net/tenants/standing_book.hpp"
#include "net/usage/limits_source.hpp"

namespace waggle {

class overridden_limits final : public limits_source {
 public:
  overridden_limits(limits_source& from, const standing_book& standings, const clock& time)
      : from_(from), standings_(standings), time_(time) {}
  std::optional<tenant_limits> known(const tenant_id& tenant) override;
  boost::asio::awaitable<tenant_limits> find(const tenant_id& tenant) override;

 private:
  tenant_limits lowered(const tenant_id& tenant, tenant_limits limits) const;
  limits_source& from_;
  const standing_book& standings_;
  const clock& time_;
};

}  // namespace waggle
