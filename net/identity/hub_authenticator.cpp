#include "net/identity/hub_authenticator.hpp"

#include "base/checksum.hpp"
#include "net/identity/credentials.hpp"

namespace waggle {
namespace {

/// `x-hivehub-user-id`: whom a request acts for.
result<std::optional<tenant_id>> user_of(const http_request& request) {
  const auto text = single_header(request, "x-hivehub-user-id");
  if (!text) return text.error();
  if (!*text) return std::optional<tenant_id>();
  tenant_id user;
  if (!parse_uuid(**text, user.bytes) || user.is_nil()) return failure(ec::invalid_user_id);
  return std::optional(user);
}

/// The operator may act for any tenant, anybody else for themselves only.
result<principal_ptr> acting_for(principal_ptr who, const std::optional<tenant_id>& user) {
  if (!user || who->tenant == user) return who;
  if (!who->may.operator_scope) return failure(ec::forbidden);
  auto as = std::make_shared<principal>(*who);
  as->tenant = user;
  as->may.operator_scope = false;
  return principal_ptr(std::move(as));
}

}  // namespace

hub_authenticator::hub_authenticator(hub_client& hub, const settings& config) : hub_(hub), config_(config.auth) {
  for (const auto& secret : config.hub.inbound_secrets) secrets_.push_back(sha256(secret));
}

boost::asio::awaitable<result<principal_ptr>> hub_authenticator::identify(const http_request& request) {
  const auto proof = single_header(request, "x-hivehub-service");
  if (!proof) co_return proof.error();
  const auto user = user_of(request);
  // Never another carrier when this one is there.
  if (*proof) co_return user ? service(**proof, *user) : user.error();
  const auto key = find_key(request);
  if (!key) co_return key.error();
  if (!*key) co_return failure(ec::auth_missing_key);
  auto who = co_await hub_.identify(**key);
  if (!who) co_return who;
  if ((*who)->is_test && !config_.accept_test_keys) co_return failure(ec::auth_invalid_key);
  if (!user) co_return user.error();
  co_return acting_for(std::move(*who), *user);
}

/// Hashes are compared, so the time says nothing about the secret.
result<principal_ptr> hub_authenticator::service(std::string_view secret, const std::optional<tenant_id>& user) const {
  const auto shown = sha256(secret);
  bool proven = false;
  for (const auto& known : secrets_) proven = (known == shown) || proven;
  if (!proven) return failure(ec::auth_service_rejected);
  auto who = std::make_shared<principal>();
  who->kind = principal_kind::service;
  who->may = {permission_set{permission::admin}, std::nullopt, !user};
  who->tenant = user;
  return principal_ptr(std::move(who));
}

}  // namespace waggle
