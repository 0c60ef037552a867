#pragma once
// The configuration of a standalone node as a plain struct: what the parts of the node take, with the units they work
// in. A value; copy freely.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net/auth/auth_failures.hpp"
#include "net/auth/client_address.hpp"
#include "net/auth/ip_rules.hpp"
#include "net/auth/rate_windows.hpp"

namespace waggle {

struct server_settings {
  std::string host;
  std::uint16_t port = 0;
  std::vector<std::string> allowed_hosts;
  int request_timeout_ms = 0;
  int drain_seconds = 0;
  std::size_t max_connections = 0;
  int keepalive_seconds = 0;
  std::size_t threads = 0;  ///< never 0: the number of cores where the key says 0
  bool tls_enabled = false;
  std::string tls_cert_path, tls_key_path, tls_client_ca_path;
  std::vector<std::string> cors_allowed_origins;
  std::size_t body_bytes_max = 0;
  std::string liveness_listen;  ///< "address:port" or "unix:/path"; "" = off
};

struct log_settings {
  std::string level;   ///< trace|debug|info|warn|error|off
  std::string format;  ///< text|json
};

struct limit_settings {
  std::size_t search_limit_max = 0;
  std::size_t batch_items_max = 0;
  std::size_t payload_bytes_max = 0;
  std::size_t inflight_per_tenant_max = 0;
};

struct backpressure_settings {
  std::size_t queue_high_water = 0;
  std::size_t queue_hard_limit = 0;
  int retry_after_seconds = 0;
};

struct collection_default_settings {
  std::uint32_t dimension = 0;
  std::string metric;  ///< as written; base on the spellings of contract README §6
  std::string embedding_provider;
  std::string quantization;
  std::uint32_t hnsw_m = 0, hnsw_ef_construction = 0, hnsw_ef_search = 0;
};

struct durability_settings {
  bool fsync = true;
  int group_commit_us = 0;
};

struct metrics_settings {
  bool enabled = true;
  bool collection_labels = false;
  std::string tenant_labels;  ///< capped|none|all
  std::size_t tenant_series_max = 0;
  bool hub_unprefixed = true;  ///< the hub_* metrics also without vectorizer_
  std::string scrape_token;    ///< may read the metrics and nothing else; "" = none
};

/// What a word of HiveHub about a tenant's limits is good for when its time is over and HiveHub is silent.
enum class expired_entitlement : std::uint8_t { enforce_last, defaults, deny_growth };
struct entitlement_settings {
  std::int64_t max_stale_seconds = 0;  ///< of a word without a lease
  expired_entitlement when_expired = expired_entitlement::enforce_last;
};

/// Who may ask is HiveHub's word.
struct hub_settings {
  bool enabled = false;
  std::string api_url, service_api_key, service_name;
  std::string validate_key_path;  ///< "METHOD /path"
  std::string get_user_path;      ///< likewise; "": not asked
  std::string get_quota_path;     ///< likewise
  std::string report_usage_path;  ///< likewise; "": not told
  std::string check_quota_path;   ///< likewise; "": not asked before growth
  std::string ship_logs_path;     ///< likewise; "": no operation log
  std::string manage_keys_path;   ///< likewise, of all keys; one key is below it, by its id
  int timeout_ms = 0;             ///< of one attempt
  int retries = 0;
  int inline_deadline_ms = 0;     ///< of a call that a request waits for, attempts and pauses together
  std::int64_t key_ttl_seconds = 0, stale_max_seconds = 0, user_ttl_seconds = 0, quota_ttl_seconds = 0;
  std::int64_t usage_report_interval_seconds = 0;
  bool usage_per_collection = false;  ///< instead of one report for a tenant
  entitlement_settings entitlement;
  std::size_t cache_entries_max = 0;
  int breaker_failures = 0;
  std::int64_t breaker_open_seconds = 0, breaker_open_seconds_max = 0;
  std::vector<std::string> key_patterns;
};

/// Which requests of HiveHub's own services are believed.
struct inbound_settings {
  std::vector<std::string> secrets;
  bool allow_literal_true = false;
  ip_networks allowed_peers;  ///< empty: any peer
  std::vector<std::string> signing_secrets;  ///< base64
  bool every_request_signed = false;
  bool accept_v1 = true;
  int max_skew_seconds = 0;
  int nonce_ttl_seconds = 0;
  std::size_t nonces_max = 0;
};

struct cluster_settings {
  bool enabled = false;  ///< cluster mode: many tenants, by HiveHub's word or by local keys
};

/// How tenants are kept apart.
struct tenancy_settings {
  std::string isolation;              ///< none|collection|storage
  std::size_t open_stores_max = 0;    ///< databases of tenants open at a time, with storage
  int idle_hibernate_seconds = 0;  ///< without a request; then a tenant keeps next to nothing in memory
  std::int64_t delete_grace_seconds = 0;
};

struct auth_settings {
  bool enabled = false;        ///< local keys and users
  std::string jwt_secret;      ///< "" = the node's own
  std::int64_t jwt_expiration_seconds = 0;
  rate_limits key_limits;      ///< of local keys that have none of their own
  std::int64_t rotation_grace_seconds = 0;
  std::string root_user, root_password;  ///< of a first start; "" = chosen there
  bool accept_test_keys = true;
  bool allow_query_api_key = false;
  bool read_write_manages_collections = true;
  bool protect_health = true;
  auth_failure_limits failures;
};

struct security_settings {
  ip_rules ip;
  forwarding_policy forwarding;
};

/// Of tenants for whom nobody says anything else; none = unlimited.
struct quota_settings {
  std::optional<std::uint64_t> collections;
  std::optional<std::uint64_t> points;
  std::optional<std::uint64_t> bytes;
  std::optional<std::uint64_t> requests_per_month;
  int retry_after_seconds = 0;
};

/// In cluster mode, and with local keys.
struct audit_settings {
  bool enabled = false;
  std::string dir;
  int retain_days = 0;  ///< 0 = forever
  std::string on_failure;  ///< block|degrade
  std::string signing_key_file;  ///< Ed25519 private key; "" = checkpoints are not signed
};

struct settings {
  std::string data_dir;
  server_settings server;
  log_settings logging;
  limit_settings limits;
  backpressure_settings backpressure;
  collection_default_settings collections;
  durability_settings durability;
  metrics_settings metrics;
  hub_settings hub;
  inbound_settings inbound;
  cluster_settings cluster;
  tenancy_settings tenancy;
  auth_settings auth;
  rate_limits rate_limiting;
  quota_settings quotas;
  security_settings security;
  audit_settings audit;
};

}  // namespace waggle
