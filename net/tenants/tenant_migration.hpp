#pragma once
// The collections of the implicit tenant become those of tenants, after a standalone node was switched to cluster mode (contract
// tenancy.md §8). Coroutines; any worker's. One per node; ends before the runtime does.
//
//   plan ─▶ planned ─▶ execute ─▶ executed ─▶ finish ─▶ finished: the sources are gone
//                         ▲           ├─▶ execute again, for what has failed
//                         └───────────┘└─▶ rollback ─▶ rolled_back: the copies are gone
//
// The sources are not touched before `finish`: they are the backup. There is one plan; the next one takes its place. What it says is
// in node records, so a job that was interrupted goes on with the next start.
#include <map>
#include <memory>

#include "net/bridge/node_records.hpp"
#include "net/tenants/collection_transfer.hpp"
#include "net/tenants/standing_book.hpp"

namespace waggle {

class tenant_migration {
 public:
  template <class T>
  using reply = boost::asio::awaitable<result<T>>;
  struct wish {
    tenant_id default_owner;
    std::map<std::string, tenant_id> owners;  ///< by name, of those that don't go to `default_owner`
    bool dry_run = false;                     ///< nothing is written down
  };
  struct overview {
    std::vector<stored_collection> collections;  ///< of nobody
    std::optional<migration_plan> plan;
  };
  tenant_migration(node_services& node, ledger& book, node_records& records, limits_source& limits, const standing_book& standings)
      : node_(node), records_(records), limits_(limits), standings_(standings),
        transfer_(node, book, limits, stopping_) {}

  reply<overview> scan();
  /// Who gets what, and what would be refused as things are now. CONFLICT while a plan is neither finished nor rolled back.
  reply<migration_plan> plan(wish what);
  /// ROUTE_NOT_FOUND.
  reply<migration_plan> find(std::string id);
  /// These three answer when the job is done, or with how far it got by the deadline; it goes on. Asking again while it goes on, or
  /// after it, does no harm. CONFLICT where the picture above has no such arrow.
  reply<migration_plan> execute(std::string id, int deadline_ms);
  reply<migration_plan> rollback(std::string id, int deadline_ms);
  reply<migration_plan> finish(std::string id, int deadline_ms);

  /// Goes on with what was interrupted.
  void start();
  void stop() { stopping_ = true; }

 private:
  struct kept {
    migration_plan plan;
    std::uint64_t version = 0;  ///< of the plan's own record
  };
  /// One at a time changes the plan.
  using turn = std::shared_ptr<void>;
  boost::asio::awaitable<turn> take_turn();
  reply<std::optional<kept>> load();
  reply<std::vector<collection_move>> moves_for(const wish& what);
  reply<migration_plan> begin(std::string id, migration_phase phase, int deadline_ms);
  boost::asio::awaitable<void> run(turn mine, std::shared_ptr<answers<bool>> waiting);
  reply<void> work_on(kept job);
  reply<void> work_on_one(const migration_plan& plan, collection_move& move);
  reply<void> give(const std::string& plan, collection_move& move);
  reply<void> write_down(collection_move move);
  reply<void> write_down(const migration_plan& plan, std::uint64_t version);
  boost::asio::awaitable<void> resume();

  node_services& node_;
  node_records& records_;
  limits_source& limits_;
  const standing_book& standings_;
  std::atomic<bool> stopping_{false};
  collection_transfer transfer_;
  std::shared_ptr<std::atomic<bool>> busy_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace waggle
