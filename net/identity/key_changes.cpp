#include "net/identity/key_changes.hpp"

#include <algorithm>

#include "base/limits.hpp"

namespace waggle {
namespace {

put_record_op put_key(const std::string& id, const key_record& record, std::uint64_t if_version) {
  return put_record_op{std::string(keys_space), id, encode_key(record), if_version};
}

/// Who revoked the key meanwhile sees it gone; who changed it, that they were two.
failure changed_meanwhile(const failure& why) {
  return why.code == ec::conflict ? failure(ec::conflict, "The key was changed at the same time") : why;
}
}  // namespace

bool key_changes::sees(const principal& by, const key_record& key) const {
  if (!book_.policy().cluster_mode || (by.may.operator_scope && !by.tenant)) return true;
  return by.tenant && key.tenant == by.tenant;
}

std::vector<live_key_ptr> key_changes::list(const principal& by) const {
  auto all = book_.keys();
  std::erase_if(all, [&](const auto& key) { return !sees(by, key->record); });
  return all;
}

result<live_key_ptr> key_changes::find(const principal& by, const std::string& id) const {
  auto key = book_.find_key(id);
  if (!key || !sees(by, key->record)) return failure(ec::key_not_found);
  return key;
}

/// Whose the new key is.
result<std::optional<tenant_id>> key_changes::tenant_for(const principal& by,
                                                         const std::optional<tenant_id>& wanted) const {
  const auto& policy = book_.policy();
  if (!policy.cluster_mode) {
    if (wanted) return failure::validation("tenant_id", "is for cluster mode");
    return std::optional<tenant_id>();
  }
  if (by.tenant && wanted && wanted != by.tenant) return failure(ec::forbidden);
  const auto tenant = by.tenant ? by.tenant : wanted;
  if (!policy.may_bind_tenants && tenant) return failure(ec::forbidden, "HiveHub gives tenants their keys");
  if (policy.may_bind_tenants && !tenant) return failure(ec::tenant_required, "A key needs a tenant_id here");
  return tenant;
}

result<void> key_changes::may_give(const principal& by, const wanted_grant& grant) const {
  return may_grant(by, grant, book_.policy().read_write_manages_collections);
}

boost::asio::awaitable<result<made_key>> key_changes::create(const principal& by, key_request wanted) {
  if (auto may = may_give(by, wanted.grant); !may) co_return may.error();
  const auto tenant = tenant_for(by, wanted.tenant);
  if (!tenant) co_return tenant.error();
  std::vector<operation> changes;
  std::size_t of_tenant = 0;
  for (const auto& key : book_.keys()) {
    if (key->record.tenant != *tenant) continue;
    const bool replaced = !key->record.rotated_to.empty() && key->record.grace_until <= now_s();
    if (replaced)
      changes.push_back(erase_record_op{std::string(keys_space), key->id});
    else
      ++of_tenant;
  }
  if (of_tenant >= limits::local_keys_per_tenant_max) co_return failure(ec::conflict, "There are too many keys");
  const auto fresh = make_local_key();
  key_record record;
  record.name = std::move(wanted.name);
  record.digest = fresh.digest;
  record.kind = std::move(wanted.kind);
  record.grant = std::move(wanted.grant);
  record.user_id = by.user_id.empty() ? by.key_id : by.user_id;
  record.tenant = *tenant;
  record.own_limits = wanted.own_limits;
  record.created_at = now_s();
  if (wanted.expires_in_s > 0) record.expires_at = record.created_at + wanted.expires_in_s;
  changes.push_back(put_key(fresh.id, record, 0));
  if (auto done = co_await records_.write(std::move(changes), true); !done) co_return done.error();
  auto key = book_.find_key(fresh.id);
  if (!key) co_return failure(ec::key_not_found);  // revoked already
  co_return made_key{fresh.text, std::move(key)};
}

boost::asio::awaitable<result<live_key_ptr>> key_changes::change(const principal& by, std::string id,
                                                                 wanted_grant wanted) {
  const auto key = find(by, id);
  if (!key) co_return key.error();
  if (auto may = may_give(by, wanted); !may) co_return may.error();
  auto record = (*key)->record;
  record.grant = std::move(wanted);
  std::vector<operation> changes;
  changes.push_back(put_key(id, record, (*key)->version));
  if (auto done = co_await records_.write(std::move(changes), true); !done) co_return changed_meanwhile(done.error());
  co_return find(by, id);
}

boost::asio::awaitable<result<rotated_key>> key_changes::rotate(const principal& by, std::string id) {
  const auto key = find(by, id);
  if (!key) co_return key.error();
  auto old = (*key)->record;
  // The new secret is shown to who rotates: it must not lift them up.
  if (auto may = may_give(by, old.grant); !may) co_return may.error();
  if (!old.rotated_to.empty()) co_return failure(ec::conflict, "The key is being replaced already");
  const auto fresh = make_local_key();
  auto record = old;
  record.digest = fresh.digest;
  record.created_at = now_s();
  old.rotated_to = fresh.id;
  old.grace_until = record.created_at + rotation_grace_s_;
  std::vector<operation> changes;
  changes.push_back(put_key(fresh.id, record, 0));
  changes.push_back(put_key(id, old, (*key)->version));
  if (auto done = co_await records_.write(std::move(changes), true); !done) co_return changed_meanwhile(done.error());
  auto live = book_.find_key(fresh.id);
  if (!live) co_return failure(ec::key_not_found);
  co_return rotated_key{{fresh.text, std::move(live)}, old.grace_until};
}

boost::asio::awaitable<result<void>> key_changes::revoke(const principal& by, std::string id) {
  if (const auto key = find(by, id); !key) co_return key.error();
  std::vector<operation> changes;
  changes.push_back(erase_record_op{std::string(keys_space), std::move(id)});
  constexpr bool grows = false;  // a full disk keeps no key alive
  co_return co_await records_.write(std::move(changes), grows);
}

}  // namespace waggle
