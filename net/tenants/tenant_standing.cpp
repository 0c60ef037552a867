#include "net/tenants/tenant_standing.hpp"

#include <array>

#include "base/text_out.hpp"
#include "net/bridge/record_reader.hpp"

namespace waggle {
namespace {
constexpr std::array<std::string_view, 4> states = {"active", "suspended", "deleting", "deleted"};

void write_limit(json_writer& w, std::string_view name, const std::optional<std::uint64_t>& limit) {
  if (limit) w.member(name, *limit);
}
}  // namespace

std::string_view name_of(tenant_state state) { return states[static_cast<std::size_t>(state)]; }

std::string encode_standing(const tenant_standing& s) {
  std::string out;
  json_writer w(out);
  w.begin_object().member("state", name_of(s.state)).member("since_ms", s.since_ms);
  if (s.delete_at_ms > 0) w.member("delete_at_ms", s.delete_at_ms);
  if (s.limits) {
    const auto& [quota, rates, expires_ms] = *s.limits;
    w.key("limits").begin_object();
    write_limit(w, "collection_count", quota.collections);
    write_limit(w, "vector_count", quota.points);
    write_limit(w, "storage_bytes", quota.bytes);
    write_limit(w, "requests_per_month", quota.requests_per_month);
    w.member("requests_per_minute", rates.per_minute).member("requests_per_hour", rates.per_hour);
    w.member("requests_per_day", rates.per_day).member("expires_ms", expires_ms).end_object();
  }
  w.member("deletions", s.deletions).key("erased").begin_object().member("collections", s.erased.collections);
  w.member("vectors", s.erased.vectors).member("bytes", s.erased.bytes).end_object();
  if (!s.receipt.empty()) w.member("receipt", s.receipt);
  w.end_object();
  return out;
}

result<tenant_standing> decode_standing(std::string_view json) {
  record_reader in(json);
  tenant_standing out;
  out.state = in.one_of<tenant_state>("state", states);
  out.since_ms = in.number<std::int64_t>("since_ms");
  out.delete_at_ms = in.number<std::int64_t>("delete_at_ms");
  if (!in["limits"].missing()) {
    record_reader limits(in["limits"]);
    auto& [quota, rates, expires_ms] = out.limits.emplace();
    quota.collections = limits.number_or_none<std::uint64_t>("collection_count");
    quota.points = limits.number_or_none<std::uint64_t>("vector_count");
    quota.bytes = limits.number_or_none<std::uint64_t>("storage_bytes");
    quota.requests_per_month = limits.number_or_none<std::uint64_t>("requests_per_month");
    rates.per_minute = limits.number<std::uint64_t>("requests_per_minute");
    rates.per_hour = limits.number<std::uint64_t>("requests_per_hour");
    rates.per_day = limits.number<std::uint64_t>("requests_per_day");
    expires_ms = limits.number<std::int64_t>("expires_ms");
    if (!limits.ok()) in.fail();
  }
  out.deletions = in.number<std::uint64_t>("deletions");
  if (!in["erased"].missing()) {
    record_reader erased(in["erased"]);
    out.erased = {erased.number<std::uint64_t>("collections"), erased.number<std::uint64_t>("vectors"),
                  erased.number<std::uint64_t>("bytes")};
    if (!erased.ok()) in.fail();
  }
  out.receipt = in.text_or_none("receipt");
  return in.finish(std::move(out), "a tenant's standing");
}

}  // namespace waggle
