#pragma once
// The node's ordered key-value store: one RocksDB with one write-ahead log (WAL) that all families share, so one fsync
// commits many tenants' writes. The door to RocksDB: only this folder includes it.
//
// With `tenants_root` each tenant has a database of its own besides (tenant_route.hpp says which key goes where), and what
// is said below holds for each database by itself: a batch about several is written to the tenants' first and to the shared
// one last, a scan stays inside the database of its first key, and unsynced writes to two databases may survive a crash in
// any combination.
//
// Owned by the node; opened once, closed last. Every member may be called from any thread, and every one that reaches
// the disk may block: call those from the blocking pool, never from a runtime thread. A kv_batch belongs to one thread.
//
// Crash contract: batches are atomic across families and recovered in the order in which they were written, without
// holes. After a crash a prefix of them is there that contains at least all that a `kv_sync::yes` write (or sync_wal)
// returned ok for or that was written before it. What is damaged rather than unfinished makes `open` fail:
// corrupt_data.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/ids.hpp"
#include "storage/kv/function_ref.hpp"
#include "storage/kv/kv_batch.hpp"

namespace waggle {

/// `yes`: the WAL is fdatasync'ed before the call returns.
enum class kv_sync : std::uint8_t { no, yes };

/// A view of the store as it was when taken. Keeps the database open (and old versions on disk) while it lives.
class kv_snapshot {
 public:
  ~kv_snapshot();
  kv_snapshot(const kv_snapshot&) = delete;
  kv_snapshot& operator=(const kv_snapshot&) = delete;

 private:
  friend class kv_store;
  struct impl;
  explicit kv_snapshot(std::unique_ptr<impl> p);
  std::unique_ptr<impl> impl_;
};

struct kv_stats {
  std::uint64_t family_bytes[kv_family_count] = {};  ///< sorted files on disk, by kv_family
  std::uint64_t memtable_bytes = 0;
  std::uint64_t block_cache_bytes = 0;
  std::uint64_t table_reader_bytes = 0;
  std::uint64_t wal_bytes_total = 0;  ///< written since open
  std::uint64_t wal_syncs_total = 0;
  std::uint64_t wal_sync_micros_total = 0;
  double wal_sync_micros_p50 = 0;
  double wal_sync_micros_p99 = 0;
  std::size_t tenants_open = 0;  ///< databases of tenants; what is closed isn't in the figures above
  std::size_t tenants_quarantined = 0;
  std::uint64_t disk_free_bytes = 0;  ///< 0 when the file system doesn't say
  std::uint64_t disk_total_bytes = 0;
};

class kv_store {
 public:
  using visitor = function_ref<bool(std::string_view key, std::string_view value)>;  ///< false stops the scan

  struct options {
    std::filesystem::path directory;  ///< made when missing
    bool fsync = true;                ///< false: kv_sync::yes is not synced either
    std::size_t block_cache_bytes = 64u << 20;
    std::size_t write_buffer_bytes = 64u << 20;  ///< all families together
    int background_jobs = 2;
    std::filesystem::path tenants_root;   ///< "": all in one; else tenants' databases are `{tenants_root}/{uuid}/kv`
    std::size_t open_tenants_max = 256;   ///< databases of tenants that are open at a time
  };

  /// storage_full, io_error (unusable or already open directory), corrupt_data (damaged files or WAL).
  static result<std::unique_ptr<kv_store>> open(const options& opts);
  ~kv_store();
  kv_store(const kv_store&) = delete;
  kv_store& operator=(const kv_store&) = delete;

  /// Other writes go on while this one's sync waits for the disk. After a failure the batch may be visible or not, and after
  /// a crash written or not: treat it as unknown. A failure also makes the store `failed()`: every later write fails the
  /// same way until `resume`.
  result<void> write(const kv_batch& batch, kv_sync sync);

  /// False: no such key (then `value` is empty).
  result<bool> get(kv_family family, std::string_view key, std::string& value,
                   const kv_snapshot* snapshot = nullptr) const;
  /// `out[i]` answers `keys[i]`.
  result<void> multi_get(kv_family family, std::span<const std::string> keys,
                         std::vector<std::optional<std::string>>& out) const;
  /// Keys in [begin, end) in bytewise order; an empty `end` is no bound. The views live until the visitor returns.
  result<void> scan(kv_family family, std::string_view begin, std::string_view end, visitor visit,
                    const kv_snapshot* snapshot = nullptr) const;
  /// The same keys, last first.
  result<void> scan_reverse(kv_family family, std::string_view begin, std::string_view end, visitor visit,
                            const kv_snapshot* snapshot = nullptr) const;
  /// Of the database that holds what is `owner`'s. Null when there is none, or a failed store could not be opened again.
  std::shared_ptr<kv_snapshot> snapshot(const tenant_id& owner = {}) const;

  /// All that was written so far to the shared database is durable when it returns ok (also when options.fsync is false).
  result<void> sync_wal();
  /// Moves the memtables to sorted files. For tests and for a quiet moment; nothing depends on it.
  result<void> flush_memtables();

  /// What was erased or overwritten in [begin, end) leaves the disk: memtables, write-ahead logs, sorted files. The same for the
  /// whole of `raft_log`. Snapshots that are older keep theirs. It may take seconds; other calls go on.
  result<void> purge(std::string_view begin, std::string_view end);

  /// True after a write, sync, flush or compaction failed: reads work, every write is refused with that first failure.
  bool failed() const;
  /// Leaves the failed state by closing and opening from disk, the path of a restart, once a probe of the disk went
  /// well. Calls made meanwhile wait. not_ready when a snapshot or a long scan keeps the old state in use; any other
  /// failure leaves the store readable and failed. Writes whose failure left them unknown may turn up or not: rebuild
  /// what was derived from them.
  result<void> resume();

  kv_stats stats() const;

  // Databases of tenants. Without `tenants_root` these do nothing.
  bool has_tenant_databases() const;
  /// Its database is damaged: every call about it is tenant_unavailable.
  bool quarantined(const tenant_id& owner) const;
  /// Keeps a tenant whose database could not take a write quarantined until the next start.
  void keep_out(const tenant_id& owner);
  /// What was written to tenants' databases so far is durable when it returns ok. Quarantined ones are left out.
  result<void> sync_tenants();
  /// Deletes the tenant's database, once its entries up to `applied` have been applied; its mirror stays. A crash before the
  /// end leaves it whole, or is made good by the next `open`. not_ready while somebody reads it.
  result<void> drop_tenant(const tenant_id& owner, log_index applied);

 private:
  struct impl;
  explicit kv_store(std::unique_ptr<impl> p);
  result<void> write_parts(const kv_batch& batch, kv_sync sync);
  std::unique_ptr<impl> impl_;
};

}  // namespace waggle
