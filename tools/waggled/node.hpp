#pragma once
// The node: everything in start order, stopped in reverse. Owned by main; main's thread only.
#include <memory>

#include "actors/protocol/build_pool.hpp"
#include "actors/protocol/interfaces.hpp"
#include "actors/protocol/services.hpp"
#include "actors/replication/group_state.hpp"
#include "actors/runtime/runtime.hpp"
#include "base/clock.hpp"
#include "net/bridge/database.hpp"
#include "net/bridge/node_records.hpp"
#include "net/audit/audit_log.hpp"
#include "net/identity/authenticator.hpp"
#include "net/identity/local_identity.hpp"
#include "net/config/settings.hpp"
#include "net/hub/hub_client.hpp"
#include "net/http/liveness_server.hpp"
#include "net/http/server.hpp"
#include "net/metrics/metrics.hpp"
#include "net/rest/audit_trail.hpp"
#include "net/rest/node_state.hpp"
#include "net/rest/pipeline.hpp"
#include "net/rest/tenant_services.hpp"
#include "net/tenants/hub_events.hpp"
#include "net/tenants/overridden_limits.hpp"
#include "net/tenants/tenant_keeper.hpp"
#include "net/tenants/tenant_migration.hpp"
#include "net/usage/growth_adviser.hpp"
#include "net/usage/hub_limits.hpp"
#include "net/usage/operation_log.hpp"
#include "net/usage/usage_reporter.hpp"

namespace waggle {

class node {
 public:
  explicit node(settings config, std::vector<embedding_provider> providers);
  ~node();

  /// Opens the store, starts the actors, replays the log, listens. Blocking.
  result<void> start();
  std::uint16_t port() const { return server_->port(); }
  /// Applies what a reload may change, to connections and requests from now on. On failure nothing has changed.
  result<void> reload(const settings& fresh);
  /// Stops accepting, lets requests finish, stops the actors, closes the store.
  void stop();

 private:
  result<void> open_store();
  void close_store();
  void start_actors();
  result<void> wait_until_ready();
  result<void> open_identity();
  result<void> open_door();
  result<std::unique_ptr<authenticator>> hub_door();
  result<void> open_audit();
  result<void> open_tenants();
  result<void> tell_orchestrator();
  result<void> listen();
  void register_metrics();
  void register_write_metrics();
  void register_door_metrics();
  void register_tenant_metrics();

  settings config_;
  system_clock clock_;
  metric_registry metrics_;
  kv_stats kv_stats_;  ///< as the scrape that runs found them; it walks the open databases
  rest::node_state state_;
  std::unique_ptr<embeddings> embeddings_;
  std::unique_ptr<kv_store> kv_;
  index_figures index_;  ///< builds write to it
  account_board accounts_;
  std::unique_ptr<identity_book> book_;  ///< none without auth.enabled; the group writes to it
  standing_book standings_;  ///< the group writes to these, too
  event_book events_seen_;
  std::unique_ptr<runtime> runtime_;
  std::unique_ptr<build_pool> builds_;
  std::unique_ptr<node_services> services_;
  std::shared_ptr<group_status> group_ = std::make_shared<group_status>();
  std::unique_ptr<database> database_;
  usage_meter meter_;
  std::unique_ptr<default_limits> limits_;
  std::unique_ptr<ledger> ledger_;
  std::unique_ptr<usage_writer> usage_writer_;
  std::unique_ptr<node_records> records_;
  std::unique_ptr<local_identity> identity_;  ///< none without auth.enabled
  std::unique_ptr<tenant_roll> roll_;
  std::unique_ptr<rest::tenant_metrics> tenant_metrics_;
  std::unique_ptr<hub_client> hub_;  ///< none in standalone mode
  std::unique_ptr<authenticator> door_;
  std::unique_ptr<hub_limits> hub_limits_;
  std::unique_ptr<usage_reporter> usage_reporter_;
  std::unique_ptr<growth_adviser> adviser_;       ///< none without hub.use_check_quota
  std::unique_ptr<operation_log> operation_log_;  ///< none without hub.logs.enabled
  std::unique_ptr<overridden_limits> overridden_;
  std::unique_ptr<tenant_keeper> keeper_;
  std::unique_ptr<tenant_migration> migration_;
  std::unique_ptr<hub_events> hub_events_;  ///< none without HiveHub
  std::unique_ptr<rest::tenant_services> tenants_;
  std::unique_ptr<audit_log> audit_log_;  ///< none in standalone mode
  std::unique_ptr<rest::audit_trail> audit_;
  std::unique_ptr<rest::pipeline> pipeline_;
  std::unique_ptr<http_server> server_;
  std::unique_ptr<liveness_server> liveness_;  ///< none without server.liveness.listen
  std::atomic<bool> listening_{false};
  bool stopped_ = false;
};

}  // namespace waggle
