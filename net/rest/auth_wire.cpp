#include "net/rest/auth_wire.hpp"

#include <algorithm>

#include "base/limits.hpp"

namespace waggle::rest {
namespace {

std::vector<std::string> read_texts(decoder& d, const json_value& list, std::string_view field, std::size_t most) {
  std::vector<std::string> out;
  if (!list.is_array()) return d.refuse(field, "must be an array of strings"), out;
  for (const auto element : list.as_array()) {
    const json_value text(element);
    if (!text.is_string() || text.as_string().empty()) return d.refuse(field, "must hold strings"), out;
    if (out.size() == most) return d.refuse(field, "has too many elements"), out;
    out.emplace_back(text.as_string());
  }
  return out;
}

/// Inside a collection nothing is administered.
bool fits_a_scope(std::string_view word) {
  return word == "read" || word == "write" || word == "delete" || word == "READ_ONLY" || word == "READ_WRITE";
}

std::vector<std::string> read_words(decoder& d, const json_value& list, std::string_view field,
                                    bool (*known)(std::string_view)) {
  constexpr std::size_t words_max = 32;
  auto words = read_texts(d, list, field, words_max);
  if (words.empty()) d.refuse(field, "must not be empty");
  for (const auto& word : words)
    if (!known(word)) d.refuse(field, "'" + word + "' is no permission here");
  return words;
}

std::vector<written_scope> read_scopes(decoder& d, const json_value& list) {
  std::vector<written_scope> scopes;
  if (!list.is_array()) return d.refuse("scopes", "must be an array"), scopes;
  for (const auto element : list.as_array()) {
    const json_value scope(element);
    const auto name = scope["collection"];
    if (!name.is_string() || name.as_string().empty() || name.as_string().size() > limits::collection_name_bytes_max)
      return d.refuse("scopes", "must hold objects with a collection"), scopes;
    if (scopes.size() == limits::key_collections_max) return d.refuse("scopes", "has too many elements"), scopes;
    auto words = scope["permissions"].missing() ? std::vector<std::string>{"read"}
                                                : read_words(d, scope["permissions"], "scopes", fits_a_scope);
    scopes.push_back({std::string(name.as_string()), std::move(words)});
  }
  return scopes;
}

std::optional<tenant_id> read_tenant(decoder& d) {
  const auto text = d.optional_text({"tenant_id"});
  if (!text) return std::nullopt;
  tenant_id id;
  if (!parse_uuid(*text, id.bytes) || id.is_nil()) d.refuse("tenant_id", "must be a UUID");
  return id;
}

std::string_view status_of(const key_record& key, std::int64_t now_unix_s) {
  if (key.expires_at > 0 && now_unix_s >= key.expires_at) return "expired";
  if (key.rotated_to.empty()) return "active";
  return now_unix_s < key.grace_until ? "deprecated" : "expired";
}
}  // namespace

failure no_local_identity() {
  return failure(ec::route_not_found, "No such route; it comes with auth.enabled");
}

wanted_grant read_grant(decoder& d, wanted_grant grant) {
  const auto root = d.root();
  if (const auto list = root["permissions"]; !list.missing())
    grant.permissions = read_words(d, list, "permissions", is_local_permission);
  if (const auto list = root["allowed_functions"]; list.is_null())
    grant.functions.reset();
  else if (list.present())
    grant.functions = read_texts(d, list, "allowed_functions", limits::key_functions_max);
  if (const auto list = root["scopes"]; list.is_null())
    grant.scopes.reset();
  else if (list.present())
    grant.scopes = read_scopes(d, list);
  return grant;
}

key_request read_key_request(decoder& d) {
  key_request wanted;
  wanted.name = d.text({"name"});
  if (wanted.name.empty() || wanted.name.size() > limits::key_name_bytes_max)
    d.refuse("name", "must have 1 to 128 bytes");
  wanted.kind = d.optional_text({"kind"}).value_or("api");
  if (wanted.kind != "api" && wanted.kind != "mcp") d.refuse("kind", "must be api or mcp");
  wanted.grant = read_grant(d, {{wanted.kind == "mcp" ? "MCP" : "read"}, std::nullopt, std::nullopt});
  wanted.expires_in_s = static_cast<std::int64_t>(
      d.optional_integer({"expires_in"}, 1, static_cast<std::uint64_t>(limits::key_lifetime_s_max)).value_or(0));
  wanted.tenant = read_tenant(d);
  if (const auto own = d.object({"rate_limits"}); own.present()) {
    decoder inner(own);
    constexpr std::uint64_t most = 1'000'000'000;
    wanted.own_limits.per_minute = inner.optional_integer({"requests_per_minute", "per_minute"}, 1, most).value_or(0);
    wanted.own_limits.per_hour = inner.optional_integer({"requests_per_hour", "per_hour"}, 1, most).value_or(0);
    if (inner.failed()) d.refuse(inner.fault());
  }
  return wanted;
}

user_request read_user_request(decoder& d) {
  user_request wanted;
  wanted.username = d.text({"username"});
  wanted.password = d.text({"password"});
  wanted.roles = d.root()["roles"].missing() ? std::vector<std::string>{"User"}
                                             : read_words(d, d.root()["roles"], "roles", is_role);
  wanted.tenant = read_tenant(d);
  return wanted;
}

addresses_record read_addresses(decoder& d) {
  addresses_record lists;
  for (const auto& [name, into] : {std::pair{"allowlist", &lists.allowlist}, {"blocklist", &lists.blocklist}})
    if (const auto list = d.root()[name]; !list.missing())
      *into = read_texts(d, list, name, tenant_ip_lists::entries_max);
  return lists;
}

void write_grant(json_writer& w, const wanted_grant& grant) {
  w.member("permissions", grant.permissions);
  if (grant.scopes) {
    w.key("scopes").begin_array();
    for (const auto& scope : *grant.scopes) {
      w.begin_object().member("collection", scope.collection);
      w.member("permissions", scope.permissions);
      w.end_object();
    }
    w.end_array();
  } else {
    w.key("scopes").null();
  }
  if (grant.functions)
    w.member("allowed_functions", *grant.functions);
  else
    w.key("allowed_functions").null();
}

void write_seconds(json_writer& w, std::string_view name, std::int64_t unix_s) {
  if (unix_s > 0)
    w.member(name, unix_s);
  else
    w.key(name).null();
}

void write_key(json_writer& w, const live_key& key, std::int64_t now_unix_s) {
  const auto& record = key.record;
  const auto status = status_of(record, now_unix_s);
  w.begin_object().member("id", key.id).member("name", record.name).member("kind", record.kind);
  w.member("user_id", record.user_id);
  if (record.tenant)
    w.member("tenant_id", to_string(*record.tenant));
  else
    w.key("tenant_id").null();
  write_grant(w, record.grant);
  w.member("created_at", record.created_at);
  write_seconds(w, "last_used", key.usage->last_used());
  write_seconds(w, "expires_at", record.expires_at);
  w.member("active", status != "expired").member("usage_count", key.usage->total());
  w.member("usage_24h", key.usage->last_24_hours(now_unix_s)).member("rotation_status", status);
  if (!record.rotated_to.empty()) w.member("rotated_to", record.rotated_to).member("grace_until", record.grace_until);
  w.end_object();
}

void write_user(json_writer& w, const live_user& user) {
  w.begin_object().member("user_id", user.record.user_id).member("username", user.name);
  w.member("roles", user.record.roles);
  if (user.record.tenant)
    w.member("tenant_id", to_string(*user.record.tenant));
  else
    w.key("tenant_id").null();
  w.member("created_at", user.record.created_at).end_object();
}

}  // namespace waggle::rest
