#pragma once
// What a tenant may have and how fast it may ask. Pure; any thread.
#include "net/auth/rate_windows.hpp"
#include "storage/log/operation.hpp"

namespace waggle {

enum class limits_origin : std::uint8_t { defaults, hub, lease };

struct tenant_limits {
  quota_limits quota;
  rate_limits rates;
  limits_origin origin = limits_origin::defaults;
  std::int64_t updated_ms = 0;  ///< when the hub said so; 0: it never did
};

}  // namespace waggle
