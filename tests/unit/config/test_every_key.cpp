// The table itself: every key can be set through the file, the environment and --set, with a value that is not its
// default.
#include <doctest/doctest.h>

#include <set>

#include "config_support.hpp"
#include "net/config/values.hpp"

using namespace waggle;
using namespace waggle::test;

namespace {
/// A valid text that differs from the key's default.
std::string sample_of(const key_spec& key, const scratch& dir) {
  const auto path = key.path;
  if (path == "data_dir") return dir.path("elsewhere");
  if (path == "server.host") return "127.0.0.2";
  if (path == "hub.signing.max_skew_seconds") return "299";  // more would need a longer nonce lifetime
  if (path == "server.liveness.listen") return "127.0.0.1:15099";
  if (path == "hub.api_url") return "https://other.example";
  if (path == "mcp.allowed_origins" || path == "server.cors.allowed_origins")
    return "https://a.example,https://b.example";
  if (path.starts_with("security.") || path == "hub.inbound.allowed_peers")
    if (key.kind == value_kind::text_list) return "10.0.0.0/8,fd00::1";
  switch (key.kind) {
    case value_kind::boolean: return key.fallback == "true" ? "false" : "true";
    case value_kind::integer:
    case value_kind::size:
    case value_kind::duration: {
      const auto base = key.fallback.empty() ? key.min : std::stoll(std::string(key.fallback));
      return std::to_string(base < key.max ? base + 1 : base - 1);
    }
    case value_kind::choice: {
      const auto last = key.choices.substr(key.choices.rfind('|') + 1);
      return std::string(last == key.fallback ? key.choices.substr(0, key.choices.find('|')) : last);
    }
    case value_kind::text: return "value-of-" + std::string(path);
    case value_kind::text_list: return "one,two";
    case value_kind::secret:
    case value_kind::secret_list: return std::string(48, 's');
  }
  return {};
}

/// The same as nested YAML.
std::string as_yaml(std::string_view path, const key_spec& key, const std::string& text) {
  std::string out, indent;
  for (std::size_t dot; (dot = path.find('.')) != std::string_view::npos; path.remove_prefix(dot + 1)) {
    out += indent + std::string(path.substr(0, dot)) + ":\n";
    indent += "  ";
  }
  const bool list = key.kind == value_kind::text_list || key.kind == value_kind::secret_list;
  std::string value = text;
  if (list) {
    value = "[";
    for (std::string_view rest = text; !rest.empty();) {
      const auto end = std::min(rest.find(','), rest.size());
      value += (value.size() > 1 ? ", '" : "'") + std::string(rest.substr(0, end)) + "'";
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    value += "]";
  }
  return out + indent + std::string(path) + ": " + value + "\n";
}

/// The key was read with that value from that layer; or it was understood and refused for what it would promise, with
/// the problem naming it.
void check_set(const key_spec& key, const config::load_result& loaded, config_layer layer, const std::string& how) {
  std::string why;
  bool named = false;
  if (!loaded) {
    for (const auto& p : loaded.error().list) {
      why += to_string(p) + "\n";
      named = named || p.key == key.path || has(p.message, "cluster mode needs");
      CHECK_FALSE(has(p.message, "unknown key"));
    }
  }
  INFO(how << "\n" << why);
  if (!loaded) {
    CHECK(named);
    const bool understood = has(why, "not available in this release") || has(why, "needs ") || has(why, "can't be ") ||
                            has(why, "contradicts ") || has(why, "server.tls.enabled is false");
    CHECK(understood);
    return;
  }
  CHECK(loaded->origin(key.path).layer == layer);
  const bool has_other_value = key.kind != value_kind::choice || key.choices.find('|') != std::string_view::npos;
  if (has_other_value) CHECK_FALSE(loaded->get(key.path) == default_value(key));
}
}  // namespace

TEST_CASE("every key: file, environment, --set, and by its alias and other variables") {
  for (const auto& key : config_keys()) {
    loader l;
    const auto text = sample_of(key, l.dir);
    check_set(key, l.load(as_yaml(key.path, key, text)), config_layer::file, "file " + std::string(key.path));
    if (!key.alias.empty())
      check_set(key, l.load(as_yaml(key.alias, key, text)), config_layer::file, "file " + std::string(key.alias));
    std::vector<std::string> names{environment_name(key.path)};
    if (!key.alias.empty()) names.push_back(environment_name(key.alias));
    for (std::string_view rest = key.env; !rest.empty();) {
      const auto end = std::min(rest.find(' '), rest.size());
      names.emplace_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    for (const auto& name : names) {
      l.environment = {{name, text}};
      check_set(key, l.load(""), config_layer::environment, name);
    }
    l.environment = {};
    l.command_line = {{std::string(key.path), text}};
    check_set(key, l.load(""), config_layer::command_line, "--set " + std::string(key.path));
  }
}

TEST_CASE("every key: the default is valid, and a value out of range is refused with the key's name") {
  for (const auto& key : config_keys()) {
    INFO(std::string(key.path));
    if (!key.fallback.empty()) CHECK(read_value(key, from_flat_text(key, key.fallback)).has_value());
    const bool number =
        key.kind == value_kind::integer || key.kind == value_kind::size || key.kind == value_kind::duration;
    if (!number) continue;
    loader l;
    l.command_line = {{std::string(key.path), std::to_string(key.min - 1)}};
    CHECK(has(l.problems(""), std::string(key.path) + ": must be at least"));
    if (key.max == std::numeric_limits<std::int64_t>::max()) continue;
    l.command_line = {{std::string(key.path), std::to_string(key.max + 1)}};
    CHECK(has(l.problems(""), std::string(key.path) + ": must be at most"));
  }
}

TEST_CASE("the table has no key twice and no name that means two keys") {
  std::set<std::string> names;
  for (const auto& key : config_keys()) {
    CHECK(names.insert(std::string(key.path)).second);
    if (!key.alias.empty()) CHECK(names.insert(std::string(key.alias)).second);
    CHECK_FALSE(is_config_section(key.path));
    CHECK(find_config_key(key.path) == &key);
    const bool measured = key.kind == value_kind::size || key.kind == value_kind::duration;
    CHECK(measured == !key.unit.empty());
    CHECK((key.kind == value_kind::choice) == !key.choices.empty());
  }
}

TEST_CASE("the table holds every key that the contract lists") {
  // config.md §2, written out. A key that is dropped or renamed fails here.
  static const char* contract =
      "data_dir server.host server.port server.allowed_hosts server.request_timeout_ms server.drain_seconds "
      "server.max_connections server.keepalive_seconds server.threads server.tls.enabled server.tls.cert_path "
      "server.tls.key_path server.tls.client_ca_path server.cors.allowed_origins server.liveness.listen "
      "api.rest.max_request_size_mb logging.level logging.format hub.enabled hub.api_url cluster.hivehub_api_url "
      "hub.service_api_key cluster.hivehub_api_key hub.service_name hub.path_set hub.paths.validate_key hub.paths.ping "
      "hub.timeout_seconds hub.retries hub.retry_delay_ms hub.inline_deadline_ms hub.usage_report_interval "
      "cluster.usage_report_interval hub.tenant_isolation hub.allow_no_isolation hub.cache.enabled "
      "hub.cache.max_entries "
      "hub.cache.api_key_ttl_seconds auth.api_key_cache_ttl hub.cache.quota_ttl_seconds cluster.quota_check_interval "
      "hub.cache.user_ttl_seconds hub.cache.negative_ttl_seconds hub.cache.stale_max_seconds "
      "hub.connection_pool.max_idle_per_host hub.connection_pool.pool_timeout_seconds hub.circuit_breaker.failures "
      "hub.circuit_breaker.open_seconds hub.circuit_breaker.max_open_seconds hub.inbound.secrets "
      "hub.inbound.allow_literal_true hub.inbound.allowed_peers hub.inbound.client_sans hub.signing.secrets "
      "hub.signing.required hub.signing.accept_v1 hub.signing.max_skew_seconds hub.signing.nonce_ttl_seconds "
      "hub.signing.nonce_cache_max hub.sign_outbound hub.allow_plain_http hub.use_check_quota "
      "hub.entitlement.max_stale_seconds hub.entitlement.on_expiry hub.entitlement.public_key hub.usage.style "
      "hub.usage.retain_days hub.logs.enabled hub.key_patterns cluster.enabled cluster.trust cluster.protect_health "
      "cluster.node_id cluster.listen cluster.advertise cluster.peers cluster.join_token_file "
      "cluster.replication_factor "
      "cluster.election_timeout_ms cluster.heartbeat_ms auth.enabled auth.require_authentication auth.jwt_secret "
      "auth.jwt_expiration auth.rate_limit_per_minute auth.rate_limit_per_hour auth.rotation_grace_seconds "
      "auth.accept_test_keys auth.allow_query_api_key auth.read_write_manages_collections auth.brute_force.failures "
      "auth.brute_force.window_seconds auth.brute_force.block_seconds auth.root_user auth.root_password "
      "security.ip.enabled "
      "security.ip.default_policy security.ip.global_allowlist security.ip.global_blocklist security.ip.allow_private "
      "security.ip.allow_localhost security.trusted_proxies security.forwarded_header "
      "rate_limiting.default_requests_per_minute rate_limiting.default_requests_per_hour "
      "rate_limiting.default_requests_per_day rate_limiting.standalone quotas.defaults.collection_count "
      "quotas.defaults.vector_count quotas.defaults.storage_bytes quotas.defaults.requests_per_month "
      "quotas.count_backups "
      "quotas.retry_after_seconds limits.max_search_limit limits.max_batch limits.max_payload_kb "
      "limits.max_inflight_per_tenant limits.shard_split_points backpressure.upsert_queue_high_water "
      "backpressure.hard_limit "
      "backpressure.retry_after_seconds tenancy.idle_hibernate_seconds tenancy.delete_grace_seconds "
      "tenancy.memory_budget_mb "
      "tenancy.export_dir tenancy.encryption.enabled tenancy.encryption.key_file tenancy.encryption.key_command "
      "collections.defaults.dimension collections.defaults.metric collections.defaults.embedding_provider "
      "collections.defaults.quantization collections.defaults.hnsw.m collections.defaults.hnsw.ef_construction "
      "collections.defaults.hnsw.ef_search durability.fsync durability.group_commit_us backup.enabled "
      "backup.backup_dir "
      "backup.max_backups_per_user backup.max_backup_age_hours backup.compression_enabled backup.compression_level "
      "backup.max_upload_mb backup.max_unpacked_gb backup.scrub_interval_hours backup.shared mcp.enabled "
      "mcp.multi_tenant "
      "mcp.require_auth mcp.request_timeout mcp.rate_limits.requests_per_minute mcp.rate_limits.requests_per_hour "
      "mcp.http.enabled mcp.http.max_concurrent_requests_per_tenant mcp.http.timeout_seconds mcp.require_session "
      "mcp.session_idle_seconds mcp.max_sessions_per_tenant mcp.allowed_origins graphql.enabled graphql.max_depth "
      "graphql.max_complexity graphql.graphiql graphql.introspection qdrant.enabled qdrant.listen "
      "qdrant.compat_version "
      "metrics.enabled metrics.scrape_token metrics.tenant_labels metrics.max_tenant_series metrics.collection_labels "
      "metrics.hub_unprefixed audit.enabled audit.dir audit.retain_days audit.on_failure audit.signing_key_file "
      "compat.vectorizer_config";
  for (std::string_view rest = contract; !rest.empty();) {
    const auto end = std::min(rest.find(' '), rest.size());
    INFO(std::string(rest.substr(0, end)));
    CHECK(find_config_key(rest.substr(0, end)) != nullptr);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

TEST_CASE("nearest keys") {
  CHECK(nearest_config_path("server.prot") == "server.port");
  CHECK(nearest_config_path("hub.retrys") == "hub.retries");
  CHECK(nearest_config_path("metric.enabled") == "metrics.enabled");
  CHECK(nearest_config_path("zzzzzzzz") == "");
  CHECK(nearest_config_path("anywhere.allowed_hosts") == "server.allowed_hosts");
  CHECK(nearest_config_path(std::string(5000, 'a')) == "");
}
