#include "net/rest/usage_shapes.hpp"

#include <cmath>

#include "base/clock.hpp"

namespace waggle::rest {
namespace {

/// `limit, used, remaining`; an unlimited one is null in both.
void write_limit(json_writer& w, const std::optional<std::uint64_t>& limit, std::uint64_t used) {
  if (limit)
    w.member("limit", *limit).member("used", used).member("remaining", *limit > used ? *limit - used : 0);
  else
    w.key("limit").null().member("used", used).key("remaining").null();
}

bool has_room(const std::optional<std::uint64_t>& limit, std::uint64_t used) { return !limit || used < *limit; }

void write_rate(json_writer& w, std::string_view name, std::uint64_t limit) {
  write_quota_limit(w, name, limit > 0 ? std::optional(limit) : std::nullopt);
}

/// First moment of the UTC month.
std::string month_begins(std::uint32_t month) {
  const std::string text = std::to_string(month);
  return text.substr(0, 4) + "-" + text.substr(4) + "-01T00:00:00.000Z";
}

}  // namespace

double usage_percent(std::uint64_t used, const std::optional<std::uint64_t>& limit) {
  if (!limit) return 0;
  if (*limit == 0) return used > 0 ? 100 : 0;
  return std::round(10000.0 * static_cast<double>(used) / static_cast<double>(*limit)) / 100;
}

void write_quota_limit(json_writer& w, std::string_view name, const std::optional<std::uint64_t>& limit) {
  if (limit)
    w.member(name, *limit);
  else
    w.key(name).null();
}

void write_moment(json_writer& w, std::string_view name, std::int64_t unix_ms) {
  if (unix_ms > 0)
    w.member(name, format_rfc3339(unix_ms));
  else
    w.key(name).null();
}

void write_period(json_writer& w, std::int64_t now_unix_ms) {
  w.member("period_start", month_begins(utc_month(now_unix_ms)));
  w.member("period_end", format_rfc3339(next_utc_month_ms(now_unix_ms)));
}

void write_quota(json_writer& w, const tenant_id& tenant, const tenant_limits& limits, const tenant_record& account,
                 std::int64_t now_unix_ms) {
  const auto& quota = limits.quota;
  const auto& now = account.now;
  w.begin_object().member("tenant_id", to_string(tenant));
  w.key("storage").begin_object();
  write_limit(w, quota.bytes, now.bytes);
  w.member("usage_percent", usage_percent(now.bytes, quota.bytes));
  w.member("can_allocate", !quota.no_growth && has_room(quota.bytes, now.bytes)).end_object().key("vectors").begin_object();
  write_limit(w, quota.points, now.points);
  w.member("can_insert", !quota.no_growth && has_room(quota.points, now.points)).end_object().key("collections").begin_object();
  write_limit(w, quota.collections, now.collections);
  w.member("can_create", !quota.no_growth && has_room(quota.collections, now.collections)).end_object().key("rate_limits").begin_object();
  write_rate(w, "requests_per_minute", limits.rates.per_minute);
  write_rate(w, "requests_per_hour", limits.rates.per_hour);
  write_rate(w, "requests_per_day", limits.rates.per_day);
  w.end_object().key("monthly").begin_object();
  write_limit(w, quota.requests_per_month, account.month == utc_month(now_unix_ms) ? account.month_requests : 0);
  write_period(w, now_unix_ms);
  w.end_object().member("source", name_of(limits.origin));
  write_moment(w, "updated_at", limits.updated_ms);
  w.end_object();
}

}  // namespace waggle::rest
