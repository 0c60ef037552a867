#include "base/tenant_context.hpp"

#include <type_traits>

namespace waggle {
static_assert(!std::is_default_constructible_v<tenant_context>, "an identity is never made from nothing");
static_assert(!std::is_constructible_v<tenant_context, tenant_id>, "only the mint makes an identity");
}  // namespace waggle
