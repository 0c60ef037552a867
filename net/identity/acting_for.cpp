#include "net/identity/acting_for.hpp"

#include "net/identity/authenticator.hpp"

namespace waggle {

result<std::optional<tenant_id>> user_of(const http_request& request) {
  const auto text = single_header(request, "x-hivehub-user-id");
  if (!text) return text.error();
  if (!*text) return std::optional<tenant_id>();
  tenant_id user;
  if (!parse_uuid(**text, user.bytes) || user.is_nil()) return failure(ec::invalid_user_id);
  return std::optional(user);
}

bool may_act_for(const principal& who, const std::optional<tenant_id>& user) {
  return !user || who.tenant == user || who.may.operator_scope;
}

result<principal_ptr> acting_for(principal_ptr who, const std::optional<tenant_id>& user) {
  if (!user || who->tenant == user) return who;
  if (!may_act_for(*who, user)) return failure(ec::forbidden);
  auto as = std::make_shared<principal>(*who);
  as->tenant = user;
  as->on_behalf = true;
  as->ip_lists = nullptr;  // a tenant's lists are about its own clients
  as->may.operator_scope = false;
  return principal_ptr(std::move(as));
}

bool may_learn_of(const principal& asker, const principal& key) {
  const bool same_key = asker.kind == key.kind && !key.key_id.empty() && asker.key_id == key.key_id;
  return asker.may.operator_scope || same_key || (key.tenant && key.tenant == asker.tenant);
}

bool is_guess(ec code) {
  return code == ec::auth_invalid_key || code == ec::auth_invalid_format || code == ec::auth_key_expired ||
         code == ec::auth_service_rejected || code == ec::auth_signature_invalid;
}

}  // namespace waggle
