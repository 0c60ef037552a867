#include "net/identity/identity_records.hpp"

#include <algorithm>

#include "base/text_out.hpp"
#include "net/bridge/record_reader.hpp"

namespace waggle {
namespace {

void write_tenant(json_writer& w, const std::optional<tenant_id>& tenant) {
  if (tenant) w.member("tenant_id", to_string(*tenant));
}

std::vector<written_scope> read_scopes(record_reader& r) {
  std::vector<written_scope> out;
  const auto list = r["scopes"];
  if (!list.is_array()) return r.fail(), out;
  for (const auto element : list.as_array()) {
    const json_value scope(element);
    const auto collection = scope["collection"];
    if (!collection.is_string()) return r.fail(), out;
    out.push_back({std::string(collection.as_string()), r.texts(scope["permissions"])});
  }
  return out;
}

}  // namespace

std::string encode_key(const key_record& k) {
  std::string out;
  json_writer w(out);
  w.begin_object().member("name", k.name).member("digest", k.digest).member("kind", k.kind);
  w.member("permissions", k.grant.permissions);
  if (k.grant.functions) w.member("functions", *k.grant.functions);
  if (k.grant.scopes) {
    w.key("scopes").begin_array();
    for (const auto& scope : *k.grant.scopes) {
      w.begin_object().member("collection", scope.collection);
      w.member("permissions", scope.permissions);
      w.end_object();
    }
    w.end_array();
  }
  w.member("user_id", k.user_id);
  write_tenant(w, k.tenant);
  w.member("per_minute", k.own_limits.per_minute).member("per_hour", k.own_limits.per_hour);
  w.member("created_at", k.created_at).member("expires_at", k.expires_at);
  if (!k.rotated_to.empty()) w.member("rotated_to", k.rotated_to).member("grace_until", k.grace_until);
  w.end_object();
  return out;
}

result<key_record> decode_key(std::string_view json) {
  record_reader r(json);
  key_record k;
  k.name = r.text("name");
  k.digest = r.text("digest");
  k.kind = r.text("kind");
  k.grant.permissions = r.texts(r["permissions"]);
  if (!r["functions"].missing()) k.grant.functions = r.texts(r["functions"]);
  if (!r["scopes"].missing()) k.grant.scopes = read_scopes(r);
  k.user_id = r.text("user_id");
  k.tenant = r.tenant_or_none("tenant_id");
  k.own_limits.per_minute = r.number<std::uint64_t>("per_minute");
  k.own_limits.per_hour = r.number<std::uint64_t>("per_hour");
  k.created_at = r.number<std::int64_t>("created_at");
  k.expires_at = r.number<std::int64_t>("expires_at");
  k.rotated_to = r.text_or_none("rotated_to");
  k.grace_until = r.number<std::int64_t>("grace_until");
  return r.finish(std::move(k), "key");
}

std::string encode_user(const user_record& u) {
  std::string out;
  json_writer w(out);
  w.begin_object().member("user_id", u.user_id).member("password", u.password);
  w.member("roles", u.roles);
  write_tenant(w, u.tenant);
  w.member("created_at", u.created_at).member("generation", u.generation).end_object();
  return out;
}

result<user_record> decode_user(std::string_view json) {
  record_reader r(json);
  user_record u;
  u.user_id = r.text("user_id");
  u.password = r.text("password");
  u.roles = r.texts(r["roles"]);
  u.tenant = r.tenant_or_none("tenant_id");
  u.created_at = r.number<std::int64_t>("created_at");
  u.generation = r.number<std::uint64_t>("generation");
  return r.finish(std::move(u), "user");
}

bool is_administrator(const user_record& user) {
  return !user.tenant && std::find(user.roles.begin(), user.roles.end(), "Admin") != user.roles.end();
}

std::string encode_revoked_token(const revoked_token& record) {
  std::string out;
  json_writer(out).begin_object().member("expires_at", record.expires_at).end_object();
  return out;
}

result<revoked_token> decode_revoked_token(std::string_view json) {
  record_reader r(json);
  return r.finish(revoked_token{r.number<std::int64_t>("expires_at")}, "revoked token");
}

std::string encode_addresses(const addresses_record& record) {
  std::string out;
  json_writer(out).begin_object().member("allowlist", record.allowlist).member("blocklist", record.blocklist).end_object();
  return out;
}

result<addresses_record> decode_addresses(std::string_view json) {
  record_reader r(json);
  return r.finish(addresses_record{r.texts(r["allowlist"]), r.texts(r["blocklist"])}, "addresses");
}

}  // namespace waggle
