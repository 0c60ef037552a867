// From where a tenant's own clients may come, where no HiveHub says so (contract auth.md §8).
#include "net/rest/auth_wire.hpp"
#include "net/rest/handlers.hpp"
#include "net/rest/tenant_services.hpp"

namespace waggle::rest {
namespace {

/// The tenant in the path, if its lists are this node's to keep.
result<tenant_id> tenant_of(handler_context& c) {
  if (!c.config.cluster.enabled) return failure(ec::cluster_mode_disabled);
  if (c.config.hub.enabled) return failure(ec::forbidden, "HiveHub gives tenants their address lists");
  return read_tenant_id(c.scope.path_value(0));
}

http_response addresses_answer(const tenant_id& tenant, const addresses_record& lists) {
  std::string out;
  json_writer(out).begin_object().member("tenant_id", to_string(tenant)).member("allowlist", lists.allowlist)
      .member("blocklist", lists.blocklist).end_object();
  return json_response(std::move(out));
}

}  // namespace

answer tenant_addresses(handler_context& c) {
  const auto tenant = tenant_of(c);
  if (!tenant) co_return tenant.error();
  const auto known = c.identity->book().find_addresses(*tenant);
  co_return addresses_answer(*tenant, known ? known->record : addresses_record());
}

answer set_tenant_addresses(handler_context& c) {
  const auto tenant = tenant_of(c);
  if (!tenant) co_return tenant.error();
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  decoder d(body->root());
  const auto wanted = read_addresses(d);
  if (d.failed()) co_return d.fault();
  if (auto done = co_await c.identity->set_addresses(*tenant, wanted); !done) co_return done.error();
  co_return addresses_answer(*tenant, wanted);
}

}  // namespace waggle::rest
