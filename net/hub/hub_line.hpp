#pragma once
// Calls to HiveHub of one kind (contract hub.md §3, §4): headers, retries with jittered pauses, a circuit breaker of its
// own. Coroutines on the callers' contexts: nothing blocks. Any thread; destroy it before the io_contexts.
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <mutex>
#include <string>

#include "base/clock.hpp"
#include "net/config/settings.hpp"
#include "net/http/client.hpp"
#include "net/hub/circuit_breaker.hpp"
#include "net/metrics/metrics.hpp"

namespace waggle {

class hub_line {
 public:
  /// `operation`: static storage; its name in metrics and the log.
  hub_line(std::string_view operation, const hub_settings& config, const clock& time, metric_registry& metrics);

  /// Reads an answer of status 2xx, 404 or 409 and keeps what it says. IO_ERROR when it is not what the contract says.
  using reader = std::function<result<void>(const http_client_reply&)>;
  /// Tries until HiveHub has spoken, the time is over or the breaker opens: then HUB_UNAVAILABLE with Retry-After. The request may
  /// bring an Idempotency-Key of its own.
  boost::asio::awaitable<result<void>> call(http_client_request request, reader read);
  /// A call has ended in a way that nobody foresaw.
  failure broke_down(std::string what);

  /// Calls are held back.
  bool open();
  /// Requests sent, repeated ones too.
  std::uint64_t attempts() const { return attempts_; }
  /// Says that what is known serves on.
  void warn_of_stale_answers();

 private:
  struct attempt {
    result<void> outcome = failure(ec::internal_error);
    bool worth_repeating = false;
    bool hub_well = false;  ///< it answered, whatever it said
  };
  std::int64_t now_ms() const { return time_.steady_us() / 1000; }
  boost::asio::awaitable<attempt> try_once(const http_client_request& request, const reader& read);
  attempt judge(const http_client_reply& reply, const reader& read);
  bool may_call();
  void called(bool hub_well);
  /// True at most once in some seconds: an outage must not fill the log.
  bool may_warn();
  failure unavailable(std::string log_text);

  const std::string_view operation_;
  const hub_settings& config_;
  const clock& time_;
  http_client http_;
  metric_family& calls_;
  histogram_cell& seconds_;
  std::atomic<std::uint64_t> attempts_{0};

  std::mutex mutex_;
  circuit_breaker breaker_;
  std::int64_t warned_ms_ = -60'000;
};

}  // namespace waggle
