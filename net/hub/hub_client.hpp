#pragma once
// The node's line to HiveHub (contract hub.md): asks what a key may do and whether a user is active, and remembers the
// answers (hub_question). A cached key costs one hash and one look-up. Coroutines on the callers' contexts: nothing blocks.
// Owned by the node; any thread; destroy it before the io_contexts.
#include <array>
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <regex>
#include <vector>

#include "net/hub/hub_line.hpp"
#include "net/hub/hub_question.hpp"

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
  /// Whether the user may use the node: false for a suspended user, and for one that HiveHub does not know. When HiveHub is
  /// silent, what it said last; true when it never said anything, for who asks is HiveHub's own service.
  boost::asio::awaitable<bool> is_active(tenant_id user);
  /// What HiveHub gives a user. When it is silent, what it said last; HUB_UNAVAILABLE when it never said anything.
  boost::asio::awaitable<result<hub_quota>> quota(tenant_id user);
  /// The same without waiting; none when it has to be asked.
  std::optional<hub_quota> known_quota(const tenant_id& user);
  /// Whether the user may grow by so much, in HiveHub's opinion. None when it has none or is silent: that is counted and logged.
  /// `operation`: create_collection or insert.
  boost::asio::awaitable<std::optional<growth_opinion>> check_quota(tenant_id user, std::string_view operation,
                                                                    std::uint64_t size);
  bool is_asked_before_growth() const { return !check_quota_path_.empty(); }
  /// Hands over a usage report; ok too when HiveHub has it already. Failures say nothing about whether it arrived.
  boost::asio::awaitable<result<void>> report_usage(tenant_id user, std::string body, std::string idempotency_key);
  bool takes_reports() const { return !report_usage_path_.empty(); }
  /// Hands over operation records.
  boost::asio::awaitable<result<void>> ship_logs(std::string body);
  bool takes_logs() const { return !ship_logs_path_.empty(); }
  /// HiveHub's last word on the user was that it is not active. Asks nobody.
  bool known_inactive(const tenant_id& user) {
    const auto known = users_.known(user);
    return known.age != freshness::absent && !known.value;
  }
  /// HiveHub's news: what is remembered of a key (by its id, or the SHA-256 of its text in hex) or a user holds no more.
  void forget_key(std::string_view key_id, std::string_view sha256_hex);
  void forget_keys_of(const tenant_id& user);
  void forget_quota(const tenant_id& user);
  void learn_status(const tenant_id& user, bool active);
  /// False while calls are held back.
  bool reachable() { return !key_line_.open() && !user_line_.open() && !quota_line_.open() && !check_line_.open(); }

 private:
  using digest = std::array<std::uint8_t, 32>;
  struct digest_hash {
    std::size_t operator()(const digest& d) const;
  };

  hub_client(const hub_settings& config, const clock& time, metric_registry& metrics);
  void register_gauges(metric_registry& metrics);
  result<http_client_url> url_of(const std::string& path) const;
  boost::asio::awaitable<result<hub_verdict<principal_ptr>>> validate(const std::string& key);
  boost::asio::awaitable<result<hub_verdict<bool>>> look_up(const tenant_id& user);
  boost::asio::awaitable<result<hub_verdict<hub_quota>>> look_up_quota(const tenant_id& user);
  result<principal_ptr> unless_expired(principal_ptr who) const;
  using quota_answer = hub_question<tenant_id, hub_quota>::known_answer;
  quota_answer quota_of(const tenant_id& user);

  const hub_settings config_;
  const clock& time_;
  http_client_url validate_key_url_;
  std::string get_user_path_;      ///< "": not asked
  std::string get_quota_path_;     ///< likewise
  std::string check_quota_path_;   ///< likewise
  std::string report_usage_path_;  ///< "": not told
  std::string ship_logs_path_;     ///< likewise
  std::vector<std::regex> patterns_;
  std::atomic<std::uint64_t> asked_{0};  ///< times that a key or a user was looked up: once a request
  counter_cell& unchecked_;
  std::array<counter_cell*, 4> key_lookups_;  ///< by freshness
  counter_cell& unchecked_growth_;
  metric_family& reports_;
  counter_cell& joined_;
  hub_line key_line_, user_line_, quota_line_, check_line_, report_line_, log_line_;
  hub_question<digest, principal_ptr, digest_hash> keys_;
  hub_question<tenant_id, bool> users_;
  hub_question<tenant_id, hub_quota> quotas_;
};

}  // namespace waggle
