#include "net/identity/hub_authenticator.hpp"

#include "base/crypto.hpp"
#include "net/identity/acting_for.hpp"
#include "net/identity/credentials.hpp"

namespace waggle {
namespace {
std::array<counter_cell*, 3> proof_cells(metric_registry& metrics) {
  auto& requests = metrics.family(metric_kind::counter, "waggle_service_requests_total",
                                  "Service requests that were let in, by what proved them", {"proof"});
  return {&requests.counter({"secret"}), &requests.counter({"literal"}), &requests.counter({"signature"})};
}
}  // namespace

hub_authenticator::hub_authenticator(hub_client& hub, const settings& config, const clock& time, metric_registry& metrics)
    : hub_(hub),
      inbound_(config.inbound),
      accept_test_keys_(config.auth.accept_test_keys),
      query_key_(config.auth.allow_query_api_key),
      time_(time),
      service_requests_(proof_cells(metrics)),
      signing_{{}, config.inbound.accept_v1, config.inbound.max_skew_seconds},
      nonces_(config.inbound.nonce_ttl_seconds, config.inbound.nonces_max),
      failures_(config.auth.failures),
      guesses_(config.auth.failures) {}

result<std::unique_ptr<hub_authenticator>> hub_authenticator::make(hub_client& hub, const settings& config,
                                                                   const clock& time, metric_registry& metrics) {
  std::unique_ptr<hub_authenticator> made(new hub_authenticator(hub, config, time, metrics));
  for (const auto& secret : config.inbound.signing_secrets) {
    auto bytes = read_signing_secret(secret);
    if (!bytes) return failure::validation("hub.signing.secrets", bytes.error().message);
    made->signing_.secrets.push_back(std::move(*bytes));
  }
  if (config.inbound.every_request_signed && made->signing_.secrets.empty())
    return failure::validation("hub.signing.required", "all needs hub.signing.secrets");
  metrics.family(metric_kind::gauge, "waggle_auth_failing_addresses", "Addresses with failed authentications of late")
      .sampled({}, [door = made.get()] { return static_cast<double>(door->failures_.entries() + door->guesses_.entries()); });
  return made;
}

boost::asio::awaitable<result<principal_ptr>> hub_authenticator::identify(http_request& request) {
  const auto from = failure_key(request.client);
  const auto now_us = time_.steady_us();
  const bool spared = contains(inbound_.allowed_peers, request.peer);
  const int wait_seconds = spared ? 0 : failures_.retry_after_seconds(from, now_us);
  auto who = co_await look(request, wait_seconds > 0);
  if (who) {
    failures_.succeeded(from, now_us);
    co_return who;
  }
  auto why = who.error();
  if (is_guess(why.code)) failures_.failed(from, now_us);
  if (why.code == ec::auth_rate_limit) why.retry_after_seconds = wait_seconds;
  co_return why;
}

boost::asio::awaitable<result<principal_ptr>> hub_authenticator::check_key(const http_request& request,
                                                                           const principal& asker, std::string_view key) {
  const auto from = failure_key(request.client);
  const bool spared = contains(inbound_.allowed_peers, request.peer);
  const int wait_seconds = spared ? 0 : guesses_.retry_after_seconds(from, time_.steady_us());
  auto who = co_await hub_.identify(key, wait_seconds > 0);
  if (who && (!may_learn_of(asker, **who) || ((*who)->is_test && !accept_test_keys_))) who = failure(ec::auth_invalid_key);
  if (who) co_return who;
  auto why = who.error();
  if (is_guess(why.code)) guesses_.failed(from, time_.steady_us());
  if (why.code == ec::auth_rate_limit) why.retry_after_seconds = wait_seconds;
  co_return why;
}

/// `blocked`: only what is known already.
boost::asio::awaitable<result<principal_ptr>> hub_authenticator::look(http_request& request, bool blocked) {
  const auto shown = single_header(request, "x-hivehub-service");
  if (!shown) co_return shown.error();
  // Never another carrier when this one is there.
  if (*shown) {
    if (blocked) co_return failure(ec::auth_rate_limit);
    const auto proof = proof_of(request, **shown);
    if (proof == service_proof::none) co_return failure(ec::auth_service_rejected);
    // Once: a second look would find the nonce that the first one left.
    if (proof == service_proof::signature || inbound_.every_request_signed) {
      const auto from = proof == service_proof::signature ? sender::unproven : sender::known;
      if (auto holds = co_await check_signature_of(request, from); !holds) co_return holds.error();
    }
    auto who = co_await service(request);
    if (who) service_requests_[static_cast<std::size_t>(proof)]->add();
    co_return who;
  }
  auto who = co_await owner_of_key(request, blocked);
  if (who && inbound_.every_request_signed)
    if (auto holds = co_await check_signature_of(request, sender::known); !holds) co_return holds.error();
  co_return who;
}

boost::asio::awaitable<result<principal_ptr>> hub_authenticator::owner_of_key(const http_request& request,
                                                                              bool blocked) {
  const auto key = find_key(request, query_key_);
  if (!key) co_return key.error();
  if (!*key) co_return failure(ec::auth_missing_key);
  auto who = co_await hub_.identify(**key, blocked);
  if (!who) co_return who;
  if ((*who)->is_test && !accept_test_keys_) co_return failure(ec::auth_invalid_key);
  const auto user = user_of(request);
  if (!user) co_return user.error();
  if (!may_act_for(**who, *user)) ++spoofed_user_ids_;
  co_return acting_for(std::move(*who), *user);
}

/// A service that has proven itself.
boost::asio::awaitable<result<principal_ptr>> hub_authenticator::service(const http_request& request) {
  const auto user = user_of(request);
  if (!user) co_return user.error();
  const auto key_id = single_header(request, "x-hivehub-access-key-id");
  if (!key_id) co_return key_id.error();
  auto who = std::make_shared<principal>();
  who->kind = principal_kind::service;
  who->may = {permission_set{permission::admin}, std::nullopt, !*user};
  who->tenant = *user;
  who->on_behalf = user->has_value();
  who->key_id = key_id->value_or("");
  if (*user) who->suspended = !co_await hub_.is_active(**user);
  co_return principal_ptr(std::move(who));
}

/// Which of the proofs of auth.md §3 there is. A peer from whom none is taken has none.
auto hub_authenticator::proof_of(const http_request& request, std::string_view shown) const -> service_proof {
  const bool peer_named = contains(inbound_.allowed_peers, request.peer);
  if (!inbound_.allowed_peers.empty() && !peer_named) return service_proof::none;
  bool knows_secret = false;
  for (const auto& secret : inbound_.secrets) knows_secret = constant_time_equal(secret, shown) || knows_secret;
  if (knows_secret) return service_proof::secret;
  if (shown == "true" && inbound_.allow_literal_true && peer_named) return service_proof::literal;
  const bool to_check = !signing_.secrets.empty() && request.header("x-hivehub-signature");
  return to_check ? service_proof::signature : service_proof::none;
}

/// What the head says is judged before a body is taken.
boost::asio::awaitable<result<void>> hub_authenticator::check_signature_of(http_request& request, sender from) {
  signed_request what;
  what.method = request.head ? "HEAD" : request.method;
  what.path = request.raw_path;
  what.query = request.raw_query;
  const auto user = single_header(request, "x-hivehub-user-id");
  if (!user) co_return user.error();
  what.user_id = user->value_or("");
  for (const auto& [name, value] : {std::pair{"x-hivehub-signature", &what.signature},
                                    {"x-hivehub-timestamp", &what.timestamp},
                                    {"x-hivehub-nonce", &what.nonce},
                                    {"x-hivehub-signature-version", &what.version}}) {
    auto header = single_header(request, name);
    if (!header) co_return header.error();
    *value = *header;
  }
  if (auto may = may_be_signed(signing_, what, time_.unix_ms() / 1000); !may) co_return may.error();
  if (request.unread)
    if (auto came = co_await request.unread->read(from); !came) co_return came.error();
  what.body = request.body;
  co_return check_signature(signing_, what, nonces_, time_.unix_ms() / 1000);
}

}  // namespace waggle
