#pragma once
// Who a request acts for, as a capability. Only an authenticator can mint one (the constructor is private to
// `context_mint`, whose own key is held by net/auth and cluster/ingress); it can't be default-made and has no codec.
// Immutable value; any thread.
#include <string>

#include "base/ids.hpp"

namespace waggle {

class tenant_context {
 public:
  const tenant_id& tenant() const { return tenant_; }
  /// Standalone's implicit tenant: names are shown bare and `owner_id` is null.
  bool standalone() const { return tenant_.is_nil(); }

 private:
  friend class context_mint;
  explicit tenant_context(const tenant_id& tenant) : tenant_(tenant) {}
  tenant_id tenant_;
};

/// The mint. `tests/tidy` lists the files that may name it.
class context_mint {
 public:
  static tenant_context standalone() { return tenant_context(tenant_id{}); }
  static tenant_context tenant(const tenant_id& tenant) { return tenant_context(tenant); }
};

}  // namespace waggle
