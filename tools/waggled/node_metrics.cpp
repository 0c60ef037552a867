// What /metrics says about the node as a whole (contract metrics.md); requests are counted by the pipeline.
#include <limits>

#include "actors/tenancy/tenant_state.hpp"
#include "tools/waggled/node.hpp"
#include "version.hpp"

namespace waggle {
namespace {
double number(const std::atomic<std::uint64_t>& n) { return static_cast<double>(n.load()); }
}  // namespace

void node::register_metrics() {
  register_process_metrics(metrics_);
  const auto gauge = [this](std::string_view name, std::string_view help, std::function<double()> read) {
    metrics_.family(metric_kind::gauge, name, help).sampled({}, std::move(read));
  };
  metrics_.family(metric_kind::gauge, "waggle_build_info", "Version of the node", {"version", "commit"})
      .gauge({waggle_version, waggle_commit})
      .set(1);
  gauge("waggle_connections_open", "Open client connections",
        [this] { return server_ ? static_cast<double>(server_->stats().connections_open) : 0; });
  // Refused before a route is looked for, so not by the pipeline.
  metrics_.family(metric_kind::counter, "vectorizer_api_errors_total", "Requests answered with an error",
                  {"endpoint", "error_type", "status_code"}, {}, 20000)
      .sampled({"unmatched", "ip_denied", "403"},
               [this] { return server_ ? static_cast<double>(server_->stats().ip_denied) : 0; });
  gauge("vectorizer_collections_total", "Collections", [this] { return number(group_->collections); });
  gauge("vectorizer_vectors_total", "Stored points", [this] { return number(group_->points); });
  gauge("vectorizer_memory_usage_bytes", "Resident memory of the process",
        [this] { return static_cast<double>(state_.resident_bytes()); });
  register_write_metrics();
  // the index
  auto& points = metrics_.family(metric_kind::gauge, "waggle_index_points", "Live points of the awake shards", {"kind"});
  points.sampled({"mutable"}, [this] { return static_cast<double>(index_.live[0]); });
  points.sampled({"sealed"}, [this] { return static_cast<double>(index_.live[1]); });
  metrics_.family(metric_kind::counter, "waggle_checksum_failures_total", "Files that did not hold", {"kind"})
      .sampled({"segment"}, [this] { return number(index_.segments_rejected); });
  index_.built = [&cell = metrics_.histogram("waggle_index_build_seconds", "Builds of segments",
                                             {.01, .03, .1, .3, 1, 3, 10, 30, 100, 300})](double s) { cell.observe(s); };
  // the runtime
  auto& ready = metrics_.family(metric_kind::gauge, "waggle_actor_mailbox_depth", "Actors and jobs that are ready to run", {"kind"});
  ready.sampled({"ready"}, [this] { return static_cast<double>(runtime_->stats().queue_depth); });
  ready.sampled({"long"}, [this] { return static_cast<double>(runtime_->stats().long_depth); });
  register_door_metrics();
  register_tenant_metrics();
}

/// Who asks is asked only where it matters.
void node::register_door_metrics() {
  if (!config_.auth.enabled && !config_.cluster.enabled) return;
  metrics_.family(metric_kind::counter, "waggle_auth_blocked_total", "Blocks of addresses with too many failed authentications")
      .sampled({}, [this] { return static_cast<double>(door_->counts().blocks); });
  metrics_.family(metric_kind::counter, "waggle_spoofed_user_id_total", "Requests for a user whom who asks may not act for")
      .sampled({}, [this] { return static_cast<double>(door_->counts().spoofed_user_ids); });
}

/// From a write's arrival to the disk.
void node::register_write_metrics() {
  const auto gauge = [this](std::string_view name, std::string_view help, std::function<double()> read) {
    metrics_.family(metric_kind::gauge, name, help).sampled({}, std::move(read));
  };
  const auto counter = [this](std::string_view name, std::string_view help, std::function<double()> read) {
    metrics_.family(metric_kind::counter, name, help).sampled({}, std::move(read));
  };
  metrics_.family(metric_kind::gauge, "vectorizer_upsert_in_flight", "Writes that wait for their answer", {"collection"})
      .sampled({""}, [this] { return static_cast<double>(database_->writes_in_flight()); });
  metrics_.family(metric_kind::gauge, "vectorizer_upsert_queue_depth", "Log entries that wait for a log write",
                  {"collection"})
      .sampled({""}, [this] { return number(group_->waiting); });
  gauge("waggle_raft_term", "Term of the replication group", [this] { return number(group_->term); });
  gauge("waggle_raft_commit_index", "Last applied log index", [this] { return number(group_->applied); });
  gauge("waggle_raft_leader", "1 when this node leads the group", [this] { return group_->ready ? 1.0 : 0.0; });
  gauge("waggle_raft_log_bytes", "Log entries held in memory", [this] { return number(group_->log_bytes); });
  counter("waggle_log_batches_total", "Log writes, each one fsync", [this] { return number(group_->batches); });
  counter("waggle_log_entries_total", "Entries in them", [this] { return number(group_->entries); });
  metrics_.before_each([this] { kv_stats_ = kv_->stats(); });
  metrics_.family(metric_kind::summary, "waggle_wal_fsync_seconds", "Syncs of the write-ahead log").sampled_summary([this] {
    const auto& s = kv_stats_;
    return summary_values{s.wal_syncs_total, static_cast<double>(s.wal_sync_micros_total) / 1e6,
                          {{.5, s.wal_sync_micros_p50 / 1e6}, {.99, s.wal_sync_micros_p99 / 1e6}}};
  });
  counter("waggle_wal_bytes_total", "Bytes written to the write-ahead log",
          [this] { return static_cast<double>(kv_stats_.wal_bytes_total); });
  gauge("waggle_disk_free_bytes", "Free bytes where the data is",
        [this] { return static_cast<double>(kv_stats_.disk_free_bytes); });
  gauge("waggle_tenant_quarantined", "Tenants whose database can't be used",
        [this] { return static_cast<double>(kv_stats_.tenants_quarantined); });
  gauge("waggle_tenant_stores_open", "Databases of tenants that are open",
        [this] { return static_cast<double>(kv_stats_.tenants_open); });
  gauge("waggle_storage_full", "1 while growth is refused", [this] { return group_->disk_full ? 1.0 : 0.0; });
}

/// Tenants without series of their own are one series, so these need no cap of the family's.
void node::register_tenant_metrics() {
  const auto list = [this](metric_kind kind, std::string_view name, std::string_view help, std::vector<std::string> labels,
                           std::function<metric_family::listed()> read) {
    metrics_.family(kind, name, help, std::move(labels), {}, std::numeric_limits<std::size_t>::max())
        .sampled_list(std::move(read));
  };
  constexpr auto counter = metric_kind::counter, gauge = metric_kind::gauge;
  const auto* counts = tenant_metrics_.get();
  list(counter, "waggle_tenant_cpu_seconds_total", "Worker time spent for a tenant", {"tenant_id"},
       [this, counts] { return counts->seconds(runtime_->totals(), &tenant_time::cpu_us); });
  list(counter, "waggle_tenant_queue_seconds_total", "Time that a tenant's work was ready and had to wait", {"tenant_id"},
       [this, counts] { return counts->seconds(runtime_->totals(), &tenant_time::queued_us); });
  list(counter, "waggle_tenant_bytes_total", "Bytes in bodies of a tenant's requests and their answers", {"tenant_id", "direction"},
       [counts] { return counts->transferred(); });
  list(counter, "vectorizer_tenant_requests_total", "Requests that count as a tenant's", {"tenant_id", "operation"},
       [counts] { return counts->requests(); });
  list(counter, "vectorizer_tenant_rate_limit_exceeded_total", "Requests refused as too fast or too many at once", {"tenant_id"},
       [counts] { return counts->rate_limits(); });
  list(counter, "waggle_auth_failures_total", "Requests of somebody who was not let in; without a tenant when nobody knows whose",
       {"tenant_id", "reason"}, [counts] { return counts->auth_failures(); });
  list(counter, "vectorizer_tenant_quota_exceeded_total", "Requests refused by a quota", {"tenant_id", "quota_type"},
       [counts] { return counts->quota_refusals(); });
  list(gauge, "vectorizer_tenant_storage_bytes", "Logical bytes of a tenant", {"tenant_id"},
       [this, counts] { return counts->storage(accounts_); });
  metrics_.family(gauge, "waggle_tenant_accounts_in_memory", "Tenants that have asked or written of late")
      .sampled({}, [this] { return static_cast<double>(accounts_.size()); });
  if (!config_.cluster.enabled) return;
  if (config_.metrics.hub_unprefixed) metrics_.also_without("vectorizer_hub_", std::string_view("vectorizer_").size());
  list(counter, "vectorizer_hub_api_requests_total", "Requests that count as a tenant's, by their answers",
       {"tenant_id", "endpoint", "method", "status"}, [counts] { return counts->answers(); });
  list(counter, "vectorizer_hub_quota_checks_total", "Decisions about a tenant's growth", {"tenant_id", "quota_type", "result"},
       [counts] { return counts->quota_checks(); });
  list(counter, "vectorizer_hub_quota_exceeded_total", "Requests refused by a quota", {"tenant_id", "quota_type"},
       [counts] { return counts->quota_refusals(); });
  list(gauge, "vectorizer_hub_quota_usage", "What of a quota is used", {"tenant_id", "quota_type"},
       [this, counts] { return counts->quota_use(accounts_, utc_month(clock_.unix_ms())); });
  metrics_.family(gauge, "vectorizer_hub_active_tenants", "Tenants with a request in the last five minutes")
      .sampled({}, [this] { return static_cast<double>(tenants_->gates.active_since(clock_.unix_ms() - 300'000)); });
}

}  // namespace waggle
