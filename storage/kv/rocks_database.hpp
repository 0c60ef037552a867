#pragma once
// One open RocksDB 7.8 and what stands around it: tuning, the check of its recovery, the watch over its failures.
// Inside of storage/kv only: nobody else may see a RocksDB type. Owned by kv_store and by the snapshots of it.
#include <rocksdb/db.h>
#include <rocksdb/listener.h>
#include <rocksdb/write_buffer_manager.h>

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string_view>

#include "storage/kv/kv_store.hpp"

namespace waggle {

failure to_failure(const rocksdb::Status& s, std::string_view doing);
failure to_failure(int error, std::string_view doing);

/// Remembers the first error that stops writes, whether it met a caller or one of RocksDB's background threads.
class error_watch final : public rocksdb::EventListener {
 public:
  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* s) override;
  // RocksDB would poll for room and resume in place; see kv_store::resume for why it must not.
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status, bool* automatic) override {
    *automatic = false;
  }
  /// Passes a write's status on and remembers what makes later writes hopeless.
  result<void> note(const rocksdb::Status& s, std::string_view doing);
  /// Remembers what makes later writes hopeless, and passes it on.
  failure fail(failure f);
  bool failed() const { return failed_; }
  failure why() const;
  void clear() { failed_ = false; }

 private:
  void remember(failure f);
  std::atomic<bool> failed_{false};
  mutable std::mutex mutex_;
  failure why_;
};

struct rocks_database {
  /// What outlives one opening.
  struct shared_parts {
    std::shared_ptr<rocksdb::Cache> cache;
    std::shared_ptr<rocksdb::Statistics> statistics;
    std::shared_ptr<error_watch> watch;
    std::shared_ptr<rocksdb::EventListener> listener;  ///< in place of the watch
    /// Of the memtables of all tenants' databases together; set for those only, which are tuned to be small.
    std::shared_ptr<rocksdb::WriteBufferManager> tenants_memory;
  };
  /// `read_only` writes nothing at all: it works on a disk that takes no writes.
  enum class mode { read_write, read_only };
  static result<std::shared_ptr<rocks_database>> open(const kv_store::options& opts, const shared_parts& parts,
                                                      mode how);

  rocks_database() = default;
  ~rocks_database();
  rocks_database(const rocks_database&) = delete;
  rocks_database& operator=(const rocks_database&) = delete;

  static std::size_t slot(kv_family family) { return static_cast<std::size_t>(family); }
  rocksdb::ColumnFamilyHandle* of(kv_family family) const { return families[slot(family)]; }

  rocksdb::DB* db = nullptr;
  std::array<rocksdb::ColumnFamilyHandle*, kv_family_count> families{};
  std::atomic<int> snapshots{0};  ///< kv_snapshots alive
};

}  // namespace waggle
