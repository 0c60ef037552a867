// The calls of the store. How it leaves the failed state: kv_resume.cpp. What a RocksDB is like: rocks_database.cpp.
#include "storage/kv/kv_store.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/statistics.h>
#include <rocksdb/write_batch.h>

#include <chrono>
#include <map>

#include "storage/kv/kv_store_impl.hpp"

namespace waggle {
namespace {

std::string_view view(const rocksdb::Slice& s) { return {s.data(), s.size()}; }

std::string owner_prefix(const tenant_id& owner) { return {owner.bytes.begin(), owner.bytes.end()}; }

}  // namespace

rocksdb::Status add_write(rocksdb::WriteBatch& out, const rocks_database& in, kv_batch::op op, kv_family family,
                          std::string_view first, std::string_view second) {
  switch (op) {
    case kv_batch::op::put: return out.Put(in.of(family), to_slice(first), to_slice(second));
    case kv_batch::op::erase: return out.Delete(in.of(family), to_slice(first));
    case kv_batch::op::erase_range: return out.DeleteRange(in.of(family), to_slice(first), to_slice(second));
  }
  return {};
}

kv_snapshot::impl::impl(std::shared_ptr<rocks_database> of) : base(std::move(of)), at(base->db->GetSnapshot()) {
  ++base->snapshots;
}
kv_snapshot::impl::~impl() {
  base->db->ReleaseSnapshot(at);
  --base->snapshots;
}
kv_snapshot::kv_snapshot(std::unique_ptr<impl> p) : impl_(std::move(p)) {}
kv_snapshot::~kv_snapshot() = default;

kv_store::kv_store(std::unique_ptr<impl> p) : impl_(std::move(p)) {}

kv_store::~kv_store() {
  impl_->tenants.reset();
  const auto base = impl_->use();
  // An orderly stop keeps also what nobody asked to sync.
  if (base && !failed()) base->db->SyncWAL().PermitUncheckedError();
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
  if (!opts.tenants_root.empty()) {
    state->open_tenants();
    if (auto done = state->finish_drops(); !done) return done.error();
  }
  return std::unique_ptr<kv_store>(new kv_store(std::move(state)));
}

// Apart from the write: RocksDB lets no other write pass while one syncs, and an apply must not wait for the next log
// write's disk.
result<void> kv_store::impl::sync(rocks_database& in) const {
  const auto began = std::chrono::steady_clock::now();
  const auto s = in.db->SyncWAL();
  const auto took = std::chrono::steady_clock::now() - began;
  parts.statistics->recordInHistogram(
      rocksdb::WAL_FILE_SYNC_MICROS,
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
  return parts.watch->note(s, "sync");
}

result<void> kv_store::write(const kv_batch& batch, kv_sync sync) {
  if (batch.empty()) return sync == kv_sync::yes && impl_->opts.fsync ? sync_wal() : result<void>();
  if (impl_->tenants) return write_parts(batch, sync);
  const auto base = impl_->use();
  if (!base) return store_is_closed();
  if (failed()) return impl_->parts.watch->why();
  rocksdb::WriteBatch out(batch.bytes() + 64);
  rocksdb::Status s;
  batch.for_each([&](kv_batch::op op, kv_family family, std::string_view first, std::string_view second) {
    if (s.ok()) s = add_write(out, *base, op, family, first, second);
  });
  if (s.ok()) s = base->db->Write(rocksdb::WriteOptions(), &out);
  if (auto written = impl_->parts.watch->note(s, "write"); !written) return written;
  if (sync == kv_sync::no || !impl_->opts.fsync) return {};
  return impl_->sync(*base);
}

result<void> kv_store::write_parts(const kv_batch& batch, kv_sync sync) {
  struct part {
    std::shared_ptr<rocks_database> base;
    rocksdb::WriteBatch out;
  };
  std::map<tenant_id, part> own;
  part shared;
  shared.base = impl_->use();
  if (!shared.base) return store_is_closed();
  if (failed()) return impl_->parts.watch->why();
  result<void> bad;
  batch.for_each([&](kv_batch::op op, kv_family family, std::string_view first, std::string_view second) {
    if (!bad) return;
    const auto owner = tenant_route::owner_of(family, first);
    auto& to = owner ? own[*owner] : shared;
    if (!to.base) {
      auto opened = impl_->tenants->use(*owner, tenant_databases::absent::create);
      if (!opened) {
        bad = opened.error();
        return;
      }
      to.base = std::move(*opened);
    }
    if (const auto s = add_write(to.out, *to.base, op, family, first, second); !s.ok()) bad = to_failure(s, "write");
  });
  if (!bad) return bad;
  const bool synced = sync == kv_sync::yes && impl_->opts.fsync;
  for (auto& [owner, to] : own) {
    impl_->tenants->mark_unsynced(owner);
    const auto s = to.base->db->Write(rocksdb::WriteOptions(), &to.out);
    impl_->tenants->mark_unsynced(owner);
    if (auto done = impl_->tenants->judge(owner, s, "write"); !done) return done;
    if (synced)
      if (auto done = impl_->tenants->sync(owner, *to.base); !done) return done;
  }
  if (shared.out.Count() == 0) return {};
  const auto s = shared.base->db->Write(rocksdb::WriteOptions(), &shared.out);
  if (auto written = impl_->parts.watch->note(s, "write"); !written || !synced) return written;
  return impl_->sync(*shared.base);
}

result<void> kv_store::sync_wal() {
  const auto base = impl_->use();
  if (!base) return store_is_closed();
  if (failed()) return impl_->parts.watch->why();
  return impl_->sync(*base);
}

result<void> kv_store::flush_memtables() {
  const auto base = impl_->use();
  if (!base) return store_is_closed();
  if (failed()) return impl_->parts.watch->why();
  const std::vector<rocksdb::ColumnFamilyHandle*> all(base->families.begin(), base->families.end());
  if (auto done = impl_->parts.watch->note(base->db->Flush(rocksdb::FlushOptions(), all), "flush_memtables"); !done) return done;
  return impl_->tenants ? impl_->tenants->flush_all() : result<void>();
}

result<void> kv_store::purge(std::string_view begin, std::string_view end) {
  // Every family: a log file goes only when nothing in it is needed by any of them.
  if (auto flushed = flush_memtables(); !flushed) return flushed;
  const auto base = impl_->use();
  if (!base) return store_is_closed();
  rocksdb::CompactRangeOptions how;
  how.exclusive_manual_compaction = false;
  how.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  const auto from = to_slice(begin), to = to_slice(end);
  const auto data = impl_->find(kv_family::points, begin, nullptr);
  if (!data) return data.error();
  for (const auto family : {kv_family::points, kv_family::meta}) {
    if (!data->base) break;
    const auto s = data->base->db->CompactRange(how, data->base->of(family), &from, &to);
    auto done = data->owner ? impl_->tenants->judge(*data->owner, s, "purge") : impl_->parts.watch->note(s, "purge");
    if (!done) return done;
  }
  return impl_->parts.watch->note(base->db->CompactRange(how, base->of(kv_family::raft_log), nullptr, nullptr), "purge");
}

result<bool> kv_store::get(kv_family family, std::string_view key, std::string& value,
                           const kv_snapshot* snapshot) const {
  value.clear();
  const auto from = impl_->find(family, key, snapshot);
  if (!from) return from.error();
  if (!from->base) return false;
  rocksdb::ReadOptions read;
  if (snapshot) read.snapshot = snapshot->impl_->at;
  const auto s = from->base->db->Get(read, from->base->of(family), to_slice(key), &value);
  if (s.ok()) return true;
  value.clear();
  if (s.IsNotFound()) return false;
  return impl_->blame(*from, s, "get");
}

result<void> kv_store::multi_get(kv_family family, std::span<const std::string> keys,
                                 std::vector<std::optional<std::string>>& out) const {
  const std::size_t n = keys.size();
  out.assign(n, std::nullopt);
  if (n == 0) return {};
  const auto from = impl_->find(family, keys.front(), nullptr);
  if (!from) return from.error();
  const auto& base = from->base;
  if (!base) return {};
  const std::vector<rocksdb::Slice> names(keys.begin(), keys.end());
  std::vector<rocksdb::PinnableSlice> values(n);
  std::vector<rocksdb::Status> found(n);
  base->db->MultiGet(rocksdb::ReadOptions(), base->of(family), n, names.data(), values.data(), found.data());
  for (std::size_t i = 0; i < n; ++i) {
    if (found[i].ok()) {
      out[i].emplace(values[i].data(), values[i].size());
    } else if (!found[i].IsNotFound()) {
      return impl_->blame(*from, found[i], "multi_get");
    }
  }
  return {};
}

result<void> kv_store::scan(kv_family family, std::string_view begin, std::string_view end, visitor visit,
                            const kv_snapshot* snapshot) const {
  const auto from = impl_->find(family, begin, snapshot);
  if (!from) return from.error();
  if (!from->base) return {};
  const auto upper = to_slice(end);
  rocksdb::ReadOptions read;
  if (!end.empty()) read.iterate_upper_bound = &upper;
  if (snapshot) read.snapshot = snapshot->impl_->at;
  const std::unique_ptr<rocksdb::Iterator> it(from->base->db->NewIterator(read, from->base->of(family)));
  for (it->Seek(to_slice(begin)); it->Valid(); it->Next()) {
    if (!visit(view(it->key()), view(it->value()))) break;
  }
  if (it->status().ok()) return {};
  return impl_->blame(*from, it->status(), "scan");
}

result<void> kv_store::scan_reverse(kv_family family, std::string_view begin, std::string_view end, visitor visit,
                                    const kv_snapshot* snapshot) const {
  const auto from = impl_->find(family, begin, snapshot);
  if (!from) return from.error();
  if (!from->base) return {};
  const auto lower = to_slice(begin);
  const auto upper = to_slice(end);
  rocksdb::ReadOptions read;
  if (!begin.empty()) read.iterate_lower_bound = &lower;
  if (!end.empty()) read.iterate_upper_bound = &upper;
  if (snapshot) read.snapshot = snapshot->impl_->at;
  const std::unique_ptr<rocksdb::Iterator> it(from->base->db->NewIterator(read, from->base->of(family)));
  for (it->SeekToLast(); it->Valid(); it->Prev()) {
    if (!visit(view(it->key()), view(it->value()))) break;
  }
  if (it->status().ok()) return {};
  return impl_->blame(*from, it->status(), "scan_reverse");
}

std::shared_ptr<kv_snapshot> kv_store::snapshot(const tenant_id& owner) const {
  const auto from = impl_->find(kv_family::points, owner_prefix(owner), nullptr);
  if (!from || !from->base) return nullptr;
  return std::shared_ptr<kv_snapshot>(new kv_snapshot(std::make_unique<kv_snapshot::impl>(from->base)));
}

}  // namespace waggle
