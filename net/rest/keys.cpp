// Whether a key is good, and what it may do (contract rest.md §7, §8).
#include "base/text_out.hpp"
#include "net/identity/authenticator.hpp"
#include "net/identity/credentials.hpp"
#include "net/rest/handlers.hpp"
#include "net/rest/tenant_services.hpp"

namespace waggle::rest {
namespace {

/// Nobody can say whether the key is good.
bool is_no_verdict(ec code) { return code == ec::hub_unavailable || code == ec::auth_rate_limit; }

/// A key that works now; none for any other. A failure when nobody can say.
boost::asio::awaitable<result<principal_ptr>> owner_of(handler_context& c, const std::string& key) {
  auto who = co_await c.door.check_key(c.http(), *c.who, key);
  if (!who && is_no_verdict(who.error().code)) co_return who.error();
  if (!who || (*who)->suspended) co_return principal_ptr();
  const auto& tenant = (*who)->tenant;
  const auto state = tenant ? c.tenants.keeper.standings().state_of(*tenant) : tenant_state::active;
  if (state == tenant_state::suspended || state == tenant_state::deleting) co_return principal_ptr();
  co_return std::move(*who);
}

void write_tenant(json_writer& w, const principal& who) {
  w.key("tenant_id");
  if (who.tenant)
    w.value(to_string(*who.tenant));
  else
    w.null();
}

void write_permissions(json_writer& w, const principal& who) {
  w.member("permissions", who.may.permissions.names());
}

void write_expiry(json_writer& w, const principal& who) {
  if (who.expires_at.empty())
    w.key("expires_at").null();
  else
    w.member("expires_at", who.expires_at + "Z");
}

void write_functions(json_writer& w, const principal& who) {
  if (who.may.functions)
    w.member("allowed_functions", who.may.functions->names());
  else
    w.key("allowed_functions").null();
}

}  // namespace

answer validate_own_key(handler_context& c) {
  if (!c.config.cluster.enabled) co_return failure(ec::hub_disabled);
  auto body = body_json::parse(c.http(), true);
  if (!body) co_return body.error();
  decoder d(body->root());
  auto key = d.optional_text({"key"});
  if (d.failed()) co_return d.fault();
  if (!key) {
    const auto shown = find_key(c.http(), c.config.auth.allow_query_api_key);
    if (!shown) co_return shown.error();
    if (!*shown) co_return failure(ec::missing_api_key);
    key = std::string(**shown);
  }
  const auto who = co_await owner_of(c, *key);
  if (!who) co_return who.error();
  if (!*who) co_return failure(ec::invalid_api_key);
  std::string out;
  json_writer w(out);
  w.begin_object().member("valid", true);
  write_tenant(w, **who);
  w.member("tenant_name", (*who)->tenant_name);
  write_permissions(w, **who);
  write_functions(w, **who);
  write_expiry(w, **who);
  w.member("validated_at", format_rfc3339(system_clock().unix_ms())).end_object();
  co_return json_response(std::move(out));
}

answer validate_key(handler_context& c) {
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  decoder d(body->root());
  const auto key = d.text({"api_key"});
  if (d.failed()) co_return d.fault();
  const auto who = co_await owner_of(c, key);
  if (!who) co_return who.error();
  std::string out;
  json_writer w(out);
  w.begin_object().member("valid", *who != nullptr);
  if (*who) {
    write_tenant(w, **who);
    write_permissions(w, **who);
    write_expiry(w, **who);
  } else {
    w.member("error", "API key not found or revoked");
  }
  w.end_object();
  co_return json_response(std::move(out));
}

}  // namespace waggle::rest
