// What operators do with whole tenants, and HiveHub's news of them (contract tenancy.md §5, §8, hub.md §8).
#include <algorithm>

#include "base/clock.hpp"
#include "base/text_out.hpp"
#include "net/http/target.hpp"
#include "net/http/types.hpp"
#include "net/rest/handlers.hpp"
#include "net/rest/node_state.hpp"
#include "net/rest/tenant_services.hpp"
#include "net/rest/usage_shapes.hpp"
#include "net/tenants/hub_events.hpp"
#include "storage/payload/datetime.hpp"

namespace waggle::rest {
namespace {

result<tenant_id> tenant_of_path(handler_context& c) {
  if (!c.config.cluster.enabled) return failure(ec::cluster_mode_disabled);
  return read_tenant_id(c.scope.path_value(0));
}

/// One that has an account: what sleeps must have something to wake.
boost::asio::awaitable<result<tenant_id>> known_tenant_of_path(handler_context& c) {
  const auto tenant = tenant_of_path(c);
  if (!tenant) co_return tenant.error();
  const auto account = co_await c.tenants.roll.account(*tenant);
  if (!account) co_return account.error();
  if (!*account) co_return failure(ec::tenant_not_found);
  co_return tenant;
}

http_response state_answer(const tenant_id& tenant, std::string_view state) {
  std::string out;
  json_writer(out).begin_object().member("tenant_id", to_string(tenant)).member("state", state).end_object();
  return json_response(std::move(out));
}

std::optional<hub_event> read_event(decoder& d, const json_value& in) {
  decoder one(in);
  hub_event event;
  event.id = one.text({"id"});
  event.type = one.text({"type"});
  event.key_id = one.optional_text({"key_id"}).value_or("");
  event.key_sha256 = one.optional_text({"key_sha256"}).value_or("");
  const auto tenant = one.optional_text({"tenant_id"});
  if (one.failed())
    d.refuse(one.fault());
  else if (!is_header_id(event.id, limits::correlation_id_bytes_max))
    d.refuse("id", "must be 1 to 128 visible ASCII characters");
  else if (tenant && !parse_uuid(*tenant, event.tenant.emplace().bytes))
    d.refuse(failure(ec::invalid_user_id));
  if (d.failed()) return std::nullopt;
  return event;
}

}  // namespace

answer tenant_suspend(handler_context& c) {
  const auto tenant = tenant_of_path(c);
  if (!tenant) co_return tenant.error();
  if (const auto done = co_await c.tenants.keeper.suspend(*tenant); !done) co_return done.error();
  co_return state_answer(*tenant, "suspended");
}

answer tenant_resume(handler_context& c) {
  const auto tenant = tenant_of_path(c);
  if (!tenant) co_return tenant.error();
  if (const auto done = co_await c.tenants.keeper.resume(*tenant); !done) co_return done.error();
  const auto state = co_await state_of_tenant(c, *tenant);
  co_return state_answer(*tenant, state);
}

answer tenant_hibernate(handler_context& c) {
  const auto tenant = co_await known_tenant_of_path(c);
  if (!tenant) co_return tenant.error();
  const auto asleep = co_await c.tenants.keeper.hibernate(*tenant);
  if (!asleep) co_return asleep.error();
  if (!*asleep) {
    failure busy(ec::conflict, "The tenant is at work");
    busy.retry_after_seconds = 1;
    co_return busy;
  }
  co_return state_answer(*tenant, "hibernated");
}

answer tenant_wake(handler_context& c) {
  const auto tenant = co_await known_tenant_of_path(c);
  if (!tenant) co_return tenant.error();
  if (const auto awake = co_await c.tenants.keeper.wake(*tenant); !awake) co_return awake.error();
  const auto state = co_await state_of_tenant(c, *tenant);
  co_return state_answer(*tenant, state);
}

answer tenant_set_quota(handler_context& c) {
  const auto tenant = tenant_of_path(c);
  if (!tenant) co_return tenant.error();
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  decoder d(body->root());
  const auto given = d.object({"limits"});
  if (!given.present()) d.refuse("limits", "is required: an object; {} takes all of them away");
  if (d.failed()) co_return d.fault();
  decoder in(given);
  limits_override set;
  set.quota.collections = in.optional_integer({"collection_count", "CollectionCount"});
  set.quota.points = in.optional_integer({"vector_count", "VectorCount"});
  set.quota.bytes = in.optional_integer({"storage", "storage_bytes", "StorageBytes"});
  set.quota.requests_per_month = in.optional_integer({"requests_per_month"});
  // 0 would be "not limited" to the windows: who shall ask for nothing is suspended.
  set.rates.per_minute = in.optional_integer({"requests_per_minute"}, 1).value_or(0);
  set.rates.per_hour = in.optional_integer({"requests_per_hour"}, 1).value_or(0);
  set.rates.per_day = in.optional_integer({"requests_per_day"}, 1).value_or(0);
  if (in.failed()) co_return in.fault();
  if (const auto until = d.optional_text({"expires_at"})) {
    const auto at = parse_instant(*until);
    if (at) set.expires_ms = at->unix_seconds * 1000;
    if (!at || set.expires_ms <= system_clock().unix_ms()) d.refuse("expires_at", "must be an RFC 3339 time that is to come");
  }
  if (d.failed()) co_return d.fault();
  const auto& q = set.quota;
  const auto& r = set.rates;
  const bool none = !q.collections && !q.points && !q.bytes && !q.requests_per_month && r.per_minute + r.per_hour + r.per_day == 0;
  const auto wanted = none ? std::nullopt : std::optional(set);
  if (const auto done = co_await c.tenants.keeper.limit(*tenant, wanted); !done) co_return done.error();
  const auto account = co_await c.tenants.roll.account(*tenant);
  if (!account) co_return account.error();
  const auto limits = co_await c.tenants.limits.find(*tenant);
  std::string out;
  json_writer w(out);
  write_quota(w, *tenant, limits, account->value_or(tenant_record{}), system_clock().unix_ms());
  co_return json_response(std::move(out));
}

answer tenant_cleanup(handler_context& c) {
  if (!c.config.cluster.enabled) co_return failure(ec::cluster_mode_disabled);
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  decoder d(body->root());
  const auto text = d.text({"tenant_id"});
  if (!d.failed() && !d.boolean({"confirm"}, false)) d.refuse("confirm", "must be true: this can't be taken back");
  const auto mode = d.optional_text({"mode"}).value_or("auto");
  d.boolean({"delete_backups"}, false);
  if (mode != "auto" && mode != "erase" && mode != "crypto_shred") d.refuse("mode", "must be auto, erase or crypto_shred");
  if (mode == "crypto_shred") d.refuse("mode", "crypto_shred needs encryption at rest, which this node does not have");
  if (d.failed()) co_return d.fault();
  const auto tenant = read_tenant_id(text);
  if (!tenant) co_return tenant.error();
  const auto done = co_await c.tenants.keeper.erase(*tenant, c.scope.deadline_ms());
  if (!done) co_return done.error();
  std::string out;
  json_writer w(out);
  w.begin_object().member("tenant_id", to_string(*tenant)).member("collections_deleted", done->erased.collections);
  w.member("vectors_deleted", done->erased.vectors).member("bytes_freed", done->erased.bytes).member("backups_deleted", 0);
  w.member("erase_mode", "erase").key("nodes").begin_array().value(c.node.node_id).end_array();
  w.member("receipt", done->receipt).member("message", "The tenant is erased").end_object();
  co_return json_response(std::move(out));
}

answer hub_events_route(handler_context& c) {
  if (!c.tenants.events) co_return failure(ec::hub_disabled);
  // HiveHub's own services only: an operator's key is no word of HiveHub.
  if (c.who->kind != principal_kind::service) co_return failure(ec::forbidden);
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  decoder d(body->root());
  const auto list = d.array({"events"});
  constexpr std::size_t events_max = 1000;
  std::vector<hub_event> events;
  if (!d.failed())
    for (const auto element : list.as_array()) {
      if (events.size() == events_max) d.refuse("events", "has more than 1000 entries");
      if (d.failed()) break;
      if (auto event = read_event(d, json_value(element))) events.push_back(std::move(*event));
    }
  if (d.failed()) co_return d.fault();
  const auto done = co_await c.tenants.events->apply(std::move(events));
  if (!done) co_return done.error();
  std::string out;
  json_writer w(out);
  w.begin_object().member("accepted", done->accepted).member("duplicates", done->duplicates).member("failed", done->failed);
  w.end_object();
  co_return json_response(std::move(out));
}

}  // namespace waggle::rest
