// The door to RocksDB 7.8. Sections: tuning, failures, recovery check, store.
#include "storage/kv/kv_store.hpp"

#include <fcntl.h>
#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/statistics.h>
#include <rocksdb/table.h>
#include <rocksdb/wal_filter.h>
#include <rocksdb/write_batch.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <mutex>
#include <thread>

namespace waggle {
namespace {

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }
std::string_view view(const rocksdb::Slice& s) { return {s.data(), s.size()}; }
std::size_t slot(kv_family family) { return static_cast<std::size_t>(family); }

// ---- failures -------------------------------------------------------------------------------------------------------

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

result<void> check(const rocksdb::Status& s, std::string_view doing) {
  if (s.ok()) return {};
  return to_failure(s, doing);
}

/// Remembers the first error that stops writes, whether it met a caller or one of RocksDB's background threads.
class error_watch final : public rocksdb::EventListener {
 public:
  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* s) override {
    if (s && !s->ok()) remember(to_failure(*s, "background work"));
  }
  // RocksDB would poll for room and resume in place; see kv_store::resume for why it must not.
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status, bool* automatic) override {
    *automatic = false;
  }
  /// Passes a write's status on and remembers what makes later writes hopeless.
  result<void> note(const rocksdb::Status& s, std::string_view doing) {
    if (s.ok()) return {};
    auto f = to_failure(s, doing);
    if (s.IsIOError() || s.IsCorruption()) remember(f);
    return f;
  }
  bool failed() const { return failed_; }
  failure why() const {
    const std::lock_guard lock(mutex_);
    return why_;
  }
  void clear() { failed_ = false; }

 private:
  void remember(failure f) {
    const std::lock_guard lock(mutex_);
    if (failed_) return;
    why_ = std::move(f);
    failed_ = true;
  }
  std::atomic<bool> failed_{false};
  mutable std::mutex mutex_;
  failure why_;
};

/// Writes, syncs and removes a file of `bytes`: is there room for what recovery is about to write?
result<void> probe_disk(const std::filesystem::path& directory, std::size_t bytes) {
  const auto path = directory / "probe.tmp";
  const int file = ::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  if (file < 0) return to_failure(errno, "probe");
  const std::string block(1u << 20, '\0');
  int error = 0;
  for (std::size_t done = 0; done < bytes && !error;) {
    const auto n = ::write(file, block.data(), std::min(block.size(), bytes - done));
    if (n < 0 && errno != EINTR) error = errno;
    if (n > 0) done += static_cast<std::size_t>(n);
  }
  if (!error && ::fdatasync(file) != 0) error = errno;
  ::close(file);
  ::unlink(path.c_str());
  if (error) return to_failure(error, "probe");
  return {};
}

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
                                         const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
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

rocksdb::DBOptions tune_database(const kv_store::options& opts) {
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
  db.max_total_wal_size = 256u << 20;                 // bounds replay time; a quiet family can't pin old logs for ever
  db.db_write_buffer_size = opts.write_buffer_bytes;  // all families together
  db.avoid_flush_during_shutdown = true;              // the log has it; stopping stays quick
  db.max_background_jobs = std::max(opts.background_jobs, 1);
  db.max_open_files = 1024;
  db.bytes_per_sync = 1u << 20;  // sorted files reach the disk evenly, not in one burst that delays the next WAL fsync
  db.max_bgerror_resume_count = 0;  // leaving the failed state is the owner's decision: resume()
  db.keep_log_file_num = 4;
  db.max_log_file_size = 4u << 20;
  db.info_log_level = rocksdb::WARN_LEVEL;
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  return db;
}

/// The database and its handles: closed when the store and the last snapshot are gone.
struct database {
  rocksdb::DB* db = nullptr;
  std::array<rocksdb::ColumnFamilyHandle*, kv_family_count> families{};
  rocksdb::ColumnFamilyHandle* of(kv_family family) const { return families[slot(family)]; }
  ~database() {
    if (!db) return;
    for (auto* family : families) db->DestroyColumnFamilyHandle(family);
    db->Close().PermitUncheckedError();
    delete db;
  }
};

}  // namespace

// ---- store ----------------------------------------------------------------------------------------------------------

struct kv_snapshot::impl {
  std::shared_ptr<database> base;
  const rocksdb::Snapshot* at = nullptr;
  ~impl() { base->db->ReleaseSnapshot(at); }
};
kv_snapshot::kv_snapshot(std::unique_ptr<impl> p) : impl_(std::move(p)) {}
kv_snapshot::~kv_snapshot() = default;

struct kv_store::impl {
  options opts;
  std::shared_ptr<rocksdb::Cache> cache;
  std::shared_ptr<rocksdb::Statistics> statistics;
  std::shared_ptr<error_watch> watch = std::make_shared<error_watch>();
  /// Each call holds the database while it runs, so that resume() can take it away, see the last call end, and reopen.
  std::atomic<std::shared_ptr<database>> base;
  std::mutex resuming;

  result<void> open();
  rocksdb::Status write(database& in, const kv_batch& batch, kv_sync sync) const;
};

namespace {

/// What a call gets while resume() has the database closed.
failure closed() { return failure(ec::not_ready, "The store is being reopened."); }

}  // namespace

kv_store::kv_store(std::unique_ptr<impl> p) : impl_(std::move(p)) {}

kv_store::~kv_store() {
  const auto base = impl_->base.load();
  // An orderly stop keeps also what nobody asked to sync.
  if (base && !failed()) base->db->FlushWAL(true).PermitUncheckedError();
}

result<void> kv_store::impl::open() {
  auto db_options = tune_database(opts);
  db_options.statistics = statistics;
  db_options.listeners.push_back(watch);
  gap_check gaps;  // asked only while DB::Open replays
  db_options.wal_filter = &gaps;
  // `meta` is RocksDB's default family: that one always exists and would otherwise lie idle. Names are on disk.
  const std::vector<rocksdb::ColumnFamilyDescriptor> families = {
      {rocksdb::kDefaultColumnFamilyName, tune_family(kv_family::meta, opts, cache)},
      {"raft_log", tune_family(kv_family::raft_log, opts, cache)},
      {"points", tune_family(kv_family::points, opts, cache)}};
  auto opened = std::make_shared<database>();
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  const auto s = rocksdb::DB::Open(db_options, opts.directory.string(), families, &handles, &opened->db);
  if (!s.ok()) return to_failure(s, "open");
  opened->families[slot(kv_family::meta)] = handles[0];
  opened->families[slot(kv_family::raft_log)] = handles[1];
  opened->families[slot(kv_family::points)] = handles[2];
  base = std::move(opened);
  return {};
}

result<std::unique_ptr<kv_store>> kv_store::open(const options& opts) {
  std::error_code made;
  std::filesystem::create_directories(opts.directory, made);
  if (made) return to_failure(made.value(), "create " + opts.directory.string());
  auto state = std::make_unique<impl>();
  state->opts = opts;
  state->cache = rocksdb::NewLRUCache(opts.block_cache_bytes, 4, false, 0.3);
  state->statistics = rocksdb::CreateDBStatistics();
  state->statistics->set_stats_level(rocksdb::kExceptDetailedTimers);
  if (auto opened = state->open(); opened.has_error()) return opened.error();
  return std::unique_ptr<kv_store>(new kv_store(std::move(state)));
}

rocksdb::Status kv_store::impl::write(database& in, const kv_batch& batch, kv_sync sync) const {
  rocksdb::WriteBatch out(batch.bytes() + 64);
  rocksdb::Status s;
  batch.for_each([&](kv_batch::op op, kv_family family, std::string_view first, std::string_view second) {
    if (!s.ok()) return;
    switch (op) {
      case kv_batch::op::put: s = out.Put(in.of(family), slice(first), slice(second)); break;
      case kv_batch::op::erase: s = out.Delete(in.of(family), slice(first)); break;
      case kv_batch::op::erase_range: s = out.DeleteRange(in.of(family), slice(first), slice(second)); break;
    }
  });
  if (!s.ok()) return s;
  rocksdb::WriteOptions how;
  how.sync = sync == kv_sync::yes && opts.fsync;
  return in.db->Write(how, &out);
}

result<void> kv_store::write(const kv_batch& batch, kv_sync sync) {
  if (batch.empty()) return sync == kv_sync::yes && impl_->opts.fsync ? flush_wal(sync) : result<void>();
  const auto base = impl_->base.load();
  if (!base) return closed();
  if (failed()) return impl_->watch->why();
  return impl_->watch->note(impl_->write(*base, batch, sync), "write");
}

result<void> kv_store::flush_wal(kv_sync sync) {
  const auto base = impl_->base.load();
  if (!base) return closed();
  if (failed()) return impl_->watch->why();
  return impl_->watch->note(base->db->FlushWAL(sync == kv_sync::yes), "flush_wal");
}

result<void> kv_store::flush_memtables() {
  const auto base = impl_->base.load();
  if (!base) return closed();
  if (failed()) return impl_->watch->why();
  const std::vector<rocksdb::ColumnFamilyHandle*> all(base->families.begin(), base->families.end());
  return impl_->watch->note(base->db->Flush(rocksdb::FlushOptions(), all), "flush_memtables");
}

result<bool> kv_store::get(kv_family family, std::string_view key, std::string& value,
                           const kv_snapshot* snapshot) const {
  value.clear();
  const auto base = impl_->base.load();
  if (!base) return closed();
  rocksdb::ReadOptions read;
  if (snapshot) read.snapshot = snapshot->impl_->at;
  const auto s = base->db->Get(read, base->of(family), slice(key), &value);
  if (s.ok()) return true;
  value.clear();
  if (s.IsNotFound()) return false;
  return to_failure(s, "get");
}

result<void> kv_store::multi_get(kv_family family, std::span<const std::string> keys,
                                 std::vector<std::optional<std::string>>& out) const {
  const std::size_t n = keys.size();
  out.assign(n, std::nullopt);
  const auto base = impl_->base.load();
  if (!base) return closed();
  const std::vector<rocksdb::Slice> names(keys.begin(), keys.end());
  std::vector<rocksdb::PinnableSlice> values(n);
  std::vector<rocksdb::Status> found(n);
  base->db->MultiGet(rocksdb::ReadOptions(), base->of(family), n, names.data(), values.data(), found.data());
  for (std::size_t i = 0; i < n; ++i) {
    if (found[i].ok()) {
      out[i].emplace(values[i].data(), values[i].size());
    } else if (!found[i].IsNotFound()) {
      return to_failure(found[i], "multi_get");
    }
  }
  return {};
}

result<void> kv_store::scan(kv_family family, std::string_view begin, std::string_view end, visitor visit,
                            const kv_snapshot* snapshot) const {
  const auto base = impl_->base.load();
  if (!base) return closed();
  const auto upper = slice(end);
  rocksdb::ReadOptions read;
  if (!end.empty()) read.iterate_upper_bound = &upper;
  if (snapshot) read.snapshot = snapshot->impl_->at;
  const std::unique_ptr<rocksdb::Iterator> it(base->db->NewIterator(read, base->of(family)));
  for (it->Seek(slice(begin)); it->Valid(); it->Next()) {
    if (!visit(view(it->key()), view(it->value()))) break;
  }
  return check(it->status(), "scan");
}

result<void> kv_store::scan_reverse(kv_family family, std::string_view begin, std::string_view end, visitor visit,
                                    const kv_snapshot* snapshot) const {
  const auto base = impl_->base.load();
  if (!base) return closed();
  const auto lower = slice(begin);
  const auto upper = slice(end);
  rocksdb::ReadOptions read;
  read.iterate_lower_bound = &lower;
  if (!end.empty()) read.iterate_upper_bound = &upper;
  if (snapshot) read.snapshot = snapshot->impl_->at;
  const std::unique_ptr<rocksdb::Iterator> it(base->db->NewIterator(read, base->of(family)));
  for (it->SeekToLast(); it->Valid(); it->Prev()) {
    if (!visit(view(it->key()), view(it->value()))) break;
  }
  return check(it->status(), "scan_reverse");
}

std::shared_ptr<kv_snapshot> kv_store::snapshot() const {
  auto p = std::make_unique<kv_snapshot::impl>();
  p->base = impl_->base.load();
  if (!p->base) return nullptr;
  p->at = p->base->db->GetSnapshot();
  return std::shared_ptr<kv_snapshot>(new kv_snapshot(std::move(p)));
}

bool kv_store::failed() const { return impl_->watch->failed() || !impl_->base.load(); }

result<void> kv_store::resume() {
  const std::lock_guard alone(impl_->resuming);
  // Not DB::Resume: it syncs log writers that have failed before, which this RocksDB answers with an assertion, and
  // after a failed fsync nobody knows what a page cache still holds. A restart from what is on disk is one path for
  // all.
  const auto replayed = static_cast<std::size_t>(stats().memtable_bytes);  // recovery writes them as sorted files
  if (auto probed = probe_disk(impl_->opts.directory, replayed + (1u << 20)); probed.has_error()) return probed;
  if (auto base = impl_->base.exchange(nullptr)) {
    constexpr int drain_ms_max = 2000;
    for (int waited = 0; base.use_count() > 1; ++waited) {
      if (waited == drain_ms_max) {
        impl_->base = std::move(base);
        return failure(ec::not_ready, "A snapshot or a long scan still holds the store.");
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  if (auto opened = impl_->open(); opened.has_error()) return opened;
  impl_->watch->clear();
  return flush_wal(kv_sync::yes);
}

kv_stats kv_store::stats() const {
  kv_stats out;
  if (const auto base = impl_->base.load()) {
    for (std::size_t i = 0; i < kv_family_count; ++i) {
      const auto property = [&](const std::string& name) {
        std::uint64_t value = 0;
        base->db->GetIntProperty(base->families[i], name, &value);
        return value;
      };
      out.family_bytes[i] = property(rocksdb::DB::Properties::kLiveSstFilesSize);
      out.memtable_bytes += property(rocksdb::DB::Properties::kSizeAllMemTables);
      out.table_reader_bytes += property(rocksdb::DB::Properties::kEstimateTableReadersMem);
    }
  }
  out.block_cache_bytes = impl_->cache->GetUsage();
  out.wal_bytes_total = impl_->statistics->getTickerCount(rocksdb::WAL_FILE_BYTES);
  out.wal_syncs_total = impl_->statistics->getTickerCount(rocksdb::WAL_FILE_SYNCED);
  rocksdb::HistogramData syncs;
  impl_->statistics->histogramData(rocksdb::WAL_FILE_SYNC_MICROS, &syncs);
  out.wal_sync_micros_total = syncs.sum;
  out.wal_sync_micros_p50 = syncs.median;
  out.wal_sync_micros_p99 = syncs.percentile99;
  std::error_code unknown;
  const auto disk = std::filesystem::space(impl_->opts.directory, unknown);
  if (!unknown) {
    out.disk_free_bytes = disk.available;
    out.disk_total_bytes = disk.capacity;
  }
  return out;
}

}  // namespace waggle
