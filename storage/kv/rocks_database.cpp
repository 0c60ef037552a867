#include "storage/kv/rocks_database.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/statistics.h>
#include <rocksdb/table.h>
#include <rocksdb/wal_filter.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "base/log.hpp"

namespace waggle {

failure to_failure(const rocksdb::Status& s, std::string_view doing) {
  auto code = ec::internal_error;
  if (s.IsNoSpace()) {
    code = ec::storage_full;
  } else if (s.IsCorruption()) {
    code = ec::corrupt_data;
  } else if (s.IsIOError() || s.IsPathNotFound()) {
    code = ec::io_error;
  }
  failure f(code);
  f.log_text = std::string(doing) + ": " + s.ToString();
  return f;
}

failure to_failure(int error, std::string_view doing) {
  failure f(error == ENOSPC || error == EDQUOT ? ec::storage_full : ec::io_error);
  f.log_text = std::string(doing) + ": " + std::strerror(error);
  return f;
}

void error_watch::OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* s) {
  if (s && !s->ok()) remember(to_failure(*s, "background work"));
}

result<void> error_watch::note(const rocksdb::Status& s, std::string_view doing) {
  if (s.ok()) return {};
  auto f = to_failure(s, doing);
  if (s.IsIOError() || s.IsCorruption()) remember(f);
  return f;
}

failure error_watch::fail(failure f) {
  remember(f);
  return f;
}

failure error_watch::why() const {
  const std::lock_guard lock(mutex_);
  return why_;
}

void error_watch::remember(failure f) {
  const std::lock_guard lock(mutex_);
  if (failed_) return;
  why_ = std::move(f);
  failed_ = true;
}

namespace {

// ---- RocksDB's own log ----------------------------------------------------------------------------------------------

/// RocksDB's warnings and errors, into the node's log. Its own log file must not be: when a line can't be written there
/// (a full disk), the next line aborts the process, because the packaged library has its assertions compiled in.
class node_log final : public rocksdb::Logger {
 public:
  node_log() : rocksdb::Logger(rocksdb::WARN_LEVEL) {}
  using rocksdb::Logger::Logv;
  void LogHeader(const char*, va_list) override {}
  void Logv(const char* format, va_list values) override { write(log_level::warn, format, values); }
  void Logv(const rocksdb::InfoLogLevel level, const char* format, va_list values) override {
    if (level < GetInfoLogLevel() || level >= rocksdb::HEADER_LEVEL) return;
    write(level >= rocksdb::ERROR_LEVEL ? log_level::error : log_level::warn, format, values);
  }

 private:
  static void write(log_level level, const char* format, va_list values) {
    char line[1024];
    std::vsnprintf(line, sizeof line, format, values);
    log_event(level, "rocksdb", "the store says", {{"text", line}});
  }
};

// ---- recovery check -------------------------------------------------------------------------------------------------

/// Fails recovery when the WAL has a hole: a record whose sequence number doesn't follow the one before. RocksDB checks
/// the sequence only in point-in-time mode; in ours a lost block of zeros between good records, or the cut tail of a
/// log that isn't the last, would be skipped in silence and later writes kept.
class gap_check final : public rocksdb::WalFilter {
 public:
  const char* Name() const override { return "waggle.gap_check"; }
  WalProcessingOption LogRecordFound(unsigned long long, const std::string&, const rocksdb::WriteBatch& batch,
                                     rocksdb::WriteBatch*, bool*) override {
    std::uint64_t sequence = 0;  // a batch begins with the sequence of its first write (fixed64, little endian)
    if (batch.GetDataSize() < sizeof sequence) return WalProcessingOption::kCorruptedRecord;
    std::memcpy(&sequence, batch.Data().data(), sizeof sequence);
    const bool follows = next_ == 0 || sequence == next_;
    next_ = sequence + batch.Count();
    return follows ? WalProcessingOption::kContinueProcessing : WalProcessingOption::kCorruptedRecord;
  }

 private:
  std::uint64_t next_ = 0;
};

// ---- tuning ---------------------------------------------------------------------------------------------------------

rocksdb::CompressionType lz4_if_built_in() {
  const auto supported = rocksdb::GetSupportedCompressions();
  const bool lz4 = std::find(supported.begin(), supported.end(), rocksdb::kLZ4Compression) != supported.end();
  return lz4 ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
}

rocksdb::ColumnFamilyOptions tune_family(kv_family family, const kv_store::options& opts,
                                         const rocks_database::shared_parts& parts) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = parts.cache;
  table.block_size = 16 * 1024;  // vectors are 0.5–6 KB: 4 KB blocks would hold one row and index every one
  table.format_version = 5;
  // Index and filter blocks live in the block cache, so memory doesn't grow with the data; those of level 0, which
  // every lookup asks, stay.
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;

  rocksdb::ColumnFamilyOptions cf;
  cf.write_buffer_size = std::max<std::size_t>(opts.write_buffer_bytes / 2, 1u << 20);
  cf.max_write_buffer_number = 3;  // one filling, one flushing, one spare before writers stall
  if (parts.tenants_memory) {
    cf.write_buffer_size = 4u << 20;
    cf.max_write_buffer_number = 2;
    cf.arena_block_size = 32u << 10;  // what an open database takes as soon as it is written to
  }
  cf.level_compaction_dynamic_level_bytes = true;
  cf.compression = lz4_if_built_in();
  if (family == kv_family::raft_log) {
    // Entries are LZ4 frames, written once, read at start in order, erased by range: no filter, no second compression.
    cf.compression = rocksdb::kNoCompression;
  } else {
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));  // 1 % false positives for lookups by point id
    table.whole_key_filtering = true;
    cf.optimize_filters_for_hits = false;  // upserts of new ids look up keys that aren't there
  }
  cf.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return cf;
}

rocksdb::DBOptions tune_database(const kv_store::options& opts, const rocks_database::shared_parts& parts) {
  rocksdb::DBOptions db;
  db.create_if_missing = true;
  db.create_missing_column_families = true;
  db.paranoid_checks = true;
  // kTolerateCorruptedTailRecords: a record cut off at the end of the file (the node died while appending, so nobody
  // was told that it is durable) is dropped; any other damage makes open fail. kPointInTimeRecovery would drop all that
  // follows a flipped bit without a word, acked writes among it; kAbsoluteConsistency would refuse every torn tail.
  // `gap_check` adds what this mode doesn't look at. What remains: a flipped *length* in the last 32 KiB block of the
  // last log looks like a torn tail.
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  db.track_and_verify_wals_in_manifest = true;  // a closed log that was lost or shortened is an error too
  // recycle_log_file_num is forced to 0 by RocksDB 7.8 in this mode, and blocks allocated with the file size extended
  // would make a torn tail look like damage; so logs are pre-allocated but grow (FALLOC_FL_KEEP_SIZE, its default).
  db.allow_fallocate = true;
  db.use_fsync = false;  // fdatasync: size and data, no timestamps
  // Several groups commit from several pool threads: the next group's log write may begin while the last one's memtable
  // inserts go on. unordered_write would break snapshots.
  db.enable_pipelined_write = true;
  // A manifest names the first and last key of every sorted file it ever knew. A new one with each change of the files knows
  // only those that are left, so that erased keys leave the disk.
  db.max_manifest_file_size = 1;
  db.max_total_wal_size = 256u << 20;                 // bounds replay time; a quiet family can't pin old logs for ever
  db.db_write_buffer_size = opts.write_buffer_bytes;  // all families together
  db.avoid_flush_during_shutdown = true;              // the log has it; stopping stays quick
  db.max_background_jobs = std::max(opts.background_jobs, 1);
  db.max_open_files = 1024;
  db.bytes_per_sync = 1u << 20;  // sorted files reach the disk evenly, not in one burst that delays the next WAL fsync
  db.max_bgerror_resume_count = 0;  // leaving the failed state is the owner's decision: resume()
  if (parts.tenants_memory) {
    db.db_write_buffer_size = 0;
    db.write_buffer_manager = parts.tenants_memory;
    db.max_total_wal_size = 16u << 20;
    db.max_open_files = 64;
    db.allow_fallocate = false;  // a few MiB each add up
  }
  db.statistics = parts.statistics;
  db.listeners.push_back(parts.listener ? parts.listener : parts.watch);
  db.info_log = std::make_shared<node_log>();
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  return db;
}

}  // namespace

result<std::shared_ptr<rocks_database>> rocks_database::open(const kv_store::options& opts, const shared_parts& parts,
                                                             mode how) {
  auto db_options = tune_database(opts, parts);
  gap_check gaps;  // asked only while DB::Open replays
  db_options.wal_filter = &gaps;
  // `meta` is RocksDB's default family: that one always exists and would otherwise lie idle. Names are on disk.
  const std::vector<rocksdb::ColumnFamilyDescriptor> families = {
      {rocksdb::kDefaultColumnFamilyName, tune_family(kv_family::meta, opts, parts)},
      {"raft_log", tune_family(kv_family::raft_log, opts, parts)},
      {"points", tune_family(kv_family::points, opts, parts)}};
  auto opened = std::make_shared<rocks_database>();
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  const auto directory = opts.directory.string();
  const auto s = how == mode::read_write
                     ? rocksdb::DB::Open(db_options, directory, families, &handles, &opened->db)
                     : rocksdb::DB::OpenForReadOnly(db_options, directory, families, &handles, &opened->db);
  if (!s.ok()) return to_failure(s, "open");
  opened->families[slot(kv_family::meta)] = handles[0];
  opened->families[slot(kv_family::raft_log)] = handles[1];
  opened->families[slot(kv_family::points)] = handles[2];
  return opened;
}

rocks_database::~rocks_database() {
  if (!db) return;
  for (auto* family : families) db->DestroyColumnFamilyHandle(family);
  db->Close().PermitUncheckedError();
  delete db;
}

}  // namespace waggle
