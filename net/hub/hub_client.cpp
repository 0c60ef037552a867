#include "net/hub/hub_client.hpp"

#include <algorithm>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>
#include <random>

#include "base/checksum.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "base/text_out.hpp"
#include "base/uuid.hpp"

namespace waggle {
namespace {
constexpr std::int64_t backoff_first_ms = 100;
constexpr std::int64_t backoff_max_ms = 10'000;
constexpr std::size_t answer_bytes_max = 64 * 1024;
constexpr std::size_t flights_max = 256;  ///< calls at a time: each has a connection
constexpr int stale_wait_ms = 250;
constexpr std::int64_t quiet_ms = 5'000;

/// Full jitter: anything up to the doubled step.
std::int64_t backoff_ms(int attempt) {
  thread_local std::minstd_rand chance(std::random_device{}());
  const auto most = std::min(backoff_first_ms << std::min(attempt, 10), backoff_max_ms);
  return std::uniform_int_distribution<std::int64_t>(0, most)(chance);
}
}  // namespace

std::size_t hub_client::digest_hash::operator()(const digest& d) const {
  std::size_t h;
  std::memcpy(&h, d.data(), sizeof h);
  return h;
}

hub_client::hub_client(const hub_settings& config, const clock& time, metric_registry& metrics)
    : config_(config),
      time_(time),
      calls_(metrics.family(metric_kind::counter, "hub_api_requests_total", "Calls to HiveHub by outcome",
                            {"operation", "outcome"})),
      stale_served_(metrics.counter("waggle_hub_stale_keys_served_total",
                                    "Requests let in by a key entry past its time while HiveHub did not answer")),
      keys_({std::int64_t{1000} * config.key_ttl_seconds, std::int64_t{1000} * config.stale_max_seconds,
             config.cache_entries_max}),
      breaker_({config.breaker_failures, std::int64_t{1000} * config.breaker_open_seconds,
                std::int64_t{1000} * config.breaker_open_seconds_max}) {}

result<std::unique_ptr<hub_client>> hub_client::make(const hub_settings& config, const clock& time,
                                                     metric_registry& metrics) {
  std::unique_ptr<hub_client> made(new hub_client(config, time, metrics));
  const auto path = read_post_path(config.validate_key_path, config.service_name);
  if (!path) return path.error();
  auto base = config.api_url;
  while (base.ends_with('/')) base.pop_back();
  auto url = parse_http_url(base + *path);
  if (!url) return failure::validation("hub.api_url", url.error().message);
  made->url_ = std::move(*url);
  for (const auto& pattern : config.key_patterns) {
    try {
      made->patterns_.emplace_back(pattern, std::regex::ECMAScript | std::regex::optimize);
    } catch (const std::regex_error&) {
      return failure::validation("hub.key_patterns", "'" + pattern + "' is no regular expression");
    }
  }
  return made;
}

boost::asio::awaitable<result<principal_ptr>> hub_client::identify(std::string_view key, bool known_only) {
  if (key.size() > limits::key_bytes_max) co_return failure(ec::auth_invalid_format);
  const digest id = sha256(key);
  const auto executor = co_await boost::asio::this_coro::executor;
  decltype(keys_.get(id, 0)) known;
  {
    const std::lock_guard lock(mutex_);
    known = keys_.get(id, now_ms());
  }
  if (known.age == freshness::fresh) co_return unless_expired(known.value);
  if (known.age == freshness::refresh_due) {
    if (!known_only) join(id, key, nullptr, executor);
    co_return unless_expired(known.value);
  }
  if (known_only && known.age == freshness::stale) co_return unless_expired(known.value);
  if (known_only) co_return failure(ec::auth_rate_limit);
  const auto fits = [key](const std::regex& p) { return std::regex_match(key.begin(), key.end(), p); };
  if (std::none_of(patterns_.begin(), patterns_.end(), fits)) co_return failure(ec::auth_invalid_format);
  auto waiting = std::make_shared<answers<key_verdict>>(1);
  join(id, key, waiting, executor);
  // Who is known shall not wait long for a hub that hangs.
  const int wait_ms = known.age == freshness::stale ? std::min(stale_wait_ms, config_.inline_deadline_ms)
                                                    : config_.inline_deadline_ms;
  if (!waiting->ready()) co_await completion::wait(waiting, wait_ms);
  auto verdict = waiting->take_one(ec::hub_unavailable);
  if (!verdict) {
    if (known.age != freshness::stale) {
      // The wait may end just before the call does.
      auto why = verdict.error();
      why.retry_after_seconds = std::max(1, why.retry_after_seconds);
      co_return why;
    }
    stale_served_.add();
    if (may_warn())
      log_event(log_level::warn, "hub", "HiveHub does not answer; known keys serve on", {{"key", prefix_of_key(key)}});
    co_return unless_expired(known.value);
  }
  if (verdict->refusal) co_return *verdict->refusal;
  co_return unless_expired(verdict->who);
}

result<principal_ptr> hub_client::unless_expired(principal_ptr who) const {
  if (!who->expires_at.empty() && format_rfc3339(time_.unix_ms()).substr(0, who->expires_at.size()) >= who->expires_at)
    return failure(ec::auth_key_expired);
  return who;
}

bool hub_client::may_warn() {
  const std::lock_guard lock(mutex_);
  if (now_ms() - warned_ms_ < quiet_ms) return false;
  warned_ms_ = now_ms();
  return true;
}

bool hub_client::reachable() {
  const std::lock_guard lock(mutex_);
  return !breaker_.open();
}

void hub_client::join(const digest& id, std::string_view key, waiter waiting,
                      const boost::asio::any_io_executor& executor) {
  {
    std::unique_lock lock(mutex_);
    if (flights_.size() >= flights_max && !flights_.contains(id)) {
      lock.unlock();
      if (waiting) waiting->put(0, unavailable("too many keys are being checked"));
      return;
    }
    const auto [flight, first] = flights_.try_emplace(id);
    if (waiting) flight->second.push_back(std::move(waiting));
    if (!first) return;
  }
  boost::asio::co_spawn(executor, fly(id, std::string(key)), boost::asio::detached);
}

boost::asio::awaitable<void> hub_client::fly(digest id, std::string key) {
  result<key_verdict> outcome = failure(ec::internal_error);
  try {
    outcome = co_await call(key);
  } catch (const std::exception& e) {
    // Whoever waits must hear of it, and a probe that the breaker let through has failed.
    called(false);
    outcome = unavailable(e.what());
  }
  land(id, outcome);
}

void hub_client::land(const digest& id, const result<key_verdict>& outcome) {
  std::vector<waiter> waiting;
  {
    const std::lock_guard lock(mutex_);
    if (outcome && outcome->who)
      keys_.put(id, outcome->who, now_ms());
    else if (outcome)
      keys_.erase(id);
    if (auto flight = flights_.extract(id); !flight.empty()) waiting = std::move(flight.mapped());
  }
  for (auto& w : waiting) w->put(0, outcome);
}

bool hub_client::may_call() {
  const std::lock_guard lock(mutex_);
  return breaker_.admits(now_ms());
}

void hub_client::called(bool hub_well) {
  const std::lock_guard lock(mutex_);
  hub_well ? breaker_.succeeded(now_ms()) : breaker_.failed(now_ms());
}

/// Tries until HiveHub has spoken, the time is over or the breaker opens.
boost::asio::awaitable<result<key_verdict>> hub_client::call(const std::string& key) {
  const auto until_ms = now_ms() + config_.inline_deadline_ms;
  attempt made;
  for (int n = 0; n <= config_.retries; ++n) {
    if (n > 0) {
      const auto pause_ms = backoff_ms(n);
      if (now_ms() + pause_ms >= until_ms) break;
      boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, std::chrono::milliseconds(pause_ms));
      co_await timer.async_wait(boost::asio::use_awaitable);
    }
    if (!may_call()) co_return unavailable("the circuit breaker is open");
    made = co_await try_once(key, until_ms - now_ms());
    called(made.hub_well);
    if (made.outcome || !made.worth_repeating) break;
  }
  if (!made.outcome) co_return unavailable(made.outcome.error().log_text);
  co_return std::move(made.outcome);
}

boost::asio::awaitable<hub_client::attempt> hub_client::try_once(const std::string& key, std::int64_t left_ms) {
  http_client_request request;
  request.url = url_;
  request.body = validate_key_request(key);
  request.headers = {{"Authorization", "Bearer " + config_.service_api_key},
                     {"X-Service-Name", config_.service_name},
                     {"X-Request-Id", new_uuid_v7()}};
  request.headers.push_back({"Idempotency-Key", request.headers.back().value});
  request.timeout_ms = static_cast<int>(std::clamp<std::int64_t>(left_ms, 1, config_.timeout_ms));
  request.answer_bytes_max = answer_bytes_max;
  auto reply = co_await http_.post_json(std::move(request));
  attempt made;
  if (!reply) {
    calls_.counter({"validate_key", "no answer"}).add();
    made.worth_repeating = true;
    made.outcome = reply.error();
    co_return made;
  }
  calls_.counter({"validate_key", std::to_string(reply->status)}).add();
  if (reply->status == 404) {
    made.outcome = key_verdict{nullptr, failure(ec::auth_invalid_key)};
    made.hub_well = true;
  } else if (reply->status >= 200 && reply->status < 300) {
    made.outcome = read_key_answer(reply->body, prefix_of_key(key));
    made.worth_repeating = true;
    made.hub_well = made.outcome.has_value();
  } else {
    // 401 is about our service key, never about the user's.
    if (reply->status == 401 && may_warn())
      log_event(log_level::error, "hub", "HiveHub refuses the service key (hub.service_api_key)");
    failure f(ec::io_error);
    f.log_text = "HiveHub answered status " + std::to_string(reply->status);
    made.outcome = f;
    made.worth_repeating = reply->status >= 500 || reply->status == 429;
    made.hub_well = reply->status < 500 && reply->status != 401;
  }
  co_return made;
}

failure hub_client::unavailable(std::string log_text) {
  if (may_warn()) log_event(log_level::warn, "hub", "HiveHub does not answer", {{"why", log_text}});
  failure f(ec::hub_unavailable);
  f.log_text = std::move(log_text);
  const std::lock_guard lock(mutex_);
  f.retry_after_seconds = static_cast<int>(std::max<std::int64_t>(1, (breaker_.retry_ms(now_ms()) + 999) / 1000));
  return f;
}

}  // namespace waggle
