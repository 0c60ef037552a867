// The calls of the store, and how it leaves the failed state. What a RocksDB is like: rocks_database.cpp.
#include "storage/kv/kv_store.hpp"

#include <fcntl.h>
#include <rocksdb/cache.h>
#include <rocksdb/statistics.h>
#include <rocksdb/write_batch.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "storage/kv/rocks_database.hpp"

namespace waggle {
namespace {

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }
std::string_view view(const rocksdb::Slice& s) { return {s.data(), s.size()}; }

result<void> check(const rocksdb::Status& s, std::string_view doing) {
  if (s.ok()) return {};
  return to_failure(s, doing);
}

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

}  // namespace

// ---- store ----------------------------------------------------------------------------------------------------------

struct kv_snapshot::impl {
  explicit impl(std::shared_ptr<rocks_database> of) : base(std::move(of)), at(base->db->GetSnapshot()) {
    ++base->snapshots;
  }
  ~impl() {
    base->db->ReleaseSnapshot(at);
    --base->snapshots;
  }
  std::shared_ptr<rocks_database> base;
  const rocksdb::Snapshot* at;
};
kv_snapshot::kv_snapshot(std::unique_ptr<impl> p) : impl_(std::move(p)) {}
kv_snapshot::~kv_snapshot() = default;

/// Each call holds the database while it runs, so that resume() can take it away, see the last call end, and reopen.
struct kv_store::impl {
  options opts;
  rocks_database::shared_parts parts;
  std::mutex resuming;  ///< one resume() at a time

  result<void> open(rocks_database::mode how);
  /// The database for one call; waits while it is being reopened. Null when it could not be opened again.
  std::shared_ptr<rocks_database> use() const;
  /// The same without waiting: null while it is being reopened.
  std::shared_ptr<rocks_database> look() const;
  /// Closes the database when its last call has ended; calls that begin from now on wait for give_back().
  result<void> take_away();
  void give_back();
  rocksdb::Status write(rocks_database& in, const kv_batch& batch) const;
  rocksdb::Status sync(rocks_database& in) const;

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable reopened_;
  std::shared_ptr<rocks_database> base_;
  bool away_ = false;
};

namespace {

/// What a call gets when the database could not be opened again.
failure closed() { return failure(ec::not_ready, "The store could not be reopened."); }

}  // namespace

kv_store::kv_store(std::unique_ptr<impl> p) : impl_(std::move(p)) {}

kv_store::~kv_store() {
  const auto base = impl_->use();
  // An orderly stop keeps also what nobody asked to sync.
  if (base && !failed()) base->db->SyncWAL().PermitUncheckedError();
}

result<void> kv_store::impl::open(rocks_database::mode how) {
  auto opened = rocks_database::open(opts, parts, how);
  if (!opened) return opened.error();
  const std::lock_guard lock(mutex_);
  base_ = std::move(*opened);
  return {};
}

std::shared_ptr<rocks_database> kv_store::impl::use() const {
  std::unique_lock lock(mutex_);
  reopened_.wait(lock, [this] { return !away_; });
  return base_;
}

std::shared_ptr<rocks_database> kv_store::impl::look() const {
  const std::lock_guard lock(mutex_);
  return away_ ? nullptr : base_;
}

result<void> kv_store::impl::take_away() {
  constexpr int drain_ms_max = 2000;
  std::unique_lock lock(mutex_);
  if (base_ && base_->snapshots > 0) return failure(ec::not_ready, "A snapshot still holds the store.");
  away_ = true;
  for (int waited = 0; base_ && base_.use_count() > 1; ++waited) {
    lock.unlock();
    if (waited == drain_ms_max) {
      give_back();
      return failure(ec::not_ready, "A long scan still holds the store.");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    lock.lock();
  }
  base_.reset();
  return {};
}

void kv_store::impl::give_back() {
  const std::lock_guard lock(mutex_);
  away_ = false;
  reopened_.notify_all();
}

result<std::unique_ptr<kv_store>> kv_store::open(const options& opts) {
  std::error_code made;
  std::filesystem::create_directories(opts.directory, made);
  if (made) return to_failure(made.value(), "create " + opts.directory.string());
  auto state = std::make_unique<impl>();
  state->opts = opts;
  state->parts.cache = rocksdb::NewLRUCache(opts.block_cache_bytes, 4, false, 0.3);
  state->parts.statistics = rocksdb::CreateDBStatistics();
  state->parts.statistics->set_stats_level(rocksdb::kExceptDetailedTimers);
  state->parts.watch = std::make_shared<error_watch>();
  if (auto opened = state->open(rocks_database::mode::read_write); !opened) return opened.error();
  return std::unique_ptr<kv_store>(new kv_store(std::move(state)));
}

rocksdb::Status kv_store::impl::write(rocks_database& in, const kv_batch& batch) const {
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
  return in.db->Write(rocksdb::WriteOptions(), &out);
}

// Apart from the write: RocksDB lets no other write pass while one syncs, and an apply must not wait for the next log
// write's disk.
rocksdb::Status kv_store::impl::sync(rocks_database& in) const {
  const auto began = std::chrono::steady_clock::now();
  auto s = in.db->SyncWAL();
  const auto took = std::chrono::steady_clock::now() - began;
  parts.statistics->recordInHistogram(
      rocksdb::WAL_FILE_SYNC_MICROS,
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
  return s;
}

result<void> kv_store::write(const kv_batch& batch, kv_sync sync) {
  if (batch.empty()) return sync == kv_sync::yes && impl_->opts.fsync ? sync_wal() : result<void>();
  const auto base = impl_->use();
  if (!base) return closed();
  if (failed()) return impl_->parts.watch->why();
  if (auto written = impl_->parts.watch->note(impl_->write(*base, batch), "write"); !written) return written;
  if (sync == kv_sync::no || !impl_->opts.fsync) return {};
  return impl_->parts.watch->note(impl_->sync(*base), "sync");
}

result<void> kv_store::sync_wal() {
  const auto base = impl_->use();
  if (!base) return closed();
  if (failed()) return impl_->parts.watch->why();
  return impl_->parts.watch->note(impl_->sync(*base), "sync");
}

result<void> kv_store::flush_memtables() {
  const auto base = impl_->use();
  if (!base) return closed();
  if (failed()) return impl_->parts.watch->why();
  const std::vector<rocksdb::ColumnFamilyHandle*> all(base->families.begin(), base->families.end());
  return impl_->parts.watch->note(base->db->Flush(rocksdb::FlushOptions(), all), "flush_memtables");
}

result<void> kv_store::purge(std::string_view begin, std::string_view end) {
  // Every family: a log file goes only when nothing in it is needed by any of them.
  if (auto flushed = flush_memtables(); !flushed) return flushed;
  const auto base = impl_->use();
  if (!base) return closed();
  rocksdb::CompactRangeOptions how;
  how.exclusive_manual_compaction = false;
  how.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  const auto from = slice(begin), to = slice(end);
  for (const auto family : {kv_family::points, kv_family::meta})
    if (auto done = impl_->parts.watch->note(base->db->CompactRange(how, base->of(family), &from, &to), "purge"); !done) return done;
  return impl_->parts.watch->note(base->db->CompactRange(how, base->of(kv_family::raft_log), nullptr, nullptr), "purge");
}

result<bool> kv_store::get(kv_family family, std::string_view key, std::string& value,
                           const kv_snapshot* snapshot) const {
  value.clear();
  const auto base = snapshot ? snapshot->impl_->base : impl_->use();
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
  const auto base = impl_->use();
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
  const auto base = snapshot ? snapshot->impl_->base : impl_->use();
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
  const auto base = snapshot ? snapshot->impl_->base : impl_->use();
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
  auto base = impl_->use();
  if (!base) return nullptr;
  return std::shared_ptr<kv_snapshot>(new kv_snapshot(std::make_unique<kv_snapshot::impl>(std::move(base))));
}

bool kv_store::failed() const { return impl_->parts.watch->failed(); }

result<void> kv_store::resume() {
  const std::lock_guard alone(impl_->resuming);
  // Not DB::Resume: it syncs log writers that have failed before, which this RocksDB answers with an assertion, and
  // after a failed fsync nobody knows what a page cache still holds. Opening reads the log from disk and writes all of
  // it to sorted files, with an fsync of their own: what is visible afterwards is durable, whatever became of the log.
  const auto replayed = static_cast<std::size_t>(stats().memtable_bytes);
  if (auto probed = probe_disk(impl_->opts.directory, replayed + (1u << 20)); !probed) return probed;
  if (auto taken = impl_->take_away(); !taken) return taken;
  const auto opened = impl_->open(rocks_database::mode::read_write);
  // The disk let the probe through and not this: then at least reads go on.
  if (!opened) static_cast<void>(impl_->open(rocks_database::mode::read_only));
  impl_->give_back();
  if (!opened) return opened;
  impl_->parts.watch->clear();
  return sync_wal();
}

kv_stats kv_store::stats() const {
  kv_stats out;
  if (const auto base = impl_->look()) {
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
  out.block_cache_bytes = impl_->parts.cache->GetUsage();
  out.wal_bytes_total = impl_->parts.statistics->getTickerCount(rocksdb::WAL_FILE_BYTES);
  out.wal_syncs_total = impl_->parts.statistics->getTickerCount(rocksdb::WAL_FILE_SYNCED);
  rocksdb::HistogramData syncs;
  impl_->parts.statistics->histogramData(rocksdb::WAL_FILE_SYNC_MICROS, &syncs);
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
