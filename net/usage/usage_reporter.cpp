#include "net/usage/usage_reporter.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <future>

#include "actors/runtime/completion.hpp"
#include "base/log.hpp"
#include "base/uuid.hpp"

namespace waggle {
namespace {
constexpr std::chrono::seconds stop_wait_max{10};
constexpr std::int64_t retry_seconds = 30;  ///< after a round that HiveHub did not take whole
constexpr std::size_t lanes_max = 8;        ///< tenants whose reports are on their way at once
}

usage_reporter::usage_reporter(runtime& rt, hub_client& hub, ledger& book, usage_writer& writer, tenant_roll& roll,
                               const clock& time, ledger_identity identity, const hub_settings& config,
                               metric_registry& metrics)
    : rt_(rt),
      hub_(hub),
      book_(book),
      writer_(writer),
      roll_(roll),
      time_(time),
      identity_(std::move(identity)),
      interval_seconds_(config.usage_report_interval_seconds),
      per_collection_(config.usage_per_collection) {
  metrics.family(metric_kind::gauge, "waggle_usage_unacked_reports", "Tenants whose usage HiveHub has not taken yet")
      .sampled({}, [this] { return static_cast<double>(unacked_.load()); });
  metrics.family(metric_kind::gauge, "waggle_usage_unacked_age_seconds", "Age of the oldest usage HiveHub has not taken")
      .sampled({}, [this] {
        const auto oldest = oldest_unacked_ms_.load();
        return oldest == 0 ? 0.0 : static_cast<double>(time_.unix_ms() - oldest) / 1000;
      });
}

void usage_reporter::start() { boost::asio::co_spawn(rt_.context(0), beat(), boost::asio::detached); }

boost::asio::awaitable<void> usage_reporter::beat() {
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
  std::size_t left = 0;
  while (!stopping_) {
    timer.expires_after(std::chrono::seconds(left > 0 ? std::min(retry_seconds, interval_seconds_) : interval_seconds_));
    co_await timer.async_wait(boost::asio::use_awaitable);
    const auto done = co_await report_all();
    left = done.left;
  }
}

boost::asio::awaitable<usage_reporter::round> usage_reporter::report_all() {
  co_await writer_.flush();
  const auto tenants = co_await roll_.with_news();
  round out;
  if (!tenants) {
    log_event(log_level::error, "usage", "the accounts can't be read", {{"why", tenants.error().log_text}});
    out.left = 1;
    co_return out;
  }
  const auto lanes = std::min(lanes_max, tenants->size());
  if (lanes > 0) {
    auto queue = std::make_shared<waiting>(waiting{*tenants, 0, {}});
    auto ends = std::make_shared<answers<bool>>(lanes);
    const auto executor = co_await boost::asio::this_coro::executor;
    for (std::size_t i = 0; i < lanes; ++i) {
      auto at_end = [ends, i](std::exception_ptr failed) { ends->put(i, failed == nullptr); };
      boost::asio::co_spawn(executor, report_next(queue), std::move(at_end));
    }
    co_await completion::wait(ends, completion::no_deadline);
    out = queue->outcome;
  }
  if (out.left > 0)
    log_event(log_level::warn, "usage", "HiveHub has not taken all usage; it is kept and reported again", {{"tenants", out.left}});
  unacked_ = out.left;
  oldest_unacked_ms_ = out.left == 0 ? 0 : out.oldest_ms > 0 ? out.oldest_ms : time_.unix_ms();
  co_return out;
}

boost::asio::awaitable<void> usage_reporter::report_next(std::shared_ptr<waiting> queue) {
  while (queue->next < queue->tenants.size()) {
    const auto [tenant, since_ms] = queue->tenants[queue->next++];
    const bool taken = co_await report(tenant);
    if (taken) continue;
    auto& out = queue->outcome;
    ++out.left;
    if (out.oldest_ms == 0 || (since_ms > 0 && since_ms < out.oldest_ms)) out.oldest_ms = since_ms;
  }
}

boost::asio::awaitable<bool> usage_reporter::report(tenant_id tenant) {
  constexpr int reports_max = 2;  // what comes while these are sent is the next round's
  auto last = sent::one;
  for (int n = 0; n < reports_max && last == sent::one; ++n) last = co_await report_once(tenant);
  co_return last != sent::failed;
}

boost::asio::awaitable<usage_reporter::sent> usage_reporter::report_once(tenant_id tenant) {
  const request_id no_retry;  // both operations may happen twice
  std::vector<operation> begin{begin_report_op{}};
  const auto begun = co_await book_.enter(tenant, std::move(begin), no_retry);
  if (!begun) co_return sent::failed;
  const auto frozen = co_await roll_.account(tenant);
  if (!frozen || !*frozen) co_return sent::failed;
  const auto& account = **frozen;
  if (!account.reporting) co_return sent::nothing;
  const auto held = co_await roll_.reported(tenant);
  if (!held) co_return sent::failed;
  std::vector<usage_report> reports;
  if (per_collection_)
    reports = make_collection_reports(identity_, tenant, account, held->before, held->now);
  else
    reports.push_back(*make_report(identity_, tenant, account, held->now));
  for (auto& one : reports) {
    const auto taken = co_await hub_.report_usage(tenant, std::move(one.body), std::move(one.idempotency_key));
    if (!taken) co_return sent::failed;
  }
  const auto position = account.reporting->position;
  log_event(log_level::debug, "usage", "Usage report sent", {{"tenant", to_string(tenant)}, {"position", position}});
  std::vector<operation> end{end_report_op{position}};
  const auto ended = co_await book_.enter(tenant, std::move(end), no_retry);
  co_return ended ? sent::one : sent::failed;
}

void usage_reporter::stop() {
  if (stopping_.exchange(true)) return;
  auto done = std::make_shared<std::promise<void>>();
  auto reported = done->get_future();
  boost::asio::co_spawn(rt_.context(0), report_all(), [done](std::exception_ptr, round) { done->set_value(); });
  reported.wait_for(stop_wait_max);
}

}  // namespace waggle
