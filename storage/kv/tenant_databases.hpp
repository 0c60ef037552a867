#pragma once
// The tenants' own databases, `{root}/{uuid}/kv`: opened on first use, a bounded number open, the one that was used
// longest ago closed for the next. What is in use is never closed; when all are, one more is open for a while.
//
//   use ──▶ quarantined? ──▶ open? ──▶ open it ──▶ one too many? ──▶ close another: sync, close
//                              ▲          └ damaged: quarantine
//                              └ waits while it is being opened or closed, or all are away (resume)
//
// A tenant whose database is damaged is quarantined: every call about it is TENANT_UNAVAILABLE, nobody else's. Writes that
// fail for want of room, or by the disk, are everybody's failure: the store's `error_watch`.
//
// Inside of storage/kv only. Owned by kv_store; any thread, and it blocks.
#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>

#include "base/ids.hpp"
#include "storage/kv/rocks_database.hpp"

namespace waggle {

class tenant_databases {
 public:
  using handle = std::shared_ptr<rocks_database>;
  enum class absent { stay, create };
  /// What the shared database says of a tenant's own.
  enum class presence { unknown, expected, dropped };
  struct questions {
    std::function<result<presence>(const tenant_id&)> presence_of;
    std::function<result<void>(const tenant_id&)> created;  ///< it was dropped, and begins anew
  };

  tenant_databases(const kv_store::options& opts, const rocks_database::shared_parts& parts, questions ask);
  ~tenant_databases();

  /// Null: there is none. tenant_unavailable when it is damaged; the store's own failures otherwise.
  result<handle> use(const tenant_id& owner, absent how);
  /// A call that read the owner's database met this; what its caller is told.
  failure blame(const tenant_id& owner, failure why);
  /// The same of one that wrote: a disk that takes no write is the store's failure.
  result<void> judge(const tenant_id& owner, const rocksdb::Status& s, std::string_view doing);
  bool quarantined(const tenant_id& owner) const;
  /// Quarantined until the next start, also when the disk was to blame: it has missed an entry.
  void keep_out(const tenant_id& owner);

  /// Before each write, since one that fails may leave something, and after it: a sync between takes the mark away.
  void mark_unsynced(const tenant_id& owner);
  result<void> sync(const tenant_id& owner, rocks_database& in);
  result<void> sync_all();
  /// Moves the memtables of those that are open to sorted files.
  result<void> flush_all();

  /// Closes it and deletes its directory; a quarantine ends.
  result<void> drop(const tenant_id& owner);
  /// Deletes what lies in the directory of one that is not open.
  result<void> remove_files(const tenant_id& owner) const;

  /// For kv_store::resume: all closed, calls wait; then those written since their last sync are opened, which makes what
  /// can be seen of them durable.
  result<void> take_away();
  result<void> reopen_unsynced();
  void give_back();

  std::vector<std::pair<tenant_id, handle>> open_now() const;
  std::size_t quarantined_count() const;

 private:
  struct slot {
    handle base;
    bool busy = true;  ///< being opened or closed
    std::uint64_t used = 0;
  };
  struct quarantine {
    failure why;
    std::int64_t retry_at_ms = 0;  ///< 0: damage stays
  };

  std::filesystem::path directory_of(const tenant_id& owner) const;
  result<handle> open(const tenant_id& owner, absent how);
  result<handle> open_files(const tenant_id& owner, bool fresh);
  /// Those to be closed so that no more than the bound are open; they are busy from here on.
  std::vector<std::pair<tenant_id, handle>> take_surplus();
  void close(const tenant_id& owner, handle base);
  failure shut_out(const tenant_id& owner, const failure& why);
  const quarantine* find_quarantine(const tenant_id& owner) const;

  const kv_store::options opts_;
  rocks_database::shared_parts parts_;
  const questions ask_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_map<tenant_id, slot> slots_;
  std::map<tenant_id, quarantine> quarantined_;
  std::atomic<bool> any_quarantined_{false};  ///< asked by every request
  std::set<tenant_id> unsynced_;
  std::uint64_t uses_ = 0;
  bool away_ = false;
};

}  // namespace waggle
