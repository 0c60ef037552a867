#include "net/identity/user_changes.hpp"

#include <algorithm>

#include "base/limits.hpp"
#include "base/uuid.hpp"
#include "net/identity/password.hpp"

namespace waggle {
namespace {
constexpr std::size_t username_bytes_min = 3;

bool is_username(std::string_view name) {
  return name.size() >= username_bytes_min && name.size() <= limits::username_bytes_max &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' ||
                  c == '-' || c == '@';
         });
}

result<void> check_password(std::string_view password, std::string_view username) {
  const auto verdict = judge_password(password, username);
  if (!verdict.errors.empty()) return failure::validation("password", verdict.errors.front());
  return {};
}

put_record_op put_user(const std::string& name, const user_record& record, std::uint64_t if_version) {
  return put_record_op{std::string(users_space), name, encode_user(record), if_version};
}
}  // namespace

result<void> user_changes::may_bind(const std::optional<tenant_id>& tenant) const {
  if (!tenant || book_.policy().may_bind_tenants) return {};
  return failure::validation("tenant_id", "is for nodes whose tenants have local users (cluster.trust: local)");
}

boost::asio::awaitable<result<live_user_ptr>> user_changes::create(const principal& by, user_request wanted) {
  if (!is_username(wanted.username))
    co_return failure::validation("username", "must be 3 to 64 letters, digits, '.', '_', '-' or '@'");
  if (auto good = check_password(wanted.password, wanted.username); !good) co_return good.error();
  if (auto may = may_grant_roles(by, wanted.roles); !may) co_return may.error();
  if (auto may = may_bind(wanted.tenant); !may) co_return may.error();
  if (book_.find_user(wanted.username)) co_return failure(ec::user_exists);
  if (book_.users().size() >= limits::local_users_max) co_return failure(ec::conflict, "There are too many users");
  auto password = co_await hasher_.hash(std::move(wanted.password));
  if (!password) co_return password.error();
  user_record record{new_uuid_v4(), std::move(*password), std::move(wanted.roles), wanted.tenant,
                     time_.unix_ms() / 1000, 1};
  std::vector<operation> changes;
  changes.push_back(put_user(wanted.username, record, 0));
  if (auto done = co_await records_.write(std::move(changes), true); !done) {
    if (done.error().code == ec::conflict) co_return failure(ec::user_exists);
    co_return done.error();
  }
  auto user = book_.find_user(wanted.username);
  if (!user) co_return failure(ec::user_not_found);  // deleted already
  co_return user;
}

boost::asio::awaitable<result<void>> user_changes::erase(const principal& by, std::string username) {
  const auto user = book_.find_user(username);
  if (!user) co_return failure(ec::user_not_found);
  if (auto may = may_grant_roles(by, user->record.roles); !may) co_return may.error();
  const auto all = book_.users();
  const bool last = is_administrator(user->record) && std::count_if(all.begin(), all.end(), [](const auto& other) {
                      return is_administrator(other->record);
                    }) == 1;
  if (last) co_return failure(ec::conflict, "The last administrator can't be deleted");
  std::vector<operation> changes;
  changes.push_back(erase_record_op{std::string(users_space), std::move(username)});
  constexpr bool grows = false;
  co_return co_await records_.write(std::move(changes), grows);
}

boost::asio::awaitable<result<void>> user_changes::set_password(const principal& by, std::string username,
                                                                std::string password) {
  const auto user = book_.find_user(username);
  if (!user) co_return failure(ec::user_not_found);
  const bool own = by.kind == principal_kind::jwt && by.user_id == user->record.user_id;
  // Who sets a password can log in with it: it must not lift them up.
  if (!own)
    if (auto may = may_grant_roles(by, user->record.roles); !may) co_return may.error();
  if (auto good = check_password(password, username); !good) co_return good.error();
  auto encoded = co_await hasher_.hash(std::move(password));
  if (!encoded) co_return encoded.error();
  auto record = user->record;
  record.password = std::move(*encoded);
  ++record.generation;
  std::vector<operation> changes;
  changes.push_back(put_user(username, record, user->version));
  constexpr bool grows = false;
  co_return co_await records_.write(std::move(changes), grows);
}

}  // namespace waggle
