#include "tools/waggled/node.hpp"

#include <unistd.h>

#include <fstream>
#include <future>
#include <thread>

#include "actors/tenancy/tenant_state.hpp"
#include "base/log.hpp"
#include "version.hpp"

namespace waggle {
namespace {

std::string host_name() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "node";
}

}  // namespace

node::node(settings config, std::vector<embedding_provider> providers)
    : config_(std::move(config)), embeddings_(std::move(providers)) {
  state_.version = waggle_version;
  state_.node_id = host_name();
  state_.started_steady_us = clock_.steady_us();
}

node::~node() { stop(); }

result<void> node::start() {
  if (auto opened = open_store(); !opened) return opened;
  start_actors();
  if (auto ready = wait_until_ready(); !ready) return ready;
  register_metrics();
  return listen();
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
  auto kv = kv_store::open(options);
  if (!kv) return kv.error();
  kv_ = std::move(*kv);
  return {};
}

void node::start_actors() {
  runtime_options options;
  options.workers = config_.server.threads;
  runtime_ = std::make_unique<runtime>(options);
  // One build at a time on small machines: it is one core's work, and searches come first.
  builds_ = std::make_unique<build_pool>(std::max<std::size_t>(1, config_.server.threads / 2));
  services_.reset(new node_services{*runtime_, *kv_, clock_, config_.data_dir, *builds_,
                                    config_.durability.group_commit_us, config_.backpressure.queue_hard_limit,
                                    config_.backpressure.retry_after_seconds});
  const auto group = spawn_replication_group(*services_, group_id{}, group_);
  runtime_->adopt(group);
  const auto directory = spawn_tenant_directory(*services_, group);
  runtime_->adopt(directory);
  database_ = std::make_unique<database>(*runtime_, directory, embeddings_);
}

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

void node::register_metrics() {
  register_process_metrics(metrics_);
  metrics_.family(metric_kind::gauge, "waggle_build_info", "Version of the node", {"version", "commit"})
      .gauge({waggle_version, waggle_commit})
      .set(1);
  const auto sample = [this](std::string_view name, std::string_view help, std::function<double()> read) {
    metrics_.family(metric_kind::gauge, name, help).sampled({}, std::move(read));
  };
  sample("waggle_connections_open", "Open client connections",
         [this] { return server_ ? static_cast<double>(server_->stats().connections_open) : 0; });
  sample("vectorizer_collections_total", "Collections", [this] { return static_cast<double>(group_->collections); });
  sample("vectorizer_vectors_total", "Stored points", [this] { return static_cast<double>(group_->points); });
  sample("vectorizer_memory_usage_bytes", "Resident memory of the process",
         [this] { return static_cast<double>(state_.resident_bytes()); });
  sample("waggle_raft_term", "Term of the replication group", [this] { return static_cast<double>(group_->term); });
  sample("waggle_raft_commit_index", "Last applied log index", [this] { return static_cast<double>(group_->applied); });
  sample("waggle_raft_leader", "1 when this node leads the group", [this] { return group_->ready ? 1.0 : 0.0; });
  sample("waggle_raft_log_bytes", "Log entries held in memory", [this] { return static_cast<double>(group_->log_bytes); });
  sample("waggle_log_batches_total", "Log writes, each one fsync", [this] { return static_cast<double>(group_->batches); });
  sample("waggle_log_entries_total", "Entries in them", [this] { return static_cast<double>(group_->entries); });
  sample("waggle_wal_bytes_total", "Bytes written to the write-ahead log",
         [this] { return static_cast<double>(kv_->stats().wal_bytes_total); });
  sample("waggle_disk_free_bytes", "Free bytes where the data is",
         [this] { return static_cast<double>(kv_->stats().disk_free_bytes); });
  sample("waggle_storage_full", "1 while growth is refused", [this] { return group_->disk_full ? 1.0 : 0.0; });
  sample("waggle_actor_mailbox_depth", "Ready actors and jobs",
         [this] { return static_cast<double>(runtime_->stats().queue_depth); });
  sample("waggle_tenant_cpu_seconds_total", "Worker time spent for the implicit tenant",
         [this] { return static_cast<double>(runtime_->cpu_us(tenant_id{})) / 1e6; });
}

result<void> node::listen() {
  state_.store_fault = [group = group_] {
    if (group->failed) return std::string("writes fail");
    return group->disk_full ? std::string("the disk is full") : std::string();
  };
  pipeline_ = std::make_unique<rest::pipeline>(*database_, config_, metrics_, state_);
  http_options options;
  const auto& s = config_.server;
  options.host = s.host;
  options.port = s.port;
  options.tls = {s.tls_enabled, s.tls_cert_path, s.tls_key_path, s.tls_client_ca_path};
  options.site.check_host = true;
  options.site.allowed_hosts = s.allowed_hosts;
  options.site.allowed_origins = s.cors_allowed_origins;
  options.body_bytes_max = s.body_bytes_max;
  options.connections_max = s.max_connections;
  options.request_timeout_ms = s.request_timeout_ms;
  options.keepalive_ms = s.keepalive_seconds * 1000;
  std::vector<boost::asio::io_context*> contexts;
  for (std::size_t i = 0; i < runtime_->workers(); ++i) contexts.push_back(&runtime_->context(i));
  server_ = std::make_unique<http_server>(std::move(options), std::move(contexts), *pipeline_);
  return server_->start();
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
  if (builds_) builds_->stop();
  if (runtime_) {
    const auto report = runtime_->stop();
    if (report.actors_left > 0)
      log_event(log_level::warn, "node", "actors were still alive at the end", {{"count", report.actors_left}});
  }
  server_.reset();
  database_.reset();
  runtime_.reset();
  kv_.reset();
}

}  // namespace waggle
