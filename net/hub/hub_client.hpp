#pragma once
// The node's line to HiveHub (contract hub.md): asks what a key may do, and remembers the answer. A cached key costs one hash
// and one look-up; concurrent first uses of a key cause one call; a key in use is refreshed before its entry ends; when
// HiveHub does not answer, entries serve on for a while and nothing else is let in. Coroutines on the callers' contexts:
// nothing blocks. Owned by the node; any thread; destroy it before the io_contexts.
#include <array>
#include <boost/asio/awaitable.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <regex>
#include <vector>

#include "actors/runtime/completion.hpp"
#include "base/clock.hpp"
#include "net/config/settings.hpp"
#include "net/http/client.hpp"
#include "net/hub/circuit_breaker.hpp"
#include "net/hub/expiring_cache.hpp"
#include "net/hub/hub_wire.hpp"
#include "net/metrics/metrics.hpp"

namespace waggle {

class hub_client {
 public:
  /// VALIDATION_ERROR that names the key of the configuration which can't be used.
  static result<std::unique_ptr<hub_client>> make(const hub_settings& config, const clock& time,
                                                  metric_registry& metrics);

  /// Who the key belongs to. AUTH_INVALID_FORMAT (without a call), AUTH_INVALID_KEY, AUTH_KEY_EXPIRED, FORBIDDEN, or
  /// HUB_UNAVAILABLE with Retry-After when nobody can say.
  /// `known_only`: AUTH_RATE_LIMIT instead of a call.
  boost::asio::awaitable<result<principal_ptr>> identify(std::string_view key, bool known_only = false);
  /// False while the circuit breaker is open.
  bool reachable();

 private:
  using digest = std::array<std::uint8_t, 32>;
  struct digest_hash {
    std::size_t operator()(const digest& d) const;
  };
  using waiter = std::shared_ptr<answers<key_verdict>>;
  struct attempt {
    result<key_verdict> outcome = failure(ec::internal_error);
    bool worth_repeating = false;
    bool hub_well = false;  ///< it answered, whatever it said
  };

  hub_client(const hub_settings& config, const clock& time, metric_registry& metrics);
  std::int64_t now_ms() const { return time_.steady_us() / 1000; }
  /// Waits for the one call that is out for this key, or makes it; `waiting` may be null.
  void join(const digest& id, std::string_view key, waiter waiting, const boost::asio::any_io_executor& executor);
  boost::asio::awaitable<void> fly(digest id, std::string key);
  boost::asio::awaitable<result<key_verdict>> call(const std::string& key);
  boost::asio::awaitable<attempt> try_once(const std::string& key, std::int64_t left_ms);
  void land(const digest& id, const result<key_verdict>& outcome);
  bool may_call();
  void called(bool hub_well);
  result<principal_ptr> unless_expired(principal_ptr who) const;
  /// True at most once in some seconds: an outage must not fill the log.
  bool may_warn();
  failure unavailable(std::string log_text);

  const hub_settings config_;
  const clock& time_;
  http_client_url url_;
  std::vector<std::regex> patterns_;
  http_client http_;
  metric_family& calls_;
  counter_cell& stale_served_;

  std::mutex mutex_;
  expiring_cache<digest, principal_ptr, digest_hash> keys_;
  std::map<digest, std::vector<waiter>> flights_;
  circuit_breaker breaker_;
  std::int64_t warned_ms_ = -60'000;
};

}  // namespace waggle
