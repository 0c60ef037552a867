// How the store is opened, fails and comes back, what it keeps about tenants' databases, and its figures.
#include <fcntl.h>
#include <rocksdb/cache.h>
#include <rocksdb/statistics.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include "storage/kv/kv_store_impl.hpp"

namespace waggle {
namespace {

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

std::string be64(std::uint64_t v) {
  std::string bytes(8, '\0');
  for (int i = 7; i >= 0; --i, v >>= 8) bytes[static_cast<std::size_t>(i)] = static_cast<char>(v);
  return bytes;
}

}  // namespace

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

bool kv_store::failed() const { return impl_->parts.watch->failed(); }

result<void> kv_store::resume() {
  const std::lock_guard alone(impl_->resuming);
  // Not DB::Resume: it syncs log writers that have failed before, which this RocksDB answers with an assertion, and
  // after a failed fsync nobody knows what a page cache still holds. Opening reads the log from disk and writes all of
  // it to sorted files, with an fsync of their own: what is visible afterwards is durable, whatever became of the log.
  const auto replayed = static_cast<std::size_t>(stats().memtable_bytes);
  if (auto probed = probe_disk(impl_->opts.directory, replayed + (1u << 20)); !probed) return probed;
  auto* tenants = impl_->tenants.get();
  if (tenants)
    if (auto taken = tenants->take_away(); !taken) return taken;
  if (auto taken = impl_->take_away(); !taken) {
    if (tenants) tenants->give_back();
    return taken;
  }
  auto opened = impl_->open(rocks_database::mode::read_write);
  // The disk let the probe through and not this: then at least reads go on.
  if (!opened) static_cast<void>(impl_->open(rocks_database::mode::read_only));
  impl_->give_back();
  if (tenants) {
    if (opened) opened = tenants->reopen_unsynced();
    if (opened) impl_->parts.watch->clear();
    tenants->give_back();
  }
  if (!opened) return opened;
  impl_->parts.watch->clear();
  return sync_wal();
}

kv_stats kv_store::stats() const {
  kv_stats out;
  std::vector<std::shared_ptr<rocks_database>> open;
  if (auto shared = impl_->look()) open.push_back(std::move(shared));
  if (impl_->tenants) {
    auto own = impl_->tenants->open_now();
    out.tenants_open = own.size();
    for (auto& [owner, base] : own) open.push_back(std::move(base));
    out.tenants_quarantined = impl_->tenants->quarantined_count();
  }
  for (const auto& base : open) {
    for (std::size_t i = 0; i < kv_family_count; ++i) {
      const auto property = [&](const std::string& name) {
        std::uint64_t value = 0;
        base->db->GetIntProperty(base->families[i], name, &value);
        return value;
      };
      out.family_bytes[i] += property(rocksdb::DB::Properties::kLiveSstFilesSize);
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

// ---- tenants' databases -----------------------------------------------------------------------------------------------

result<kv_store::impl::source> kv_store::impl::find(kv_family family, std::string_view key, const kv_snapshot* snapshot) const {
  source from;
  if (tenants) from.owner = tenant_route::owner_of(family, key);
  if (snapshot) {
    from.base = snapshot->impl_->base;
  } else if (from.owner) {
    auto own = tenants->use(*from.owner, tenant_databases::absent::stay);
    if (!own) return own.error();
    from.base = std::move(*own);
  } else {
    from.base = use();
    if (!from.base) return store_is_closed();
  }
  return from;
}

failure kv_store::impl::blame(const source& from, const rocksdb::Status& s, std::string_view doing) const {
  auto why = to_failure(s, doing);
  return from.owner ? tenants->blame(*from.owner, std::move(why)) : why;
}

void kv_store::impl::open_tenants() {
  tenants = std::make_unique<tenant_databases>(
      opts, parts, tenant_databases::questions{[this](const tenant_id& owner) { return presence_of(owner); },
                                               [this](const tenant_id& owner) { return forget_drop(owner); }});
}

result<tenant_databases::presence> kv_store::impl::presence_of(const tenant_id& owner) const {
  const auto base = use();
  if (!base) return store_is_closed();
  std::string value;
  using presence = tenant_databases::presence;
  for (const auto& [key, means] : {std::pair(tenant_route::dropped_key(owner), presence::dropped),
                                   std::pair(tenant_route::mirror_key(owner), presence::expected)}) {
    const auto s = base->db->Get(rocksdb::ReadOptions(), base->of(kv_family::meta), to_slice(key), &value);
    if (s.ok()) return means;
    if (!s.IsNotFound()) return to_failure(s, "get");
  }
  return presence::unknown;
}

result<void> kv_store::impl::forget_drop(const tenant_id& owner) const {
  const auto base = use();
  if (!base) return store_is_closed();
  return parts.watch->note(
      base->db->Delete(rocksdb::WriteOptions(), base->of(kv_family::meta), to_slice(tenant_route::dropped_key(owner))), "write");
}

result<void> kv_store::impl::finish_drops() {
  const auto base = use();
  const auto [begin, end] = tenant_route::dropped();
  const auto upper = to_slice(end);
  rocksdb::ReadOptions read;
  read.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> it(base->db->NewIterator(read, base->of(kv_family::meta)));
  for (it->Seek(to_slice(begin)); it->Valid(); it->Next())
    if (auto removed = tenants->remove_files(tenant_route::owner_in(it->key().ToStringView())); !removed) return removed;
  if (it->status().ok()) return {};
  return to_failure(it->status(), "scan");
}

bool kv_store::has_tenant_databases() const { return impl_->tenants != nullptr; }

bool kv_store::quarantined(const tenant_id& owner) const { return impl_->tenants && impl_->tenants->quarantined(owner); }

void kv_store::keep_out(const tenant_id& owner) {
  if (impl_->tenants) impl_->tenants->keep_out(owner);
}

result<void> kv_store::sync_tenants() {
  if (!impl_->tenants) return {};
  if (failed()) return impl_->parts.watch->why();
  return impl_->tenants->sync_all();
}

result<void> kv_store::drop_tenant(const tenant_id& owner, log_index applied) {
  if (!impl_->tenants) return {};
  kv_batch batch;
  batch.put(kv_family::meta, tenant_route::dropped_key(owner), be64(applied.value));
  if (auto written = write(batch, kv_sync::yes); !written) return written;
  return impl_->tenants->drop(owner);
}

}  // namespace waggle
