#include "net/hub/hub_line.hpp"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <random>

#include "base/log.hpp"
#include "net/hub/hub_wire.hpp"

namespace waggle {
namespace {
constexpr std::int64_t backoff_first_ms = 100;
constexpr std::int64_t backoff_max_ms = 10'000;
constexpr std::size_t answer_bytes_max = 64 * 1024;
constexpr std::int64_t quiet_ms = 5'000;

/// Full jitter: anything up to the doubled step.
std::int64_t backoff_ms(int attempt) {
  thread_local std::minstd_rand chance(std::random_device{}());
  const auto most = std::min(backoff_first_ms << std::min(attempt, 10), backoff_max_ms);
  return std::uniform_int_distribution<std::int64_t>(0, most)(chance);
}
}  // namespace

hub_line::hub_line(std::string_view operation, const hub_settings& config, const clock& time, metric_registry& metrics)
    : operation_(operation),
      config_(config),
      time_(time),
      calls_(metrics.family(metric_kind::counter, "waggle_hub_client_requests_total", "Calls to HiveHub by outcome",
                            {"operation", "outcome"})),
      seconds_(metrics.family(metric_kind::histogram, "vectorizer_hub_api_latency_seconds", "Calls to HiveHub, each attempt",
                              {"endpoint"}, {.001, .005, .01, .05, .1, .25, .5, 1, 2.5, 5})
                   .histogram({operation})),
      breaker_({config.breaker_failures, std::int64_t{1000} * config.breaker_open_seconds,
                std::int64_t{1000} * config.breaker_open_seconds_max}) {
  metrics.family(metric_kind::gauge, "waggle_hub_breaker_state", "Circuit breakers: 0 closed, 1 half open, 2 open", {"operation"})
      .sampled({operation}, [this] {
        const std::lock_guard lock(mutex_);
        return static_cast<double>(breaker_.state(now_ms()));
      });
}

bool hub_line::open() {
  const std::lock_guard lock(mutex_);
  return breaker_.open();
}

bool hub_line::may_warn() {
  const std::lock_guard lock(mutex_);
  if (now_ms() - warned_ms_ < quiet_ms) return false;
  warned_ms_ = now_ms();
  return true;
}

void hub_line::warn_of_stale_answers() {
  if (may_warn())
    log_event(log_level::warn, "hub", "HiveHub does not answer; what is known serves on", {{"operation", operation_}});
}

bool hub_line::may_call() {
  const std::lock_guard lock(mutex_);
  return breaker_.admits(now_ms());
}

void hub_line::called(bool hub_well) {
  const std::lock_guard lock(mutex_);
  hub_well ? breaker_.succeeded(now_ms()) : breaker_.failed(now_ms());
}

boost::asio::awaitable<result<void>> hub_line::call(http_client_request request, reader read) {
  const bool own_key = !request.headers.empty();
  for (auto& [name, value] : hub_headers(config_.service_api_key, config_.service_name, request.method == "POST" && !own_key))
    request.headers.push_back({std::move(name), std::move(value)});
  request.answer_bytes_max = answer_bytes_max;
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
    request.timeout_ms = static_cast<int>(std::clamp<std::int64_t>(until_ms - now_ms(), 1, config_.timeout_ms));
    made = co_await try_once(request, read);
    called(made.hub_well);
    if (made.outcome || !made.worth_repeating) break;
  }
  if (!made.outcome) co_return unavailable(made.outcome.error().log_text);
  co_return result<void>();
}

boost::asio::awaitable<hub_line::attempt> hub_line::try_once(const http_client_request& request, const reader& read) {
  auto copy = request;
  ++attempts_;
  const auto began_us = time_.steady_us();
  const auto reply = co_await http_.call(std::move(copy));
  seconds_.observe(static_cast<double>(time_.steady_us() - began_us) / 1e6);
  if (reply) co_return judge(*reply, read);
  calls_.counter({std::string(operation_), "no answer"}).add();
  attempt made;
  made.worth_repeating = true;
  made.outcome = reply.error();
  co_return made;
}

hub_line::attempt hub_line::judge(const http_client_reply& reply, const reader& read) {
  calls_.counter({std::string(operation_), std::to_string(reply.status)}).add();
  attempt made;
  if (reply.status == 404 || reply.status == 409 || (reply.status >= 200 && reply.status < 300)) {
    made.outcome = read(reply);
    made.worth_repeating = true;
    made.hub_well = made.outcome.has_value();
    return made;
  }
  // 401 is about our service key, never about the user's.
  if (reply.status == 401 && may_warn())
    log_event(log_level::error, "hub", "HiveHub refuses the service key (hub.service_api_key)");
  failure f(ec::io_error);
  f.log_text = "HiveHub answered status " + std::to_string(reply.status);
  made.outcome = f;
  made.worth_repeating = reply.status >= 500 || reply.status == 429;
  made.hub_well = reply.status < 500 && reply.status != 401;
  return made;
}

failure hub_line::broke_down(std::string what) {
  called(false);
  return unavailable(std::move(what));
}

failure hub_line::unavailable(std::string log_text) {
  if (may_warn())
    log_event(log_level::warn, "hub", "HiveHub does not answer", {{"operation", operation_}, {"why", log_text}});
  failure f(ec::hub_unavailable);
  f.log_text = std::move(log_text);
  const std::lock_guard lock(mutex_);
  f.retry_after_seconds = static_cast<int>(std::max<std::int64_t>(1, (breaker_.retry_ms(now_ms()) + 999) / 1000));
  return f;
}

}  // namespace waggle
