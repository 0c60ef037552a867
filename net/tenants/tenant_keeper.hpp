#pragma once
// What operators and HiveHub do with a whole tenant: suspend, put to sleep, limit, erase. Coroutines; any worker's. One per
// node; ends before the runtime does.
//
//   erase: standing `deleting` (nobody gets in) ─▶ tenant barred ─▶ reads written down ─▶ erase_tenant in the log
//          ─▶ actor ended ─▶ log forgotten ─▶ files removed, keys purged from the disk ─▶ standing `deleted`, receipt
//
// Each step may be done twice: what a crash interrupts, the next start goes on with.
#include <boost/asio/awaitable.hpp>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <vector>

#include "actors/protocol/services.hpp"
#include "net/bridge/node_records.hpp"
#include "net/bridge/tenant_roll.hpp"
#include "net/tenants/standing_book.hpp"
#include "net/usage/usage_writer.hpp"

namespace waggle {

class tenant_keeper {
 public:
  template <class T>
  using reply = boost::asio::awaitable<result<T>>;
  /// All of it outlives the keeper.
  struct parts {
    node_services& node;
    tenant_directory_actor directory;
    replication_group_actor group;
    ledger& book;
    node_records& records;
    standing_book& standings;
    tenant_roll& roll;
    usage_writer& reads;
    std::string node_id;
  };
  explicit tenant_keeper(parts with) : with_(std::move(with)) {}

  const standing_book& standings() const { return with_.standings; }

  /// Who was suspended stays so until resumed; TENANT_NOT_FOUND for one that is being erased.
  reply<void> suspend(tenant_id tenant);
  reply<void> resume(tenant_id tenant);
  reply<void> limit(tenant_id tenant, std::optional<limits_override> limits);
  /// False while a request of the tenant or its index is at work.
  reply<bool> hibernate(tenant_id tenant);
  reply<void> wake(tenant_id tenant);
  /// Which of them have an actor now.
  reply<std::vector<bool>> awake(std::vector<tenant_id> tenants);
  /// When nothing can serve its data any more and no file has it. TENANT_NOT_FOUND; DEADLINE_EXCEEDED: it goes on.
  reply<tenant_standing> erase(tenant_id tenant, int deadline_ms);
  /// The same, for HiveHub: begins at that time, and nobody waits.
  reply<void> erase_at(tenant_id tenant, std::int64_t unix_ms);

  /// Whom to tell of a tenant that was erased; called on a worker.
  void when_erased(std::function<void(const tenant_id&, const tenant_standing&)> tell) { tell_ = std::move(tell); }
  /// Reads the standings; bars those whose erasure was interrupted. Blocking: before anybody is let in.
  result<void> open();
  /// Goes on with what was interrupted, and begins what is due.
  void start();
  void stop() { stopping_ = true; }

 private:
  using done = std::shared_ptr<answers<tenant_standing>>;
  /// `edit` changes what stands now, or refuses.
  reply<tenant_standing> change(tenant_id tenant, std::function<result<void>(tenant_standing&)> edit);
  template <class Message>
  reply<bool> tell_directory(Message message);
  void begin_erasure(const tenant_id& tenant, done waiting);
  boost::asio::awaitable<void> run_erasure(tenant_id tenant);
  reply<tenant_standing> carry_out(tenant_id tenant);
  reply<void> remove_from_disk(tenant_id tenant, log_index erased_at);
  boost::asio::awaitable<void> beat();

  parts with_;
  std::function<void(const tenant_id&, const tenant_standing&)> tell_ = [](const tenant_id&, const tenant_standing&) {};
  std::mutex lock_;
  std::map<tenant_id, std::vector<done>> running_;  ///< erasures, and who waits for each
  std::atomic<bool> stopping_{false};
};

}  // namespace waggle
