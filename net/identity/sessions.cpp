#include "net/identity/sessions.hpp"

#include "base/limits.hpp"
#include "base/uuid.hpp"

namespace waggle {

boost::asio::awaitable<result<live_user_ptr>> sessions::prove(std::string username, std::string password,
                                                              std::string address) {
  // A name that no user can have is still counted, but not kept at any length.
  username.resize(std::min(username.size(), limits::username_bytes_max + 1));
  if (password.size() > limits::password_bytes_max) password.clear();
  if (const int wait_s = guard_.begin(username, address, time_.steady_us()); wait_s > 0) {
    failure f(ec::auth_rate_limit);
    f.retry_after_seconds = wait_s;
    co_return f;
  }
  const auto user = book_.find_user(username);
  auto encoded = user ? user->record.password : config_.other_hash;
  const auto fits = co_await hasher_.fits(std::move(password), std::move(encoded));
  const auto tried = fits ? std::optional<bool>(*fits && user) : std::nullopt;
  guard_.end(username, address, tried, time_.steady_us());
  if (!fits) co_return fits.error();
  if (!*tried) co_return failure(ec::invalid_credentials);
  co_return user;
}

boost::asio::awaitable<result<session_token>> sessions::login(std::string username, std::string password,
                                                              std::string address) {
  const auto user = co_await prove(std::move(username), std::move(password), std::move(address));
  if (!user) co_return user.error();
  co_return token_for(**user);
}

result<session_token> sessions::token_for(const live_user& user) const {
  const auto& record = user.record;
  jwt_claims claims;
  claims.user_id = record.user_id;
  claims.username = user.name;
  claims.roles = record.roles;
  if (record.tenant) claims.tenant_id = to_string(*record.tenant);
  for (const auto name : rights_of_roles(record.roles).permissions.names()) claims.scopes.emplace_back(name);
  claims.generation = record.generation;
  claims.issued_at = now_s();
  claims.expires_at = claims.issued_at + config_.lifetime_s;
  claims.id = new_uuid_v4();
  auto who = book_.check_token(claims);
  if (!who) return failure(ec::invalid_credentials);  // deleted, or changed, meanwhile
  return session_token{issue_jwt(claims, config_.secret), config_.lifetime_s, record.user_id, user.name, record.roles,
                       std::move(*who)};
}

result<principal_ptr> sessions::check(std::string_view token) const {
  const auto claims = check_jwt(token, config_.secret, now_s());
  if (!claims) return claims.error();
  return book_.check_token(*claims);
}

result<session_token> sessions::refresh(const principal& who) const {
  const auto user = book_.find_user(who.username);
  if (!user || user->record.user_id != who.user_id) return failure(ec::auth_invalid_key);
  return token_for(*user);
}

boost::asio::awaitable<result<void>> sessions::logout(const principal& who) {
  constexpr std::size_t swept_max = 16;
  std::vector<operation> changes;
  for (auto& id : book_.outdated_tokens(now_s(), swept_max))
    changes.push_back(erase_record_op{std::string(revoked_tokens_space), std::move(id)});
  changes.push_back(put_record_op{std::string(revoked_tokens_space), who.token_id,
                                  encode_revoked_token({who.token_expires}), std::nullopt});
  constexpr bool grows = false;  // a full disk keeps nobody from logging out
  co_return co_await records_.write(std::move(changes), grows);
}

}  // namespace waggle
