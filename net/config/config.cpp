#include "net/config/config.hpp"

#include <algorithm>
#include <cassert>
#include <stdexcept>
#include <thread>
#include <tuple>

#include "net/config/layers.hpp"

namespace waggle {

std::string to_string(const config_problem& p) {
  std::string out = p.file;
  if (p.line > 0) out += ":" + std::to_string(p.line);
  if (!out.empty()) out += ": ";
  if (!p.key.empty()) out += p.key + ": ";
  return out + p.message;
}

std::string_view to_string(config_layer layer) {
  switch (layer) {
    case config_layer::file: return "file";
    case config_layer::environment: return "environment";
    case config_layer::command_line: return "command line";
    case config_layer::standard: break;
  }
  return "default";
}

void throw_exception_from_error(const config_problems& problems, const boost::source_location&) {
  throw std::runtime_error(problems.list.empty() ? "bad configuration" : to_string(problems.list.front()));
}

namespace {
std::string place_of(const config_origin& o) { return o.line > 0 ? o.place + ":" + std::to_string(o.line) : o.place; }
}  // namespace

/// Merges the layers. One per load.
class config_loader {
 public:
  explicit config_loader(const config_sources& sources) : sources_(sources) {}

  config::load_result run() {
    for (const auto& key : config_keys()) made_.entries_[key.path] = {default_value(key), {}};
    auto file = read_file_layer(sources_);
    for (const auto& a : file.assignments)
      if ((a.path == "hub.enabled" || a.path == "cluster.enabled") && a.value.text == "true")
        cluster_mode_asked_ = true;
    take(file);
    auto environment = read_environment_layer(sources_);
    take(environment);
    auto command_line = read_command_line_layer(sources_);
    take(command_line);
    judge_vectorizer_keys(file.vectorizer_only);
    replace_data_dir();
    judge_effects();
    check_hub_switch();
    check_config_rules(made_, problems_);
    if (problems_.empty()) return std::move(made_);
    std::stable_sort(problems_.begin(), problems_.end(), [](const config_problem& a, const config_problem& b) {
      const bool a_anywhere = a.file.empty(), b_anywhere = b.file.empty();  // rules without a place come last
      return std::tie(a_anywhere, a.file, a.line) < std::tie(b_anywhere, b.file, b.line);
    });
    return config_problems{std::move(problems_)};
  }

 private:
  static config_problem problem_at(const assignment& a, std::string message) {
    const bool file = a.origin.layer == config_layer::file;
    const bool variable = a.origin.layer == config_layer::environment;
    return {file ? a.origin.place : std::string(to_string(a.origin.layer)), a.origin.line,
            variable ? a.origin.place : a.path, std::move(message)};
  }

  result<config_value> value_of(const assignment& a) const {
    if (!a.from_secret_file) return read_value(*a.key, a.value);
    if (a.value.null || a.value.is_list || a.value.text.empty())
      return failure(ec::validation_error, "must be the path of a file");
    auto secret = read_secret_file(a.value.text);
    if (!secret) return secret.error();
    written_value w;
    w.text = std::move(*secret);
    if (a.key->kind != value_kind::secret_list) return read_value(*a.key, w);
    w.is_list = true;
    for (std::string_view rest = w.text; !rest.empty();) {
      const auto end = std::min(rest.find('\n'), rest.size());
      if (end > 0) w.list.emplace_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return read_value(*a.key, w);
  }

  void take(layer_reading& layer) {
    problems_.insert(problems_.end(), layer.problems.begin(), layer.problems.end());
    std::map<std::string_view, std::pair<const assignment*, config_value>> seen;
    for (const auto& a : layer.assignments) {
      auto value = value_of(a);
      if (!value) {
        problems_.push_back(problem_at(a, value.error().message));
        continue;
      }
      const auto [it, fresh] = seen.emplace(a.key->path, std::pair{&a, *value});
      if (!fresh && !(it->second.second == *value)) {
        const auto& first = *it->second.first;
        if (a.origin.layer == config_layer::file && first.path == a.path) continue;  // reported: it is set twice
        problems_.push_back(problem_at(
            a, "is the same key as " + first.path + " (" + place_of(first.origin) + ") but has a different value"));
        continue;
      }
      made_.entries_[a.key->path] = {std::move(*value), a.origin};
    }
  }

  void judge_vectorizer_keys(std::vector<config_problem>& found) {
    const bool compat = made_.flag("compat.vectorizer_config");
    for (auto& problem : found) {
      if (compat) problem.message = "is a Vectorizer key without meaning here; ignored";
      (compat ? made_.warnings_ : problems_).push_back(std::move(problem));
    }
  }

  void replace_data_dir() {
    const auto data_dir = made_.text("data_dir");
    for (auto& [path, entry] : made_.entries_)
      if (entry.value.text.starts_with("{data_dir}")) entry.value.text.replace(0, 10, data_dir);
  }

  /// A key of a later release may be written down already; one that would promise something may not.
  void judge_effects() {
    for (const auto& key : config_keys()) {
      const auto& [value, origin] = made_.entries_[key.path];
      if (key.effect == key_effect::now || origin.layer == config_layer::standard || value == default_value(key))
        continue;
      config_problem p{origin.layer == config_layer::file ? origin.place : std::string(to_string(origin.layer)),
                       origin.line, std::string(key.path), ""};
      const bool off = !value.set || (key.kind == value_kind::boolean && !value.boolean) ||
                       (key.kind == value_kind::text_list && value.list.empty()) ||
                       (key.kind == value_kind::text && value.text.empty());
      if (key.effect == key_effect::refused && !off) {
        p.message = "is not available in this release";
        problems_.push_back(std::move(p));
      } else if (key.effect == key_effect::stored) {
        p.message = "is accepted, but has no effect in this release";
        made_.warnings_.push_back(std::move(p));
      }
    }
  }

  /// hub.md §7: the switch must not quietly turn a cluster-mode configuration into an open standalone node.
  void check_hub_switch() {
    const auto& hub = made_.origin("hub.enabled");
    if (cluster_mode_asked_ && hub.place == "HIVEHUB_DISABLED" && made_.text("cluster.trust") != "local")
      problems_.push_back({"environment", 0, "HIVEHUB_DISABLED",
                           "is refused, because the configuration asks for cluster mode without cluster.trust: local"});
  }

  const config_sources& sources_;
  config made_;
  std::vector<config_problem> problems_;
  bool cluster_mode_asked_ = false;  ///< by the file
};

config::load_result config::load(const config_sources& sources) { return config_loader(sources).run(); }

const config::entry& config::at(std::string_view path) const {
  const auto it = entries_.find(path);
  assert(it != entries_.end() && "not a key of the table");
  return it->second;
}
const config_value& config::get(std::string_view path) const { return at(path).value; }
bool config::flag(std::string_view path) const { return at(path).value.boolean; }
std::int64_t config::number(std::string_view path) const { return at(path).value.integer; }
const std::string& config::text(std::string_view path) const { return at(path).value.text; }
const std::vector<std::string>& config::list(std::string_view path) const { return at(path).value.list; }
const config_origin& config::origin(std::string_view path) const { return at(path).origin; }

namespace {
/// What the rules have let through parses.
ip_networks networks_of(const std::vector<std::string>& list) {
  ip_networks networks;
  for (const auto& item : list) networks.push_back(ip_network::parse(item).value());
  return networks;
}
}  // namespace

settings config::settings() const {
  const auto size = [this](std::string_view path) { return static_cast<std::size_t>(number(path)); };
  const auto whole = [this](std::string_view path) { return static_cast<int>(number(path)); };
  const auto u32 = [this](std::string_view path) { return static_cast<std::uint32_t>(number(path)); };
  waggle::settings s;
  s.data_dir = text("data_dir");
  s.server.host = text("server.host");
  s.server.port = static_cast<std::uint16_t>(number("server.port"));
  s.server.allowed_hosts = list("server.allowed_hosts");
  s.server.request_timeout_ms = whole("server.request_timeout_ms");
  s.server.drain_seconds = whole("server.drain_seconds");
  s.server.max_connections = size("server.max_connections");
  s.server.keepalive_seconds = whole("server.keepalive_seconds");
  s.server.threads = size("server.threads");
  if (s.server.threads == 0) s.server.threads = std::max(1u, std::thread::hardware_concurrency());
  s.server.tls_enabled = flag("server.tls.enabled");
  s.server.tls_cert_path = text("server.tls.cert_path");
  s.server.tls_key_path = text("server.tls.key_path");
  s.server.tls_client_ca_path = text("server.tls.client_ca_path");
  s.server.cors_allowed_origins = list("server.cors.allowed_origins");
  s.server.body_bytes_max = size("api.rest.max_request_size_mb") << 20;
  s.server.liveness_listen = text("server.liveness.listen");
  s.logging = {text("logging.level"), text("logging.format")};
  s.limits.search_limit_max = size("limits.max_search_limit");
  s.limits.batch_items_max = size("limits.max_batch");
  s.limits.payload_bytes_max = size("limits.max_payload_kb") << 10;
  s.limits.inflight_per_tenant_max = size("limits.max_inflight_per_tenant");
  s.backpressure.queue_high_water = size("backpressure.upsert_queue_high_water");
  s.backpressure.queue_hard_limit = size("backpressure.hard_limit");
  s.backpressure.retry_after_seconds = whole("backpressure.retry_after_seconds");
  s.collections.dimension = u32("collections.defaults.dimension");
  s.collections.metric = text("collections.defaults.metric");
  s.collections.embedding_provider = text("collections.defaults.embedding_provider");
  s.collections.quantization = text("collections.defaults.quantization");
  s.collections.hnsw_m = u32("collections.defaults.hnsw.m");
  s.collections.hnsw_ef_construction = u32("collections.defaults.hnsw.ef_construction");
  s.collections.hnsw_ef_search = u32("collections.defaults.hnsw.ef_search");
  s.durability.fsync = flag("durability.fsync");
  s.durability.group_commit_us = whole("durability.group_commit_us");
  s.metrics.enabled = flag("metrics.enabled");
  s.metrics.collection_labels = flag("metrics.collection_labels");
  s.metrics.tenant_labels = text("metrics.tenant_labels");
  s.metrics.tenant_series_max = size("metrics.max_tenant_series");
  s.metrics.hub_unprefixed = flag("metrics.hub_unprefixed");
  s.metrics.scrape_token = text("metrics.scrape_token");
  s.cluster.enabled = flag("hub.enabled") || flag("cluster.enabled");
  const auto& isolation = get("hub.tenant_isolation");
  s.tenancy.isolation = isolation.set ? isolation.text : s.cluster.enabled ? "collection" : "none";
  s.tenancy.open_stores_max = size("tenancy.open_stores_max");
  s.hub.enabled = s.cluster.enabled && text("cluster.trust") == "hub";
  s.hub.api_url = text("hub.api_url");
  s.hub.service_api_key = text("hub.service_api_key");
  s.hub.service_name = text("hub.service_name");
  s.hub.validate_key_path = text("hub.paths.validate_key");
  if (s.hub.validate_key_path.empty()) s.hub.validate_key_path = "POST /api/v1/access-keys/validate";
  const auto path = [&](std::string_view key, std::string_view in_v1) {
    const bool by_set = origin(key).layer == config_layer::standard && text("hub.path_set") == "v1";
    return by_set ? std::string(in_v1) : text(key);
  };
  s.hub.get_user_path = path("hub.paths.get_user", "GET /api/v1/users/{user_id}");
  s.hub.get_quota_path = path("hub.paths.get_quota", "GET /api/v1/{service}/users/{user_id}/quota");
  s.hub.report_usage_path = path("hub.paths.report_usage", "POST /api/v1/{service}/users/{user_id}/usage");
  if (flag("hub.use_check_quota"))
    s.hub.check_quota_path = path("hub.paths.check_quota", "POST /api/v1/{service}/users/{user_id}/quota/check");
  if (flag("hub.logs.enabled")) s.hub.ship_logs_path = text("hub.paths.ship_logs");
  s.hub.manage_keys_path = text("hub.paths.manage_keys");
  s.hub.usage_per_collection = text("hub.usage.style") == "per_collection";
  s.hub.entitlement.max_stale_seconds = number("hub.entitlement.max_stale_seconds");
  const auto expired = text("hub.entitlement.on_expiry");
  s.hub.entitlement.when_expired = expired == "defaults"      ? expired_entitlement::defaults
                                   : expired == "deny_growth" ? expired_entitlement::deny_growth
                                                              : expired_entitlement::enforce_last;
  s.hub.quota_ttl_seconds = number("hub.cache.quota_ttl_seconds");
  s.hub.usage_report_interval_seconds = number("hub.usage_report_interval");
  s.hub.timeout_ms = 1000 * whole("hub.timeout_seconds");
  s.hub.retries = whole("hub.retries");
  s.hub.inline_deadline_ms = whole("hub.inline_deadline_ms");
  s.hub.key_ttl_seconds = number("hub.cache.api_key_ttl_seconds");
  s.hub.user_ttl_seconds = number("hub.cache.user_ttl_seconds");
  s.hub.stale_max_seconds = number("hub.cache.stale_max_seconds");
  s.hub.cache_entries_max = size("hub.cache.max_entries");
  s.hub.breaker_failures = whole("hub.circuit_breaker.failures");
  s.hub.breaker_open_seconds = number("hub.circuit_breaker.open_seconds");
  s.hub.breaker_open_seconds_max = number("hub.circuit_breaker.max_open_seconds");
  s.hub.key_patterns = list("hub.key_patterns");
  s.inbound.secrets = list("hub.inbound.secrets");
  s.inbound.allow_literal_true = flag("hub.inbound.allow_literal_true");
  s.inbound.allowed_peers = networks_of(list("hub.inbound.allowed_peers"));
  s.inbound.signing_secrets = list("hub.signing.secrets");
  s.inbound.every_request_signed = text("hub.signing.required") == "all";
  s.inbound.accept_v1 = flag("hub.signing.accept_v1");
  s.inbound.max_skew_seconds = whole("hub.signing.max_skew_seconds");
  s.inbound.nonce_ttl_seconds = whole("hub.signing.nonce_ttl_seconds");
  s.inbound.nonces_max = size("hub.signing.nonce_cache_max");
  s.auth.enabled = flag("auth.enabled");
  s.auth.jwt_secret = text("auth.jwt_secret");
  s.auth.jwt_expiration_seconds = number("auth.jwt_expiration");
  s.auth.key_limits.per_minute = static_cast<std::uint64_t>(number("auth.rate_limit_per_minute"));
  s.auth.key_limits.per_hour = static_cast<std::uint64_t>(number("auth.rate_limit_per_hour"));
  s.auth.rotation_grace_seconds = number("auth.rotation_grace_seconds");
  s.auth.root_user = text("auth.root_user");
  s.auth.root_password = text("auth.root_password");
  s.auth.accept_test_keys = flag("auth.accept_test_keys");
  s.auth.allow_query_api_key = flag("auth.allow_query_api_key");
  s.auth.read_write_manages_collections = flag("auth.read_write_manages_collections");
  s.auth.protect_health = flag("cluster.protect_health");
  s.auth.failures.failures = whole("auth.brute_force.failures");
  s.auth.failures.window_seconds = whole("auth.brute_force.window_seconds");
  s.auth.failures.block_seconds = whole("auth.brute_force.block_seconds");
  s.rate_limiting = {static_cast<std::uint64_t>(number("rate_limiting.default_requests_per_minute")),
                     static_cast<std::uint64_t>(number("rate_limiting.default_requests_per_hour")),
                     static_cast<std::uint64_t>(number("rate_limiting.default_requests_per_day"))};
  // Cluster mode has limits even where nobody set one.
  const auto limit = [&](std::string_view key, std::optional<std::uint64_t> in_cluster_mode) {
    const auto& value = get(key);
    if (value.set) return std::optional(static_cast<std::uint64_t>(value.integer));
    return s.cluster.enabled ? in_cluster_mode : std::nullopt;
  };
  s.quotas.collections = limit("quotas.defaults.collection_count", 10);
  s.quotas.points = limit("quotas.defaults.vector_count", 100'000);
  s.quotas.bytes = limit("quotas.defaults.storage_bytes", std::uint64_t{1} << 30);
  s.quotas.requests_per_month = limit("quotas.defaults.requests_per_month", std::nullopt);
  s.quotas.retry_after_seconds = whole("quotas.retry_after_seconds");
  s.tenancy.idle_hibernate_seconds = whole("tenancy.idle_hibernate_seconds");
  s.tenancy.delete_grace_seconds = whole("tenancy.delete_grace_seconds");
  s.security.ip.enabled = flag("security.ip.enabled");
  s.security.ip.allow_by_default = text("security.ip.default_policy") == "allow";
  s.security.ip.allow_private = flag("security.ip.allow_private");
  s.security.ip.allow_localhost = flag("security.ip.allow_localhost");
  s.security.ip.allowlist = networks_of(list("security.ip.global_allowlist"));
  s.security.ip.blocklist = networks_of(list("security.ip.global_blocklist"));
  s.security.forwarding = {networks_of(list("security.trusted_proxies")), text("security.forwarded_header")};
  const auto& audit = get("audit.enabled");
  s.audit.enabled = audit.set ? audit.boolean : s.cluster.enabled || s.auth.enabled;
  s.audit.dir = text("audit.dir");
  s.audit.retain_days = whole("audit.retain_days");
  s.audit.on_failure = text("audit.on_failure");
  s.audit.signing_key_file = text("audit.signing_key_file");
  return s;
}

std::string config::dump() const {
  std::string out;
  for (const auto& key : config_keys()) {
    const auto& [value, origin] = at(key.path);
    const bool secret = key.kind == value_kind::secret || key.kind == value_kind::secret_list;
    // A masked secret must not be loadable as a secret.
    if (secret && (!value.text.empty() || !value.list.empty())) out += "# ";
    out.append(key.path).append(": ").append(format_value(key, value));
    if (!key.unit.empty() && value.set)
      out.append("  # ").append(key.unit).append(",");
    else
      out += "  #";
    out.append(" ").append(to_string(origin.layer));
    if (!origin.place.empty()) out.append(" ").append(place_of(origin));
    out += '\n';
  }
  return out;
}

void config::take_reloadable(const config& fresh) {
  for (const auto& key : config_keys())
    if (key.reload) entries_[key.path] = fresh.at(key.path);
}

config_difference compare(const config& running, const config& fresh) {
  config_difference d;
  for (const auto& key : config_keys())
    if (!(running.get(key.path) == fresh.get(key.path)))
      (key.reload ? d.reloadable : d.restart_required).emplace_back(key.path);
  return d;
}

}  // namespace waggle
