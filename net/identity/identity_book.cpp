#include "net/identity/identity_book.hpp"

#include <algorithm>
#include <mutex>

#include "base/crypto.hpp"
#include "base/log.hpp"
#include "base/text_out.hpp"

namespace waggle {
namespace {
/// What a secret is compared with where there is no key: of the same length as every digest, and of no secret.
const std::string no_digest(64, '0');

std::string rfc3339(std::int64_t unix_s) { return unix_s > 0 ? format_rfc3339(1000 * unix_s) : std::string(); }

void unreadable(const record_change& change, const failure& why) {
  log_event(log_level::error, "identity", "a record can't be read; whom it was about is not let in",
            {{"space", change.space}, {"why", why.log_text}});
}

/// True when the record is decoded; else it is erased or unreadable, and must go.
template <class Record>
bool read(const record_change& change, result<Record> (*decode)(std::string_view), Record& out) {
  if (!change.value) return false;
  auto record = decode(*change.value);
  if (!record) return unreadable(change, record.error()), false;
  out = std::move(*record);
  return true;
}
}  // namespace

void identity_book::take(const std::vector<record_change>& changes) {
  if (changes.empty()) return;
  const std::unique_lock lock(mutex_);
  for (const auto& change : changes) {
    if (change.space == keys_space) take_key(change);
    if (change.space == users_space) take_user(change);
    if (change.space == revoked_tokens_space) take_token(change);
    if (change.space == addresses_space) take_addresses(change);
  }
}

void identity_book::take_key(const record_change& change) {
  const auto known = keys_.find(change.key);
  if (known != keys_.end() && known->second->version > change.version) return;
  auto fresh = std::make_shared<live_key>();
  if (!read(change, decode_key, fresh->record)) {
    keys_.erase(change.key);
    return;
  }
  fresh->id = change.key;
  fresh->version = change.version;
  fresh->who = principal_of(change.key, fresh->record);
  fresh->usage = known != keys_.end() ? known->second->usage : std::make_shared<key_usage>();
  keys_.insert_or_assign(change.key, std::move(fresh));
}

void identity_book::take_user(const record_change& change) {
  const auto known = users_.find(change.key);
  if (known != users_.end() && known->second->version > change.version) return;
  auto fresh = std::make_shared<live_user>();
  if (!read(change, decode_user, fresh->record)) {
    users_.erase(change.key);
    return;
  }
  fresh->name = change.key;
  fresh->version = change.version;
  users_.insert_or_assign(change.key, std::move(fresh));
}

void identity_book::take_token(const record_change& change) {
  revoked_token token;
  if (read(change, decode_revoked_token, token))
    revoked_.insert_or_assign(change.key, token);
  else if (!change.value)
    revoked_.erase(change.key);
}

/// Lists that can't be read let nobody in.
void identity_book::take_addresses(const record_change& change) {
  tenant_id tenant;
  if (!parse_uuid(change.key, tenant.bytes)) return;
  const auto known = addresses_.find(tenant);
  if (known != addresses_.end() && known->second->version > change.version) return;
  if (!change.value) {
    addresses_.erase(tenant);
    return;
  }
  auto fresh = std::make_shared<live_addresses>();
  fresh->version = change.version;
  const auto good = read(change, decode_addresses, fresh->record);
  const auto allowed = parse_networks(fresh->record.allowlist), blocked = parse_networks(fresh->record.blocklist);
  if (good && allowed && blocked)
    fresh->lists = {*allowed, *blocked};
  else
    fresh->lists.blocklist = {*ip_network::parse("0.0.0.0/0"), *ip_network::parse("::/0")};
  addresses_.insert_or_assign(tenant, std::move(fresh));
}

std::optional<tenant_id> identity_book::home_of(const std::optional<tenant_id>& bound) const {
  if (bound || policy_.cluster_mode) return bound;
  return tenant_id{};  // the one implicit tenant
}

principal_ptr identity_book::principal_of(const std::string& id, const key_record& record) const {
  auto who = std::make_shared<principal>();
  who->kind = principal_kind::local_key;
  auto words = record.grant.permissions;
  if (record.grant.scopes) {
    who->scopes.emplace();
    for (const auto& scope : *record.grant.scopes) {
      who->scopes->push_back({scope.collection, rights_of_words(scope.permissions)});
      words.insert(words.end(), scope.permissions.begin(), scope.permissions.end());
    }
  }
  who->may = rights_of_words(words);
  who->may.operator_scope = !record.tenant;
  if (record.grant.functions) who->may.functions = function_list(*record.grant.functions);
  who->tenant = home_of(record.tenant);
  who->key_id = id;
  who->key_prefix = prefix_of_key("wk_" + id);
  who->user_id = record.user_id;
  const bool own = record.own_limits.per_minute > 0 || record.own_limits.per_hour > 0;
  const auto& limits = own ? record.own_limits : policy_.key_limits;
  if (limits.per_minute > 0 || limits.per_hour > 0) who->own_rate = std::make_shared<rate_gate>(limits);
  who->expires_at = rfc3339(record.expires_at);
  who->deprecated = !record.rotated_to.empty();
  if (who->deprecated) who->deprecated_until = rfc3339(record.grace_until);
  return who;
}

result<principal_ptr> identity_book::check_key(const local_key_text& key, std::int64_t now_unix_s,
                                               bool known_only) const {
  const auto found = find_key(std::string(key.id));
  const auto digest = digest_of_secret(key.secret);
  digests_total_.fetch_add(1, std::memory_order_relaxed);
  const bool same = constant_time_equal(digest, found ? found->record.digest : no_digest);
  if (known_only && (!found || !same || found->usage->last_used() == 0)) return failure(ec::auth_rate_limit);
  if (!found || !same) return failure(ec::auth_invalid_key);
  const auto& record = found->record;
  const bool expired = record.expires_at > 0 && now_unix_s >= record.expires_at;
  const bool replaced = !record.rotated_to.empty() && now_unix_s >= record.grace_until;
  if (expired || replaced) return failure(ec::auth_key_expired);
  found->usage->used(now_unix_s);
  return found->who;
}

result<principal_ptr> identity_book::check_token(const jwt_claims& claims) const {
  live_user_ptr user;
  {
    const std::shared_lock lock(mutex_);
    const auto it = users_.find(claims.username);
    if (it != users_.end() && !revoked_.contains(claims.id)) user = it->second;
  }
  if (!user || user->record.user_id != claims.user_id || user->record.generation != claims.generation)
    return failure(ec::auth_invalid_key, "The token is void; log in again");
  auto who = std::make_shared<principal>();
  who->kind = principal_kind::jwt;
  who->may = rights_of_roles(user->record.roles);
  who->may.operator_scope = !user->record.tenant;
  who->tenant = home_of(user->record.tenant);
  who->key_id = claims.user_id;
  who->user_id = claims.user_id;
  who->username = claims.username;
  who->token_id = claims.id;
  who->token_expires = claims.expires_at;
  return principal_ptr(std::move(who));
}

live_key_ptr identity_book::find_key(const std::string& id) const {
  const std::shared_lock lock(mutex_);
  const auto it = keys_.find(id);
  return it == keys_.end() ? nullptr : it->second;
}

live_user_ptr identity_book::find_user(const std::string& name) const {
  const std::shared_lock lock(mutex_);
  const auto it = users_.find(name);
  return it == users_.end() ? nullptr : it->second;
}

live_addresses_ptr identity_book::find_addresses(const tenant_id& tenant) const {
  const std::shared_lock lock(mutex_);
  const auto it = addresses_.find(tenant);
  return it == addresses_.end() ? nullptr : it->second;
}

std::vector<live_key_ptr> identity_book::keys() const {
  std::vector<live_key_ptr> list;
  {
    const std::shared_lock lock(mutex_);
    list.reserve(keys_.size());
    for (const auto& [id, key] : keys_) list.push_back(key);
  }
  std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) {
    return std::tie(a->record.created_at, a->id) < std::tie(b->record.created_at, b->id);
  });
  return list;
}

std::vector<live_user_ptr> identity_book::users() const {
  const std::shared_lock lock(mutex_);
  std::vector<live_user_ptr> list;
  for (const auto& [name, user] : users_) list.push_back(user);
  return list;
}

std::vector<std::string> identity_book::outdated_tokens(std::int64_t now_unix_s, std::size_t most) const {
  const std::shared_lock lock(mutex_);
  std::vector<std::string> list;
  for (const auto& [id, token] : revoked_) {
    if (list.size() == most) break;
    if (token.expires_at <= now_unix_s) list.push_back(id);
  }
  return list;
}

}  // namespace waggle
