#include "net/identity/identity_records.hpp"

#include <algorithm>

#include "base/json.hpp"
#include "base/text_out.hpp"

namespace waggle {
namespace {

failure corrupt(const char* what) {
  failure f(ec::corrupt_data);
  f.log_text = std::string("identity record: ") + what;
  return f;
}

void write_tenant(json_writer& w, const std::optional<tenant_id>& tenant) {
  if (tenant) w.member("tenant_id", to_string(*tenant));
}

/// Reads members; the first that is missing or wrong makes the record corrupt.
class record_reader {
 public:
  explicit record_reader(std::string_view json) {
    auto root = parser_.parse(json);
    if (root && root->is_object())
      root_ = *root;
    else
      ok_ = false;
  }
  bool ok() const { return ok_; }
  json_value root() const { return root_; }
  std::string text(std::string_view name) {
    const auto v = root_[name];
    if (v.is_string()) return std::string(v.as_string());
    ok_ = false;
    return {};
  }
  std::string text_or_none(std::string_view name) { return root_[name].missing() ? std::string() : text(name); }
  std::int64_t number(std::string_view name) {
    std::int64_t n = 0;
    if (const auto v = root_[name]; !v.missing() && !v.get_int64(n)) ok_ = false;
    return n;
  }
  std::vector<std::string> texts(const json_value& list) {
    std::vector<std::string> out;
    if (!list.is_array()) return ok_ = false, out;
    for (const auto element : list.as_array()) {
      const json_value v(element);
      if (!v.is_string()) return ok_ = false, out;
      out.emplace_back(v.as_string());
    }
    return out;
  }
  std::optional<tenant_id> tenant() {
    if (root_["tenant_id"].missing()) return std::nullopt;
    tenant_id id;
    if (!parse_uuid(text("tenant_id"), id.bytes)) ok_ = false;
    return id;
  }
  std::vector<written_scope> scopes() {
    std::vector<written_scope> out;
    const auto list = root_["scopes"];
    if (!list.is_array()) return ok_ = false, out;
    for (const auto element : list.as_array()) {
      const json_value scope(element);
      const auto collection = scope["collection"];
      if (!collection.is_string()) return ok_ = false, out;
      out.push_back({std::string(collection.as_string()), texts(scope["permissions"])});
    }
    return out;
  }

 private:
  json_parser parser_;
  json_value root_;
  bool ok_ = true;
};

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
  if (!r.ok()) return corrupt("key");
  key_record k;
  k.name = r.text("name");
  k.digest = r.text("digest");
  k.kind = r.text("kind");
  k.grant.permissions = r.texts(r.root()["permissions"]);
  if (!r.root()["functions"].missing()) k.grant.functions = r.texts(r.root()["functions"]);
  if (!r.root()["scopes"].missing()) k.grant.scopes = r.scopes();
  k.user_id = r.text("user_id");
  k.tenant = r.tenant();
  k.own_limits.per_minute = static_cast<std::uint64_t>(r.number("per_minute"));
  k.own_limits.per_hour = static_cast<std::uint64_t>(r.number("per_hour"));
  k.created_at = r.number("created_at");
  k.expires_at = r.number("expires_at");
  k.rotated_to = r.text_or_none("rotated_to");
  k.grace_until = r.number("grace_until");
  if (!r.ok()) return corrupt("key");
  return k;
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
  if (!r.ok()) return corrupt("user");
  user_record u;
  u.user_id = r.text("user_id");
  u.password = r.text("password");
  u.roles = r.texts(r.root()["roles"]);
  u.tenant = r.tenant();
  u.created_at = r.number("created_at");
  u.generation = static_cast<std::uint64_t>(r.number("generation"));
  if (!r.ok()) return corrupt("user");
  return u;
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
  if (!r.ok()) return corrupt("revoked token");
  revoked_token record{r.number("expires_at")};
  if (!r.ok()) return corrupt("revoked token");
  return record;
}

std::string encode_addresses(const addresses_record& record) {
  std::string out;
  json_writer(out).begin_object().member("allowlist", record.allowlist).member("blocklist", record.blocklist).end_object();
  return out;
}

result<addresses_record> decode_addresses(std::string_view json) {
  record_reader r(json);
  if (!r.ok()) return corrupt("addresses");
  addresses_record record{r.texts(r.root()["allowlist"]), r.texts(r.root()["blocklist"])};
  if (!r.ok()) return corrupt("addresses");
  return record;
}

}  // namespace waggle
