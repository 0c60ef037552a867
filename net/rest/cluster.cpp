// The node and its tenants, as operators see them, and a tenant itself (contract rest.md §8, tenancy.md §8). Nothing here makes
// or wakes a tenant.
#include <algorithm>

#include "base/limits.hpp"
#include "net/identity/authenticator.hpp"
#include "net/rest/handlers.hpp"
#include "net/rest/node_state.hpp"
#include "net/rest/tenant_services.hpp"
#include "net/rest/usage_shapes.hpp"

namespace waggle::rest {
namespace {

std::int64_t now_ms() { return system_clock().unix_ms(); }

/// A tenant may ask about itself; another's is not there. An operator who acts for nobody may ask about all.
result<tenant_id> tenant_asked_for(handler_context& c, const std::optional<std::string_view>& text) {
  const auto& own = c.who->tenant;
  if (!text) return own ? result<tenant_id>(*own) : failure(ec::tenant_required);
  auto asked = read_tenant_id(*text);
  if (asked && own && *asked != *own) return failure(ec::tenant_not_found);
  return asked;
}

/// With what was read a moment ago. A tenant that never wrote has nothing, and is not there for others.
boost::asio::awaitable<result<tenant_record>> account_of(handler_context& c, tenant_id tenant) {
  co_await c.tenants.writer.flush(tenant);
  auto account = co_await c.tenants.roll.account(tenant);
  if (!account) co_return account.error();
  if (!*account && c.who->tenant != tenant) co_return failure(ec::tenant_not_found);
  co_return account->value_or(tenant_record{});
}

void write_rate(json_writer& w, std::string_view name, const rate_use::window& use, std::uint64_t limit) {
  w.key(name).begin_object().member("used", use.used);
  write_quota_limit(w, "limit", limit > 0 ? std::optional(limit) : std::nullopt);
  w.member("reset_in_seconds", use.reset_seconds).end_object();
}

/// What a write would be held to now, without asking anybody.
std::optional<std::uint64_t> bytes_limit_of(handler_context& c, const tenant_roll::line& line) {
  const auto known = c.tenants.limits.known(line.tenant);
  return known ? known->quota.bytes : line.account.limits.bytes;
}

}  // namespace

answer cluster_health(handler_context& c) {
  const auto totals = co_await c.tenants.roll.totals();
  const bool ready = c.node.ready.load(std::memory_order_relaxed);
  const bool degraded = !totals || !c.node.store_fault().empty();
  std::string out;
  json_writer w(out);
  w.begin_object().member("status", !ready ? "unhealthy" : degraded ? "degraded" : "healthy");
  w.member("cluster_mode", c.config.cluster.enabled).member("hivehub_connection", c.node.hub_connection());
  w.member("tenant_count", totals ? totals->tenants : 0);
  w.member("total_storage_gb", totals ? static_cast<double>(totals->bytes) / 1e9 : 0.0);
  w.member("uptime_seconds", c.node.uptime_seconds()).member("version", c.node.version);
  w.member("nodes_total", 1).member("nodes_healthy", ready && !degraded ? 1 : 0).end_object();
  co_return json_response(std::move(out), ready ? 200 : 503);
}

answer cluster_tenants(handler_context& c) {
  if (!c.config.cluster.enabled) co_return failure(ec::cluster_mode_disabled);
  const auto limit = query_number(c.http(), "limit", 100, 1);
  if (!limit) co_return limit.error();
  const auto most = std::min<std::size_t>(*limit, limits::list_page_items_max);
  std::optional<tenant_id> after;
  if (const auto cursor = c.http().parameter("cursor")) {
    const auto last = read_tenant_id(*cursor);
    if (!last) co_return failure::validation("cursor", "must be a next_cursor of this route");
    after = *last;
  }
  const auto page = co_await c.tenants.roll.page(after, most);
  if (!page) co_return page.error();
  const auto totals = co_await c.tenants.roll.totals();
  if (!totals) co_return totals.error();
  std::vector<tenant_id> ids;
  for (const auto& line : *page) ids.push_back(line.tenant);
  const auto awake = co_await c.tenants.keeper.awake(std::move(ids));
  if (!awake) co_return awake.error();
  std::string out;
  json_writer w(out);
  w.begin_object().key("tenants").begin_array();
  auto is_awake = awake->begin();
  for (const auto& line : *page) {
    const auto state = state_name(c, line.tenant, *is_awake++, line.account.now.collections);
    // HiveHub has told this node neither the name nor the beginning.
    w.begin_object().member("tenant_id", to_string(line.tenant)).key("name").null().key("created_at").null();
    w.member("storage_used_bytes", line.account.now.bytes);
    write_quota_limit(w, "storage_quota_bytes", bytes_limit_of(c, line));
    w.member("collections", line.account.now.collections).member("vectors", line.account.now.points);
    w.member("active", state == "active").member("state", state).member("leader", c.node.node_id).end_object();
  }
  w.end_array().member("total", totals->tenants);
  if (page->size() == most) w.member("next_cursor", to_string(page->back().tenant));
  w.end_object();
  co_return json_response(std::move(out));
}

answer cluster_usage(handler_context& c) {
  const auto tenant = tenant_asked_for(c, c.http().parameter("tenant_id"));
  if (!tenant) co_return tenant.error();
  const auto account = co_await account_of(c, *tenant);
  if (!account) co_return account.error();
  const auto limits = co_await c.tenants.limits.find(*tenant);
  const auto rates = c.config.cluster.enabled ? limits.rates : rate_limits{};
  const auto use = c.tenants.gates.use_of(*tenant, now_ms());
  const auto& now = account->now;
  std::string out;
  json_writer w(out);
  w.begin_object().member("tenant_id", to_string(*tenant));
  w.key("storage").begin_object().member("used_bytes", now.bytes);
  write_quota_limit(w, "quota_bytes", limits.quota.bytes);
  w.member("usage_percent", usage_percent(now.bytes, limits.quota.bytes)).end_object().key("rate_limits").begin_object();
  write_rate(w, "requests_per_minute", use.minute, rates.per_minute);
  write_rate(w, "requests_per_hour", use.hour, rates.per_hour);
  write_rate(w, "requests_per_day", use.day, rates.per_day);
  w.end_object().member("collections", now.collections).member("vectors", now.points);
  write_period(w, now_ms());
  if (c.who->may.operator_scope) {
    write_moment(w, "last_request_at", use.last_ms);
    w.key("created_at").null().key("api_keys_count").null();  // HiveHub's to know
  }
  w.end_object();
  co_return json_response(std::move(out));
}

answer tenant_stats(handler_context& c) {
  if (!c.config.cluster.enabled) co_return failure(ec::cluster_mode_disabled);
  const auto tenant = tenant_asked_for(c, c.scope.path_value(0));
  if (!tenant) co_return tenant.error();
  const auto account = co_await account_of(c, *tenant);
  if (!account) co_return account.error();
  const auto names = co_await c.tenants.roll.collections(*tenant);
  if (!names) co_return names.error();
  const auto limits = co_await c.tenants.limits.find(*tenant);
  const auto state = co_await state_of_tenant(c, *tenant);
  std::string out;
  json_writer w(out);
  w.begin_object().member("tenant_id", to_string(*tenant)).member("collection_count", account->now.collections);
  w.key("collections").begin_array();
  for (const auto& name : *names) w.value(name);
  w.end_array().member("total_vectors", account->now.points).member("storage_bytes", account->now.bytes);
  w.member("backups", 0).member("state", state).member("leader", c.node.node_id);
  w.key("replicas").begin_array().value(c.node.node_id).end_array().key("quota");
  write_quota(w, *tenant, limits, *account, now_ms());
  write_moment(w, "last_request_at", c.tenants.gates.use_of(*tenant, now_ms()).last_ms);
  w.end_object();
  co_return json_response(std::move(out));
}

}  // namespace waggle::rest
