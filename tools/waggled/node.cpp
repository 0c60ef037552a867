#include "tools/waggled/node.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <future>
#include <thread>

#include "actors/tenancy/tenant_state.hpp"
#include "base/log.hpp"
#include "base/uuid.hpp"
#include "net/identity/hub_authenticator.hpp"
#include "net/identity/local_authenticator.hpp"
#include "storage/apply/layout.hpp"
#include "storage/apply/state_machine.hpp"
#include "version.hpp"

namespace waggle {
namespace {

std::string host_name() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "node";
}

http_options http_options_of(const settings& config) {
  http_options options;
  const auto& server = config.server;
  options.host = server.host;
  options.port = server.port;
  options.tls = {server.tls_enabled, server.tls_cert_path, server.tls_key_path, server.tls_client_ca_path};
  // Open loopback: a web page must not get through by a name that points here.
  options.site.check_host = !config.cluster.enabled && !config.auth.enabled;
  options.site.allowed_hosts = server.allowed_hosts;
  options.site.allowed_origins = server.cors_allowed_origins;
  options.site.forwarding = config.security.forwarding;
  options.site.ip = config.security.ip;
  options.body_bytes_max = server.body_bytes_max;
  options.unproven_body_bytes_max = std::max(options.unproven_body_bytes_max, server.body_bytes_max);
  options.connections_max = server.max_connections;
  options.request_timeout_ms = server.request_timeout_ms;
  options.keepalive_ms = server.keepalive_seconds * 1000;
  return options;
}

tenant_limits default_limits_of(const settings& config) {
  const auto& q = config.quotas;
  return {{q.collections, q.points, q.bytes, q.requests_per_month}, config.rate_limiting};
}

/// Names this data in usage reports, for as long as it lives.
result<std::string> cluster_id_of(const std::string& data_dir) {
  const auto path = std::filesystem::path(data_dir) / "_node" / "cluster_id";
  std::string id;
  std::ifstream(path) >> id;
  std::array<std::uint8_t, 16> bytes;
  if (parse_uuid(id, bytes)) return id;
  id = new_uuid_v4();
  std::ofstream out(path);
  out << id << '\n';
  out.close();
  if (out) return id;
  failure f(ec::io_error, path.string() + " can't be written");
  f.log_text = f.message;
  return f;
}

/// RocksDB has no code of its own for a lock that another process holds; this is how its text begins and ends.
bool held_by_another(const failure& opening) {
  return opening.log_text.find("While lock file: ") != std::string::npos &&
         opening.log_text.find("Resource temporarily unavailable") != std::string::npos;
}

failure in_use(const std::string& data_dir) {
  failure f(ec::not_ready, "data_dir '" + data_dir + "' is already in use by another process");
  f.log_text = f.message;
  return f;
}

}  // namespace

node::node(settings config, std::vector<embedding_provider> providers)
    : config_(std::move(config)), embeddings_(std::make_unique<embeddings>(std::move(providers))) {
  state_.version = waggle_version;
  state_.node_id = host_name();
  state_.started_steady_us = clock_.steady_us();
}

node::~node() { stop(); }

result<void> node::start() {
  if (auto opened = open_store(); !opened) return opened;
  start_actors();
  if (auto told = tell_orchestrator(); !told) return told;
  if (auto ready = wait_until_ready(); !ready) return ready;
  register_metrics();
  if (auto opened = open_identity(); !opened) return opened;
  if (auto opened = open_door(); !opened) return opened;
  if (auto opened = open_audit(); !opened) return opened;
  if (auto opened = open_tenants(); !opened) return opened;
  if (auto served = listen(); !served) return served;
  listening_ = true;
  return {};
}

/// Before the log is replayed: that may take long, and the process is alive meanwhile.
result<void> node::tell_orchestrator() {
  const auto& where = config_.server.liveness_listen;
  if (where.empty()) return {};
  auto ready = [this] { return listening_ && state_.ready && !state_.draining; };
  auto served = liveness_server::start(runtime_->context(0), where, std::move(ready));
  if (!served) return served.error();
  liveness_ = std::move(*served);
  return {};
}

/// Whom the node knows by itself.
result<void> node::open_identity() {
  if (!book_) return {};
  auto identity = local_identity::open(*book_, *records_, *runtime_, config_, clock_, metrics_);
  if (!identity) return identity.error();
  identity_ = std::move(*identity);
  return {};
}

/// Who is let in.
result<void> node::open_door() {
  std::unique_ptr<local_authenticator> local;
  if (identity_) local = std::make_unique<local_authenticator>(*identity_, config_, clock_);
  if (!config_.hub.enabled) {
    if (local)
      door_ = std::move(local);
    else
      door_ = std::make_unique<open_loopback>();
    log_event(log_level::info, "hub", "Hub integration disabled");
    return {};
  }
  auto hub = hub_door();
  if (!hub) return hub.error();
  if (local)
    door_ = std::make_unique<local_beside_hub>(std::move(local), std::move(*hub));
  else
    door_ = std::move(*hub);
  return {};
}

result<std::unique_ptr<authenticator>> node::hub_door() {
  auto hub = hub_client::make(config_.hub, clock_, metrics_);
  if (!hub) return hub.error();
  hub_ = std::move(*hub);
  auto door = hub_authenticator::make(*hub_, config_, clock_, metrics_);
  if (!door) return door.error();
  state_.hub_connection = [this] { return std::string(hub_->reachable() ? "connected" : "disconnected"); };
  log_event(log_level::info, "hub", "HiveHub integration initialized", {{"url", config_.hub.api_url}});
  log_event(log_level::warn, "hub",
            "compatibility with the live HiveHub is unproven: all of it is tested against mock-hub");
  hub_limits_ = std::make_unique<hub_limits>(*hub_, *limits_, accounts_, *roll_, clock_, config_.hub);
  auto cluster_id = cluster_id_of(config_.data_dir);
  if (!cluster_id) return cluster_id.error();
  if (hub_->is_asked_before_growth()) adviser_ = std::make_unique<growth_adviser>(*hub_);
  if (hub_->takes_logs())
    operation_log_ = std::make_unique<operation_log>(runtime_->context(0), *hub_,
                                                     service_id_of(*cluster_id, state_.node_id), metrics_);
  ledger_identity identity{*cluster_id, state_.node_id, config_.hub.service_name};
  usage_reporter_ = std::make_unique<usage_reporter>(*runtime_, *hub_, *ledger_, *usage_writer_, *roll_, clock_,
                                                     std::move(identity), config_.hub, metrics_);
  return std::unique_ptr<authenticator>(std::move(*door));
}

/// Who was let in to what is written down.
result<void> node::open_audit() {
  if (!config_.audit.enabled) return {};
  audit_file_options options{config_.audit.dir, state_.node_id, config_.audit.retain_days};
  if (const auto& file = config_.audit.signing_key_file; !file.empty()) {
    auto key = audit_key::load_private(file);
    if (!key) return key.error();
    options.key = std::move(*key);
  }
  auto log = audit_log::open(std::move(options), clock_, metrics_);
  if (!log) return log.error();
  audit_log_ = std::move(*log);
  const bool blocks = config_.cluster.enabled && config_.audit.on_failure == "block";
  audit_ = std::make_unique<rest::audit_trail>(*audit_log_, clock_, blocks, config_.audit.dir);
  return {};
}

/// What operators and HiveHub have decided about tenants.
result<void> node::open_tenants() {
  limits_source& limits = hub_limits_ ? static_cast<limits_source&>(*hub_limits_) : *limits_;
  overridden_ = std::make_unique<overridden_limits>(limits, standings_, clock_);
  migration_ = std::make_unique<tenant_migration>(*services_, *ledger_, *records_, *overridden_, standings_);
  keeper_->when_erased([this](const tenant_id& tenant, const tenant_standing& standing) {
    if (hub_) hub_->forget_keys_of(tenant);
    if (audit_) audit_->record_erasure(tenant, standing.receipt);
  });
  if (auto opened = keeper_->open(); !opened || !hub_) return opened;
  hub_events_ = std::make_unique<hub_events>(*hub_, *keeper_, *records_, events_seen_, clock_, config_.tenancy.delete_grace_seconds);
  return hub_events_->open();
}

result<void> node::open_store() {
  const std::filesystem::path data_dir(config_.data_dir);
  std::error_code failed;
  std::filesystem::create_directories(data_dir / "_node", failed);
  if (failed) {
    failure f(ec::io_error, "data_dir '" + config_.data_dir + "' can't be made: " + failed.message());
    f.log_text = f.message;
    return f;
  }
  kv_store::options options;
  options.directory = data_dir / "_node" / "kv";
  options.fsync = config_.durability.fsync;
  const bool apart = config_.tenancy.isolation == "storage";
  if (config_.cluster.enabled && config_.tenancy.isolation == "none")
    log_event(log_level::warn, "tenancy", "hub.tenant_isolation: none has no effect: tenants are kept apart as with collection");
  if (apart) options.tenants_root = data_dir;
  options.open_tenants_max = config_.tenancy.open_stores_max;
  auto kv = kv_store::open(options);
  if (!kv) return held_by_another(kv.error()) ? in_use(config_.data_dir) : kv.error();
  if (auto fits = adopt_layout(**kv, group_id{}, apart ? tenant_layout::apart : tenant_layout::together); !fits) return fits;
  kv_ = std::move(*kv);
  return {};
}

/// A start after this has nothing to apply again.
void node::close_store() {
  if (kv_ && !group_->failed)
    if (auto kept = state_machine::make_durable(*kv_, group_id{}, log_index(group_->applied)); !kept)
      log_event(log_level::warn, "node", "tenants' databases could not be synced", {{"why", kept.error().log_text}});
  kv_.reset();
}

void node::start_actors() {
  runtime_options options;
  options.workers = config_.server.threads;
  runtime_ = std::make_unique<runtime>(options);
  // One build at a time on small machines: it is one core's work, and searches come first.
  builds_ = std::make_unique<build_pool>(std::max<std::size_t>(1, config_.server.threads / 2));
  services_.reset(new node_services{*runtime_, *kv_, clock_, config_.data_dir, *builds_, index_, accounts_,
                                    config_.durability.group_commit_us, config_.backpressure.queue_hard_limit,
                                    config_.backpressure.retry_after_seconds});
  if (config_.auth.enabled) {
    book_ = std::make_unique<identity_book>(local_policy_of(config_));
  }
  services_->idle_hibernate_seconds = config_.tenancy.idle_hibernate_seconds;
  services_->take_records = [this](const auto& changes) {
    if (book_) book_->take(changes);
    standings_.take(changes);
    events_seen_.take(changes);
  };
  const auto group = spawn_replication_group(*services_, group_id{}, group_);
  runtime_->adopt(group);
  ledger_ = std::make_unique<ledger>(*runtime_, group, clock_);
  records_ = std::make_unique<node_records>(*ledger_, *kv_);
  const auto directory = spawn_tenant_directory(*services_, group);
  runtime_->adopt(directory);
  roll_ = std::make_unique<tenant_roll>(*runtime_, *kv_, clock_);
  database_ = std::make_unique<database>(*runtime_, directory, accounts_, *roll_, *embeddings_,
                                         config_.backpressure.queue_high_water);
  usage_writer_ = std::make_unique<usage_writer>(*runtime_, *ledger_, meter_, accounts_,
                                                 config_.tenancy.idle_hibernate_seconds);
  limits_ = std::make_unique<default_limits>(default_limits_of(config_));
  keeper_ = std::make_unique<tenant_keeper>(tenant_keeper::parts{*services_, directory, group, *ledger_, *records_, standings_, *roll_,
                                                                 *usage_writer_, state_.node_id});
  tenant_metrics_ = std::make_unique<rest::tenant_metrics>(
      config_.metrics, [rt = runtime_.get()](const tenant_id& tenant) { return rt->spent(tenant); });
}

/// Nothing is served yet and this thread has nothing else to do, so a short sleep is enough: it costs a start 2 ms at
/// most, and the group need not know who waits for it.
result<void> node::wait_until_ready() {
  constexpr int step_ms = 2, limit_ms = 120'000;
  for (int waited = 0; waited < limit_ms; waited += step_ms) {
    if (group_->ready) {
      state_.ready = true;
      return {};
    }
    if (group_->failed) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(step_ms));
  }
  failure f(ec::not_ready, "The log could not be replayed");
  f.log_text = "the replication group did not become ready";
  return f;
}

result<void> node::listen() {
  tenants_.reset(new rest::tenant_services{*overridden_, accounts_, meter_, *usage_writer_, *roll_, *tenant_metrics_,
                                           *keeper_, hub_events_.get(), *migration_,
                                           adviser_.get(), operation_log_.get()});
  state_.store_fault = [group = group_] {
    if (group->failed) return std::string("writes fail");
    return group->disk_full ? std::string("the disk is full") : std::string();
  };
  pipeline_ = std::make_unique<rest::pipeline>(*database_, *door_, config_, metrics_, state_, *tenants_, audit_.get(),
                                               identity_.get());
  std::vector<boost::asio::io_context*> contexts;
  for (std::size_t i = 0; i < runtime_->workers(); ++i) contexts.push_back(&runtime_->context(i));
  server_ = std::make_unique<http_server>(http_options_of(config_), std::move(contexts), *pipeline_);
  if (auto listening = server_->start(); !listening) return listening;
  usage_writer_->start();
  keeper_->start();
  if (config_.cluster.enabled) migration_->start();
  if (usage_reporter_ && hub_->takes_reports()) usage_reporter_->start();
  if (operation_log_) operation_log_->start();
  return {};
}

result<void> node::reload(const settings& fresh) {
  limits_->change(default_limits_of(fresh));
  return server_->reload(http_options_of(fresh));
}

void node::stop() {
  if (std::exchange(stopped_, true)) return;
  state_.draining = true;
  if (server_) {
    std::promise<void> drained;
    server_->drain(std::chrono::seconds(config_.server.drain_seconds), [&] { drained.set_value(); });
    drained.get_future().wait_for(std::chrono::seconds(config_.server.drain_seconds + 5));
    server_->stop();
  }
  if (keeper_) keeper_->stop();
  if (migration_) migration_->stop();
  if (usage_writer_) usage_writer_->stop();
  if (usage_reporter_ && hub_->takes_reports()) usage_reporter_->stop();
  if (operation_log_) operation_log_->stop();
  if (builds_) builds_->stop();
  liveness_.reset();
  if (runtime_) {
    const auto report = runtime_->stop();
    if (report.actors_left > 0)
      log_event(log_level::warn, "node", "actors were still alive at the end", {{"count", report.actors_left}});
  }
  server_.reset();
  usage_writer_.reset();
  database_.reset();
  embeddings_.reset();  // its connections belong to the runtime's contexts
  door_.reset();
  identity_.reset();
  hub_events_.reset();
  migration_.reset();
  keeper_.reset();
  records_.reset();
  ledger_.reset();
  operation_log_.reset();
  hub_.reset();  // likewise
  audit_.reset();
  audit_log_.reset();  // writes what waits; who waits for it belongs to the contexts
  runtime_.reset();
  tenants_.reset();  // requests that were never answered leave its gates with the runtime
  close_store();
}

}  // namespace waggle
