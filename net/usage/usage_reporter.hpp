#pragma once
// Tells HiveHub what tenants used (contract hub.md §6): every interval, and when the node stops; several tenants at once, one
// report of a tenant after the other. A report is begun in the log, so
// it survives a crash and every try sends the same bytes under the same key; it is over, in the log too, when HiveHub has it.
//
//   counted ─▶ begin_report (frozen) ─▶ POST, until 2xx or 409 ─▶ end_report (the cursor moves)
//
// Owned by the node; ends before the runtime does.
#include <atomic>
#include <boost/asio/awaitable.hpp>

#include "net/bridge/tenant_roll.hpp"
#include "net/hub/hub_client.hpp"
#include "net/metrics/metrics.hpp"
#include "net/usage/usage_report.hpp"
#include "net/usage/usage_writer.hpp"

namespace waggle {

class usage_reporter {
 public:
  usage_reporter(runtime& rt, hub_client& hub, ledger& book, usage_writer& writer, tenant_roll& roll, const clock& time,
                 ledger_identity identity, const hub_settings& config, metric_registry& metrics);

  void start();
  /// One last round, ten seconds at most. Blocking, not on a worker.
  void stop();

 private:
  struct round {
    std::size_t left = 0;  ///< reports that HiveHub has not got
    std::int64_t oldest_ms = 0;
  };
  /// The tenants of a round: several lanes take the next one, all on one worker.
  struct waiting {
    std::vector<tenant_roll::news> tenants;
    std::size_t next = 0;
    round outcome;
  };
  boost::asio::awaitable<void> beat();
  boost::asio::awaitable<round> report_all();
  boost::asio::awaitable<void> report_next(std::shared_ptr<waiting> queue);
  /// All of a tenant's: one that an earlier try left, then what is new. False: HiveHub has not got everything.
  boost::asio::awaitable<bool> report(tenant_id tenant);
  enum class sent : std::uint8_t { nothing, one, failed };
  boost::asio::awaitable<sent> report_once(tenant_id tenant);

  runtime& rt_;
  hub_client& hub_;
  ledger& book_;
  usage_writer& writer_;
  tenant_roll& roll_;
  const clock& time_;
  const ledger_identity identity_;
  const std::int64_t interval_seconds_;
  const bool per_collection_;  ///< to a hub that knows the totals of collections only
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> unacked_{0};
  std::atomic<std::int64_t> oldest_unacked_ms_{0};  ///< 0: none
};

}  // namespace waggle
