#include "net/tenants/tenant_standing.hpp"

#include <array>

#include "base/json.hpp"
#include "base/text_out.hpp"

namespace waggle {
namespace {
constexpr std::array<std::string_view, 4> states = {"active", "suspended", "deleting", "deleted"};

failure corrupt() {
  failure f(ec::corrupt_data);
  f.log_text = "a tenant's standing can't be read";
  return f;
}

void write_limit(json_writer& w, std::string_view name, const std::optional<std::uint64_t>& limit) {
  if (limit) w.member(name, *limit);
}

std::optional<std::uint64_t> read_limit(const json_value& from, std::string_view name) {
  std::uint64_t n = 0;
  return from[name].get_uint64(n) ? std::optional(n) : std::nullopt;
}

/// 0 when it is not there.
template <class Number>
void read_number(const json_value& from, std::string_view name, Number& to) {
  std::uint64_t n = 0;
  if (from[name].get_uint64(n)) to = static_cast<Number>(n);
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
  json_parser parser;
  const auto root = parser.parse(json);
  if (!root || !root->is_object() || !(*root)["state"].is_string()) return corrupt();
  const auto& in = *root;
  tenant_standing out;
  const auto known = std::find(states.begin(), states.end(), in["state"].as_string());
  if (known == states.end()) return corrupt();
  out.state = static_cast<tenant_state>(known - states.begin());
  read_number(in, "since_ms", out.since_ms);
  read_number(in, "delete_at_ms", out.delete_at_ms);
  if (const auto limits = in["limits"]; limits.is_object()) {
    auto& [quota, rates, expires_ms] = out.limits.emplace();
    quota.collections = read_limit(limits, "collection_count");
    quota.points = read_limit(limits, "vector_count");
    quota.bytes = read_limit(limits, "storage_bytes");
    quota.requests_per_month = read_limit(limits, "requests_per_month");
    read_number(limits, "requests_per_minute", rates.per_minute);
    read_number(limits, "requests_per_hour", rates.per_hour);
    read_number(limits, "requests_per_day", rates.per_day);
    read_number(limits, "expires_ms", expires_ms);
  }
  read_number(in, "deletions", out.deletions);
  if (const auto erased = in["erased"]; erased.is_object()) {
    read_number(erased, "collections", out.erased.collections);
    read_number(erased, "vectors", out.erased.vectors);
    read_number(erased, "bytes", out.erased.bytes);
  }
  if (const auto receipt = in["receipt"]; receipt.is_string()) out.receipt = receipt.as_string();
  return out;
}

}  // namespace waggle
