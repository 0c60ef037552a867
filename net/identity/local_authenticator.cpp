#include "net/identity/local_authenticator.hpp"

#include "net/identity/acting_for.hpp"
#include "net/identity/credentials.hpp"

namespace waggle {
namespace {
/// Tokens come as Bearer, keys in any carrier.
bool is_bearer(const http_request& request) {
  const auto value = request.header("authorization");
  return value && value->size() > 7 && equals_ignoring_case(value->substr(0, 7), "bearer ");
}
}  // namespace

bool local_authenticator::is_shown_by(const http_request& request) const {
  if (request.header("x-hivehub-service")) return false;
  const auto key = find_key(request, query_key_);
  return key && *key && (parse_local_key(**key) || (is_bearer(request) && has_jwt_shape(**key)));
}

boost::asio::awaitable<result<principal_ptr>> local_authenticator::identify(http_request& request) {
  const auto from = failure_key(request.client);
  const auto now_us = time_.steady_us();
  auto& failures = identity_.failures();
  const int wait_s = failures.retry_after_seconds(from, now_us);
  auto who = look(request, wait_s > 0);
  if (who) {
    failures.succeeded(from, now_us);
    co_return who;
  }
  auto why = who.error();
  // Who shows an expired key or token had the right one.
  if (is_guess(why.code) && why.code != ec::auth_key_expired) {
    if (wait_s > 0) why = failure(ec::auth_rate_limit);
    failures.failed(from, now_us);
  }
  if (why.code == ec::auth_rate_limit) why.retry_after_seconds = wait_s;
  co_return why;
}

/// During a block, only keys that were right before and tokens, which were given for a right password.
result<principal_ptr> local_authenticator::look(const http_request& request, bool blocked) {
  // Nobody vouches for services here.
  if (request.header("x-hivehub-service")) return failure(ec::auth_service_rejected);
  const auto shown = find_key(request, query_key_);
  if (!shown) return shown.error();
  if (!*shown) return failure(ec::auth_missing_key);
  result<principal_ptr> who = failure(ec::auth_invalid_format);
  if (const auto key = parse_local_key(**shown))
    who = identity_.book().check_key(*key, time_.unix_ms() / 1000, blocked);
  else if (is_bearer(request) && has_jwt_shape(**shown))
    who = identity_.log_ins().check(**shown);
  if (!who || !cluster_mode_) return who;
  const auto user = user_of(request);
  if (!user) return user.error();
  if (!may_act_for(**who, *user)) ++spoofed_user_ids_;
  return acting_for(std::move(*who), *user);
}

boost::asio::awaitable<result<principal_ptr>> local_authenticator::check_key(const http_request& request,
                                                                             const principal& asker, std::string_view key) {
  const auto from = failure_key(request.client);
  const auto now_us = time_.steady_us();
  const int wait_s = guesses_.retry_after_seconds(from, now_us);
  result<principal_ptr> who = failure(ec::auth_invalid_format);
  if (const auto parsed = parse_local_key(key))
    who = identity_.book().check_key(*parsed, time_.unix_ms() / 1000, wait_s > 0);
  if (who && !may_learn_of(asker, **who)) who = failure(ec::auth_invalid_key);
  if (who) co_return who;
  auto why = who.error();
  if (is_guess(why.code)) guesses_.failed(from, now_us);
  if (wait_s > 0) why = failure(ec::auth_rate_limit);
  if (wait_s > 0) why.retry_after_seconds = wait_s;
  co_return why;
}

door_counts local_authenticator::counts() const {
  return {identity_.failures().blocks_total() + guesses_.blocks_total(), spoofed_user_ids_};
}

bool local_authenticator::admits_address(const principal& who, const ip_address& client) const {
  if (!who.tenant || who.on_behalf) return true;
  const auto own = identity_.book().find_addresses(*who.tenant);
  return !own || admits(own->lists, client);
}

door_counts local_beside_hub::counts() const {
  const auto local = local_->counts(), hub = hub_->counts();
  return {local.blocks + hub.blocks, local.spoofed_user_ids + hub.spoofed_user_ids};
}

boost::asio::awaitable<result<principal_ptr>> local_beside_hub::check_key(const http_request& request,
                                                                          const principal& asker, std::string_view key) {
  if (parse_local_key(key)) co_return co_await local_->check_key(request, asker, key);
  co_return co_await hub_->check_key(request, asker, key);
}

boost::asio::awaitable<result<principal_ptr>> local_beside_hub::identify(http_request& request) {
  if (local_->is_shown_by(request)) co_return co_await local_->identify(request);
  co_return co_await hub_->identify(request);
}

}  // namespace waggle
