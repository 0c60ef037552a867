// What a tenant holds, may have and used (contract rest.md §7, §8).
#include <cmath>

#include "base/text_out.hpp"

#include "net/rest/handlers.hpp"
#include "net/rest/tenant_services.hpp"

namespace waggle::rest {
namespace {

/// Of the tenant that asks, with what was read a moment ago: written down first, so every figure comes from one place.
boost::asio::awaitable<result<tenant_record>> fresh_account(handler_context& c) {
  co_await c.tenants.writer.flush();
  co_return co_await c.db.account(c.scope);
}

/// Rule U (rest.md §7): a tenant asks for itself. Whoever acts for a tenant is that tenant here.
result<void> check_user(handler_context& c, std::string_view parameter = "user_id") {
  const auto text = c.http().parameter(parameter);
  if (!text) return {};
  tenant_id user;
  if (!parse_uuid(*text, user.bytes)) return failure(ec::invalid_user_id);
  if (user != c.scope.who().tenant()) return failure(ec::tenant_not_found);
  return {};
}

std::string user_of(handler_context& c) { return to_string(c.scope.who().tenant()); }

double percent(std::uint64_t used, const std::optional<std::uint64_t>& limit) {
  if (!limit) return 0;
  if (*limit == 0) return used > 0 ? 100 : 0;
  return std::round(10000.0 * static_cast<double>(used) / static_cast<double>(*limit)) / 100;
}

/// `limit, used, remaining`; an unlimited one is null in both.
void write_limit(json_writer& w, const std::optional<std::uint64_t>& limit, std::uint64_t used) {
  if (limit)
    w.member("limit", *limit).member("used", used).member("remaining", *limit > used ? *limit - used : 0);
  else
    w.key("limit").null().member("used", used).key("remaining").null();
}

bool has_room(const std::optional<std::uint64_t>& limit, std::uint64_t used) { return !limit || used < *limit; }

void write_rate(json_writer& w, std::string_view name, std::uint64_t limit) {
  if (limit > 0)
    w.member(name, limit);
  else
    w.key(name).null();
}

std::string_view name_of(limits_origin origin) {
  return origin == limits_origin::hub ? "hub" : origin == limits_origin::lease ? "lease" : "default";
}

/// First moment of the UTC month.
std::string month_begins(std::uint32_t month) {
  const std::string text = std::to_string(month);
  return text.substr(0, 4) + "-" + text.substr(4) + "-01T00:00:00.000Z";
}

}  // namespace

answer usage_statistics(handler_context& c) {
  if (auto own = check_user(c); !own) co_return own.error();
  auto account = co_await fresh_account(c);
  if (!account) co_return account.error();
  auto all = co_await c.db.list(c.scope);
  if (!all) co_return all.error();
  const auto only = c.http().parameter("collection_id");
  const auto& now = account->now;
  const auto& total = now.total;
  std::string out;
  json_writer w(out);
  w.begin_object().member("success", true).member("message", "Usage statistics");
  w.key("stats").begin_object().member("user_id", user_of(c)).member("total_collections", now.collections);
  w.member("total_vectors", now.points).member("total_storage", now.bytes).member("api_requests", total.api_requests);
  w.member("search_count", total.search_count).member("vectors_inserted", total.vectors_inserted);
  w.member("vectors_deleted", total.vectors_deleted).member("storage_added", total.storage_added);
  w.member("storage_freed", total.storage_freed).member("collections_created", total.collections_created);
  w.member("collections_deleted", total.collections_deleted).key("collections").begin_array();
  for (const auto& one : *all) {
    if (only && to_string(one.record.id) != *only) continue;
    w.begin_object().member("collection_id", to_string(one.record.id)).member("name", one.record.config.name);
    w.member("vectors", one.counters.points).member("storage", one.counters.bytes).end_object();
  }
  w.end_array().end_object().end_object();
  co_return json_response(std::move(out));
}

answer usage_quota(handler_context& c) {
  if (auto own = check_user(c); !own) co_return own.error();
  auto account = co_await fresh_account(c);
  if (!account) co_return account.error();
  const auto limits = co_await c.tenants.limits.find(c.scope.who().tenant());
  const auto& quota = limits.quota;
  const auto& now = account->now;
  const auto now_ms = system_clock().unix_ms();
  const auto month = utc_month(now_ms);
  std::string out;
  json_writer w(out);
  w.begin_object().member("success", true).member("message", "Quota");
  w.key("quota").begin_object().member("tenant_id", user_of(c));
  w.key("storage").begin_object();
  write_limit(w, quota.bytes, now.bytes);
  w.member("usage_percent", percent(now.bytes, quota.bytes)).member("can_allocate", has_room(quota.bytes, now.bytes));
  w.end_object().key("vectors").begin_object();
  write_limit(w, quota.points, now.points);
  w.member("can_insert", has_room(quota.points, now.points)).end_object().key("collections").begin_object();
  write_limit(w, quota.collections, now.collections);
  w.member("can_create", has_room(quota.collections, now.collections)).end_object().key("rate_limits").begin_object();
  write_rate(w, "requests_per_minute", limits.rates.per_minute);
  write_rate(w, "requests_per_hour", limits.rates.per_hour);
  write_rate(w, "requests_per_day", limits.rates.per_day);
  w.end_object().key("monthly").begin_object();
  write_limit(w, quota.requests_per_month, account->month == month ? account->month_requests : 0);
  w.member("period_start", month_begins(month)).member("period_end", format_rfc3339(next_utc_month_ms(now_ms)));
  w.end_object().member("source", name_of(limits.origin));
  if (limits.updated_ms > 0)
    w.member("updated_at", format_rfc3339(limits.updated_ms));
  else
    w.key("updated_at").null();
  w.end_object().end_object();
  co_return json_response(std::move(out));
}

}  // namespace waggle::rest
