#pragma once
// What a tenant may have and how fast it may ask. Pure; any thread.
#include <string_view>

#include "net/auth/rate_windows.hpp"
#include "storage/log/operation.hpp"

namespace waggle {

enum class limits_origin : std::uint8_t { defaults, hub, lease };
constexpr std::string_view name_of(limits_origin origin) {
  return origin == limits_origin::hub ? "hub" : origin == limits_origin::lease ? "lease" : "default";
}

struct tenant_limits {
  quota_limits quota;
  rate_limits rates;
  limits_origin origin = limits_origin::defaults;
  std::int64_t updated_ms = 0;  ///< when the hub said so; 0: it never did
};

}  // namespace waggle
