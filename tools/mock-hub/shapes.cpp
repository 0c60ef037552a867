#include "tools/mock-hub/shapes.hpp"

#include <algorithm>
#include <array>

#include "base/text_out.hpp"

namespace waggle::mock {
namespace {
std::optional<unix_ms> read_expiry(const json::object& from, unix_ms now) {
  if (const auto seconds = find_number(from, "expires_in_seconds")) return now + *seconds * 1000;
  if (const auto when = find_text(from, "expires_at")) return parse_rfc3339(*when);
  return std::nullopt;
}

/// Copies a limit, if the user has it, under another name.
void put_limit(json::object& out, std::string_view as, const limit_map& limits, const std::string& name) {
  const auto found = limits.find(name);
  if (found == limits.end()) return;
  if (found->second)
    out[as] = *found->second;
  else
    out[as] = nullptr;
}

std::int64_t value_of(const counters& from, const std::string& name) {
  const auto found = from.find(name);
  return found == from.end() ? 0 : found->second;
}

json::object to_json(const counters& sums) {
  json::object out;
  for (const auto& [name, value] : sums) out[name] = value;
  return out;
}

json::object limits_shape(const user& who, const counters& used) {
  json::object limits;
  for (const auto& item : who.limits) put_limit(limits, item.first, who.limits, item.first);
  return {{"limits", std::move(limits)}, {"used", to_json(used)}};
}

json::object max_shape(const user& who, const counters& used) {
  json::object out;
  put_limit(out, "max_vectors", who.limits, "vector_count");
  put_limit(out, "max_collections", who.limits, "collection_count");
  out["vectors_used"] = value_of(used, "vector_count");
  out["collections_used"] = value_of(used, "collection_count");
  return out;
}

json::object operations_shape(const user& who, const counters& used) {
  json::object out;
  put_limit(out, "storage_limit_bytes", who.limits, "storage_bytes");
  put_limit(out, "monthly_operations_limit", who.limits, "requests_per_month");
  out["storage_used_bytes"] = value_of(used, "storage_bytes");
  return out;
}

json::object groups_shape(const user& who, const counters& used) {
  static constexpr std::array groups = {std::pair{"storage", "storage_bytes"}, std::pair{"vectors", "vector_count"},
                                        std::pair{"collections", "collection_count"}};
  json::object out;
  for (const auto& [group, name] : groups) {
    json::object entry{{"used", value_of(used, name)}};
    put_limit(entry, "limit", who.limits, name);
    out[group] = std::move(entry);
  }
  json::object rates;
  for (const auto* name : {"requests_per_minute", "requests_per_hour", "requests_per_day", "requests_per_month"})
    put_limit(rates, name, who.limits, name);
  out["rate_limits"] = std::move(rates);
  return out;
}
}  // namespace

user read_user(const json::object& from, unix_ms now) {
  user who;
  who.id = text_or(from, "id", "");
  who.name = text_or(from, "name", "");
  who.email = text_or(from, "email", "");
  who.plan = text_or(from, "plan", who.plan);
  who.status = text_or(from, "status", who.status);
  who.created_at = now;
  who.limits = default_limits();
  if (const auto* limits = find_object(from, "limits")) read_limits(who.limits, *limits);
  if (const auto* lists = find_object(from, "ip_lists")) who.ip_lists = *lists;
  return who;
}

access_key read_key(const json::object& from, unix_ms now) {
  access_key key;
  key.id = text_or(from, "id", "");
  key.secret = text_or(from, "key", "");
  key.user_id = text_or(from, "user_id", "");
  key.name = text_or(from, "name", "key");
  key.permissions = find_texts(from, "permissions").value_or(std::vector<std::string>{"READ_WRITE"});
  key.functions = find_texts(from, "functions");
  if (!key.functions) key.functions = find_texts(from, "allowed_functions");
  key.scope = text_or(from, "scope", key.scope);
  key.created_at = now;
  key.expires_at = read_expiry(from, now);
  if (const auto* limits = find_object(from, "rate_limit_override")) key.rate_limit_override = *limits;
  return key;
}

void read_limits(limit_map& limits, const json::object& from) {
  const auto known = default_limits();
  for (const auto& member : from) {
    const std::string name(member.key());
    if (!known.contains(name)) throw refusal(400, "there is no limit " + name);
    limits[name] = find_number(from, name);
  }
}

json::object user_body(const user& who) {
  json::object out{{"id", who.id},     {"name", who.name},     {"email", who.email},
                   {"plan", who.plan}, {"status", who.status}, {"created_at", format_rfc3339(who.created_at)}};
  return out;
}

json::object key_body(const access_key& key, unix_ms now) {
  json::object out{{"id", key.id},
                   {"key_id", key.id},
                   {"key", key.secret},
                   {"user_id", key.user_id},
                   {"name", key.name},
                   {"permissions", to_json(key.permissions)},
                   {"scope", key.scope},
                   {"created_at", format_rfc3339(key.created_at)},
                   {"rotation_status", rotation_status(key, now)}};
  if (key.functions) out["allowed_functions"] = to_json(*key.functions);
  if (key.expires_at) out["expires_at"] = format_rfc3339(*key.expires_at);
  if (key.rotation_expires_at) out["rotation_expires_at"] = format_rfc3339(*key.rotation_expires_at);
  if (key.rate_limit_override) out["rate_limit_override"] = *key.rate_limit_override;
  return out;
}

json::object validation_body(const access_key& key, const user& owner, unix_ms now) {
  const auto rotation = rotation_status(key, now);
  if (rotation == "revoked" || rotation == "expired" || owner.status == "deleted")
    return {{"valid", false}, {"rotation_status", rotation}, {"status", owner.status}};
  auto out = key_body(key, now);
  for (const auto* inner : {"id", "key", "user_id"}) out.erase(inner);
  out["valid"] = true;
  out["tenant_id"] = owner.id;
  out["tenant_name"] = owner.name;
  out["status"] = owner.status;
  out["plan"] = owner.plan;
  if (owner.ip_lists) out["ip_lists"] = *owner.ip_lists;
  return out;
}

bool is_quota_shape(std::string_view name) {
  return name == "limits" || name == "max" || name == "operations" || name == "groups";
}

json::object quota_body(const user& who, const counters& used) {
  auto out = who.quota_shape == "max"          ? max_shape(who, used)
             : who.quota_shape == "operations" ? operations_shape(who, used)
             : who.quota_shape == "groups"     ? groups_shape(who, used)
                                               : limits_shape(who, used);
  for (const auto& member : who.quota_extras) out[member.key()] = member.value();
  if (!who.quota_nested) return out;
  json::object nested;
  nested["quota"] = std::move(out);
  return nested;
}

json::object usage_body(const std::string& tenant_id, const tenant_usage& usage) {
  json::array gaps;
  json::array ranges;
  for (const auto& [ledger, covered] : usage.positions) {
    for (const auto& [from, to] : covered.stretches())
      ranges.push_back({{"cluster_id", ledger.first}, {"ledger_epoch", ledger.second}, {"from", from}, {"to", to}});
    for (const auto& [from, to] : covered.gaps())
      gaps.push_back({{"cluster_id", ledger.first}, {"ledger_epoch", ledger.second}, {"from", from}, {"to", to}});
  }
  return {{"tenant_id", tenant_id},
          {"reports", usage.reports},
          {"duplicates", usage.duplicates},
          {"altered", usage.altered},
          {"overlaps", usage.overlaps},
          {"raw", to_json(usage.raw)},
          {"totals", to_json(usage.totals)},
          {"present", to_json(usage.gauges)},
          {"ranges", std::move(ranges)},
          {"gaps", std::move(gaps)},
          {"collections", collections_body(usage)}};
}

json::array collections_body(const tenant_usage& usage) {
  json::array out;
  for (const auto& [id, collection] : usage.collections)
    out.push_back({{"collection_id", id},
                   {"collection_name", collection.name},
                   {"vector_count", collection.vector_count},
                   {"storage_bytes", collection.storage_bytes},
                   {"dimension", collection.dimension},
                   {"created_at", format_rfc3339(collection.created_at)}});
  return out;
}

}  // namespace waggle::mock
