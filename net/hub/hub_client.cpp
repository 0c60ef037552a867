#include "net/hub/hub_client.hpp"

#include <charconv>
#include <algorithm>
#include <cstring>

#include "base/checksum.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "base/text_out.hpp"

namespace waggle {
namespace {
/// None when it is not 64 hex digits.
std::optional<std::array<std::uint8_t, 32>> digest_of(std::string_view hex) {
  std::array<std::uint8_t, 32> bytes;
  if (hex.size() != 2 * bytes.size()) return std::nullopt;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto* digits = hex.data() + 2 * i;
    if (std::from_chars(digits, digits + 2, bytes[i], 16).ptr != digits + 2) return std::nullopt;
  }
  return bytes;
}

/// What was last said of a user or its quota holds until HiveHub says otherwise.
constexpr std::int64_t for_ever_ms = std::int64_t{1000} * 3600 * 24 * 3650;

/// A hub that hangs shall not hold up what the limits known here allow.
constexpr int quota_wait_ms = 250;

std::int64_t ms(std::int64_t seconds) { return 1000 * seconds; }

/// In the order of `freshness`.
std::array<counter_cell*, 4> lookup_cells(metric_registry& metrics) {
  auto& lookups = metrics.family(metric_kind::counter, "waggle_auth_cache_total",
                                 "Keys looked for among those that are remembered, by how old the answer was", {"result"});
  return {&lookups.counter({"miss"}), &lookups.counter({"hit"}), &lookups.counter({"refresh"}), &lookups.counter({"stale"})};
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
      unchecked_(metrics.counter("waggle_hub_unchecked_users_total",
                                 "Service requests let in though HiveHub has never said whether their user is active")),
      key_lookups_(lookup_cells(metrics)),
      unchecked_growth_(metrics.counter("waggle_hub_unchecked_growth_total",
                                        "Growth that the node allowed by itself, because HiveHub had no opinion on it")),
      reports_(metrics.family(metric_kind::counter, "vectorizer_hub_usage_reports_total", "Usage reports by what came of them",
                              {"status"})),
      joined_(metrics.counter("waggle_hub_singleflight_joined_total", "Requests that waited for a call which another one had made")),
      key_line_("validate_key", config_, time, metrics),
      user_line_("get_user", config_, time, metrics),
      quota_line_("get_quota", config_, time, metrics),
      check_line_("check_quota", config_, time, metrics),
      report_line_("report_usage", config_, time, metrics),
      log_line_("ship_logs", config_, time, metrics),
      keys_({ms(config.key_ttl_seconds), ms(config.stale_max_seconds), config.cache_entries_max}, key_line_, time,
            config.inline_deadline_ms,
            metrics.counter("waggle_hub_stale_keys_served_total",
                            "Requests let in by a key entry past its time while HiveHub did not answer"),
            joined_),
      users_({ms(config.user_ttl_seconds), for_ever_ms, config.cache_entries_max}, user_line_, time,
             config.inline_deadline_ms,
             metrics.counter("waggle_hub_stale_users_served_total",
                             "Service requests judged by a user's last known status while HiveHub did not answer"),
             joined_),
      quotas_({ms(config.quota_ttl_seconds), for_ever_ms, config.cache_entries_max}, quota_line_, time,
              std::min(quota_wait_ms, config.inline_deadline_ms),
              metrics.counter("waggle_hub_stale_quotas_served_total",
                              "Requests held to a user's last known limits while HiveHub did not answer"),
              joined_) {
  register_gauges(metrics);
}

void hub_client::register_gauges(metric_registry& metrics) {
  auto& entries = metrics.family(metric_kind::gauge, "waggle_hub_cache_entries", "Answers of HiveHub that are remembered", {"cache"});
  entries.sampled({"key"}, [this] { return static_cast<double>(keys_.size()); });
  entries.sampled({"user"}, [this] { return static_cast<double>(users_.size()); });
  entries.sampled({"quota"}, [this] { return static_cast<double>(quotas_.size()); });
  metrics.family(metric_kind::gauge, "waggle_hub_calls_per_request_ratio",
                 "Calls to HiveHub that requests needed, by requests, since the start")
      .sampled({}, [this] {
        const auto calls = key_line_.attempts() + user_line_.attempts() + quota_line_.attempts() +
                           check_line_.attempts();
        const auto requests = asked_.load();
        return requests == 0 ? 0.0 : static_cast<double>(calls) / static_cast<double>(requests);
      });
}

result<std::unique_ptr<hub_client>> hub_client::make(const hub_settings& config, const clock& time,
                                                     metric_registry& metrics) {
  std::unique_ptr<hub_client> made(new hub_client(config, time, metrics));
  const auto key_path = read_hub_path("validate_key", config.validate_key_path, "POST", config.service_name);
  if (!key_path) return key_path.error();
  auto url = made->url_of(*key_path);
  if (!url) return failure::validation("hub.api_url", url.error().message);
  made->validate_key_url_ = std::move(*url);
  const auto take = [&](std::string_view operation, const std::string& entry, std::string_view method,
                        std::string& path) -> result<void> {
    if (entry.empty()) return {};
    auto read = read_hub_path(operation, entry, method, config.service_name);
    if (!read) return read.error();
    path = std::move(*read);
    if (auto of_nobody = made->url_of(with_user(path, {})); !of_nobody)
      return failure::validation("hub.paths." + std::string(operation), of_nobody.error().message);
    return {};
  };
  if (auto taken = take("get_user", config.get_user_path, "GET", made->get_user_path_); !taken) return taken.error();
  if (auto taken = take("get_quota", config.get_quota_path, "GET", made->get_quota_path_); !taken) return taken.error();
  if (auto taken = take("check_quota", config.check_quota_path, "POST", made->check_quota_path_); !taken) return taken.error();
  if (auto taken = take("report_usage", config.report_usage_path, "POST", made->report_usage_path_); !taken) return taken.error();
  if (auto taken = take("ship_logs", config.ship_logs_path, "POST", made->ship_logs_path_); !taken) return taken.error();
  for (const auto& pattern : config.key_patterns) {
    try {
      made->patterns_.emplace_back(pattern, std::regex::ECMAScript | std::regex::optimize);
    } catch (const std::regex_error&) {
      return failure::validation("hub.key_patterns", "'" + pattern + "' is no regular expression");
    }
  }
  return made;
}

result<http_client_url> hub_client::url_of(const std::string& path) const {
  auto base = config_.api_url;
  while (base.ends_with('/')) base.pop_back();
  return parse_http_url(base + path);
}

boost::asio::awaitable<result<principal_ptr>> hub_client::identify(std::string_view key, bool known_only) {
  ++asked_;
  if (key.size() > limits::key_bytes_max) co_return failure(ec::auth_invalid_format);
  const digest id = sha256(key);
  auto known = keys_.known(id);
  const auto count = [&] { key_lookups_[static_cast<std::size_t>(known.age)]->add(); };
  if (known.age == freshness::fresh) {
    count();
    co_return unless_expired(std::move(known.value));
  }
  if (known.age == freshness::absent) {
    if (known_only) co_return failure(ec::auth_rate_limit);
    const auto fits = [key](const std::regex& p) { return std::regex_match(key.begin(), key.end(), p); };
    if (std::none_of(patterns_.begin(), patterns_.end(), fits)) co_return failure(ec::auth_invalid_format);
  }
  count();
  if (known_only) co_return unless_expired(std::move(known.value));
  auto ask = [this, key = std::string(key)] { return validate(key); };
  auto who = co_await keys_.ask(id, std::move(known), std::move(ask));
  if (!who) co_return who.error();
  co_return unless_expired(std::move(*who));
}

boost::asio::awaitable<result<hub_verdict<principal_ptr>>> hub_client::validate(const std::string& key) {
  http_client_request request;
  request.url = validate_key_url_;
  request.body = validate_key_request(key);
  result<hub_verdict<principal_ptr>> said = failure(ec::internal_error);
  hub_line::reader read = [&](const http_client_reply& reply) -> result<void> {
    said = read_key_answer(reply.status, reply.body, prefix_of_key(key));
    if (!said) return said.error();
    return {};
  };
  const auto called = co_await key_line_.call(std::move(request), std::move(read));
  if (!called) co_return called.error();
  // The user's status is part of it: known, should the other question find HiveHub silent.
  if (said->value && said->value->tenant) users_.learn(*said->value->tenant, !said->value->suspended);
  co_return std::move(said);
}

boost::asio::awaitable<bool> hub_client::is_active(tenant_id user) {
  ++asked_;
  auto known = users_.known(user);
  if (known.age == freshness::fresh) co_return known.value;
  if (get_user_path_.empty()) co_return known.age == freshness::absent || known.value;
  auto ask = [this, user] { return look_up(user); };
  const auto active = co_await users_.ask(user, std::move(known), std::move(ask));
  if (active) co_return *active;
  if (active.error().code != ec::hub_unavailable) co_return false;
  unchecked_.add();
  co_return true;
}

void hub_client::forget_key(std::string_view key_id, std::string_view sha256_hex) {
  const auto hash = digest_of(sha256_hex);
  keys_.forget_if([&](const digest& known, const principal_ptr& who) {
    return (!key_id.empty() && who->key_id == key_id) || known == hash;
  });
}

void hub_client::forget_keys_of(const tenant_id& user) {
  keys_.forget_if([&](const digest&, const principal_ptr& who) { return who->tenant == user; });
}

void hub_client::forget_quota(const tenant_id& user) {
  quotas_.forget_if([&](const tenant_id& known, const hub_quota&) { return known == user; });
}

void hub_client::learn_status(const tenant_id& user, bool active) {
  // The answers about its keys say how the user was.
  forget_keys_of(user);
  users_.forget_if([&](const tenant_id& known, bool) { return known == user; });
  users_.learn(user, active);
}

boost::asio::awaitable<result<hub_verdict<bool>>> hub_client::look_up(const tenant_id& user) {
  auto url = url_of(with_user(get_user_path_, user));
  if (!url) co_return url.error();
  http_client_request request;
  request.method = "GET";
  request.url = std::move(*url);
  result<hub_verdict<bool>> said = failure(ec::internal_error);
  hub_line::reader read = [&](const http_client_reply& reply) -> result<void> {
    said = read_user_answer(reply.status, reply.body, user);
    if (!said) return said.error();
    return {};
  };
  const auto called = co_await user_line_.call(std::move(request), std::move(read));
  if (!called) co_return called.error();
  co_return std::move(said);
}

/// Once a lease has ended it is asked for again, however young the answer is.
hub_client::quota_answer hub_client::quota_of(const tenant_id& user) {
  auto known = quotas_.known(user);
  const auto ends_ms = known.value.expires_ms;
  if (ends_ms > 0 && time_.unix_ms() >= ends_ms) known.age = freshness::stale;
  return known;
}

std::optional<hub_quota> hub_client::known_quota(const tenant_id& user) {
  if (get_quota_path_.empty()) return hub_quota{};
  const auto known = quota_of(user);
  if (known.age != freshness::fresh) return std::nullopt;
  return known.value;
}

boost::asio::awaitable<result<hub_quota>> hub_client::quota(tenant_id user) {
  if (get_quota_path_.empty()) co_return hub_quota{};
  auto known = quota_of(user);
  auto ask = [this, user] { return look_up_quota(user); };
  co_return co_await quotas_.ask(user, std::move(known), std::move(ask));
}

boost::asio::awaitable<result<hub_verdict<hub_quota>>> hub_client::look_up_quota(const tenant_id& user) {
  auto url = url_of(with_user(get_quota_path_, user));
  if (!url) co_return url.error();
  http_client_request request;
  request.method = "GET";
  request.url = std::move(*url);
  result<hub_verdict<hub_quota>> said = failure(ec::internal_error);
  hub_line::reader read = [&](const http_client_reply& reply) -> result<void> {
    said = read_quota_answer(reply.status, reply.body);
    if (!said) return said.error();
    said->value.said_ms = time_.unix_ms();
    return {};
  };
  const auto called = co_await quota_line_.call(std::move(request), std::move(read));
  if (!called) co_return called.error();
  co_return std::move(said);
}

boost::asio::awaitable<std::optional<growth_opinion>> hub_client::check_quota(tenant_id user, std::string_view operation,
                                                                              std::uint64_t size) {
  std::optional<growth_opinion> said;
  if (auto url = url_of(with_user(check_quota_path_, user))) {
    http_client_request request;
    request.url = std::move(*url);
    request.body = check_quota_request(user, operation, size);
    hub_line::reader read = [&said](const http_client_reply& reply) -> result<void> {
      auto opinion = read_check_quota_answer(reply.status, reply.body);
      if (!opinion) return opinion.error();
      said = *opinion;
      return {};
    };
    // The line warns of a hub that is silent.
    (void)co_await check_line_.call(std::move(request), std::move(read));
  }
  if (!said) unchecked_growth_.add();
  co_return said;
}

boost::asio::awaitable<result<void>> hub_client::report_usage(tenant_id user, std::string body,
                                                               std::string idempotency_key) {
  auto url = url_of(with_user(report_usage_path_, user));
  if (!url) co_return url.error();
  http_client_request request;
  request.url = std::move(*url);
  request.body = std::move(body);
  request.headers.push_back({"Idempotency-Key", std::move(idempotency_key)});
  std::string_view status = "failure";
  hub_line::reader read = [&](const http_client_reply& reply) -> result<void> {
    if (reply.status == 404) return failure(ec::io_error, "HiveHub does not know the user");
    status = reply.status == 409 ? "duplicate" : "success";
    return {};
  };
  auto called = co_await report_line_.call(std::move(request), std::move(read));
  reports_.counter({status}).add();
  co_return called;
}

boost::asio::awaitable<result<void>> hub_client::ship_logs(std::string body) {
  auto url = url_of(ship_logs_path_);
  if (!url) co_return url.error();
  http_client_request request;
  request.url = std::move(*url);
  request.body = std::move(body);
  hub_line::reader read = [](const http_client_reply& reply) -> result<void> {
    if (reply.status == 404) return failure(ec::io_error, "HiveHub takes no operation records");
    return {};
  };
  co_return co_await log_line_.call(std::move(request), std::move(read));
}

result<principal_ptr> hub_client::unless_expired(principal_ptr who) const {
  if (!who->expires_at.empty() && format_rfc3339(time_.unix_ms()).substr(0, who->expires_at.size()) >= who->expires_at)
    return failure(ec::auth_key_expired);
  return who;
}

}  // namespace waggle
