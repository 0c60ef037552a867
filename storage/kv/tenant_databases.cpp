#include "storage/kv/tenant_databases.hpp"

#include <rocksdb/write_buffer_manager.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/log.hpp"
#include "storage/kv/directory.hpp"

namespace waggle {
namespace {
namespace fs = std::filesystem;
constexpr std::int64_t retry_ms = 1000;
constexpr int drain_ms_max = 2000;

std::int64_t steady_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

bool is_of_the_disk(const failure& why) { return why.code == ec::io_error || why.code == ec::storage_full; }

/// What happens behind a tenant's back: damage is the tenant's, a failing disk everybody's.
class tenant_watch final : public rocksdb::EventListener {
 public:
  tenant_watch(std::shared_ptr<error_watch> all, std::function<void(failure)> damaged)
      : all_(std::move(all)), damaged_(std::move(damaged)) {}
  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* s) override {
    if (s && s->IsCorruption())
      damaged_(to_failure(*s, "background work"));
    else
      all_->OnBackgroundError(reason, s);
  }
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status, bool* automatic) override { *automatic = false; }

 private:
  std::shared_ptr<error_watch> all_;
  std::function<void(failure)> damaged_;
};

}  // namespace

tenant_databases::tenant_databases(const kv_store::options& opts, const rocks_database::shared_parts& parts, questions ask)
    : opts_(opts), parts_(parts), ask_(std::move(ask)) {
  parts_.tenants_memory = std::make_shared<rocksdb::WriteBufferManager>(opts.write_buffer_bytes);
}

tenant_databases::~tenant_databases() {
  if (!parts_.watch->failed()) static_cast<void>(sync_all());
}

fs::path tenant_databases::directory_of(const tenant_id& owner) const { return opts_.tenants_root / to_string(owner) / "kv"; }

const tenant_databases::quarantine* tenant_databases::find_quarantine(const tenant_id& owner) const {
  const auto it = quarantined_.find(owner);
  if (it == quarantined_.end()) return nullptr;
  return it->second.retry_at_ms == 0 || steady_ms() < it->second.retry_at_ms ? &it->second : nullptr;
}

bool tenant_databases::quarantined(const tenant_id& owner) const {
  if (!any_quarantined_) return false;
  const std::lock_guard lock(mutex_);
  return find_quarantine(owner) != nullptr;
}

std::size_t tenant_databases::quarantined_count() const {
  const std::lock_guard lock(mutex_);
  return quarantined_.size();
}

failure tenant_databases::shut_out(const tenant_id& owner, const failure& why) {
  bool news = false;
  {
    const std::lock_guard lock(mutex_);
    auto [it, fresh] = quarantined_.try_emplace(owner);
    news = fresh;
    it->second = {why, is_of_the_disk(why) ? steady_ms() + retry_ms : 0};
    any_quarantined_ = true;
  }
  if (news)
    log_event(log_level::error, "tenant", "the tenant's database can't be used; the tenant is quarantined",
              {{"tenant", to_string(owner)}, {"why", why.log_text}});
  failure told(ec::tenant_unavailable);
  told.log_text = why.log_text;
  return told;
}

failure tenant_databases::blame(const tenant_id& owner, failure why) {
  return why.code == ec::storage_full || why.code == ec::tenant_unavailable ? why : shut_out(owner, why);
}

result<void> tenant_databases::judge(const tenant_id& owner, const rocksdb::Status& s, std::string_view doing) {
  if (s.ok()) return {};
  if (s.IsIOError()) return parts_.watch->note(s, doing);
  return blame(owner, to_failure(s, doing));
}

void tenant_databases::keep_out(const tenant_id& owner) {
  const std::lock_guard lock(mutex_);
  quarantined_[owner].retry_at_ms = 0;
  any_quarantined_ = true;
}

result<tenant_databases::handle> tenant_databases::use(const tenant_id& owner, absent how) {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (const auto* shut = find_quarantine(owner)) {
      failure told(ec::tenant_unavailable);
      told.log_text = shut->why.log_text;
      return told;
    }
    const auto it = slots_.find(owner);
    if (!away_ && it == slots_.end()) break;
    if (!away_ && !it->second.busy) {
      it->second.used = ++uses_;
      return it->second.base;
    }
    changed_.wait(lock);
  }
  slots_[owner].used = ++uses_;
  lock.unlock();
  auto opened = open(owner, how);
  lock.lock();
  if (opened && *opened) {
    quarantined_.erase(owner);
    slots_[owner].base = *opened;
    slots_[owner].busy = false;
  } else {
    slots_.erase(owner);
  }
  auto surplus = take_surplus();
  changed_.notify_all();
  lock.unlock();
  for (auto& [other, base] : surplus) close(other, std::move(base));
  return opened;
}

std::vector<std::pair<tenant_id, tenant_databases::handle>> tenant_databases::take_surplus() {
  std::vector<std::pair<tenant_id, handle>> surplus;
  while (slots_.size() > opts_.open_tenants_max + surplus.size()) {
    auto oldest = slots_.end();
    for (auto it = slots_.begin(); it != slots_.end(); ++it)
      // Whoever uses one has got it under this lock: a count of one stays one.
      if (!it->second.busy && it->second.base.use_count() == 1 && (oldest == slots_.end() || it->second.used < oldest->second.used))
        oldest = it;
    if (oldest == slots_.end()) break;
    oldest->second.busy = true;
    surplus.emplace_back(oldest->first, std::move(oldest->second.base));
  }
  return surplus;
}

void tenant_databases::close(const tenant_id& owner, handle base) {
  // One that can't be synced stays among the unsynced: resume opens it, and what can be seen then is durable.
  if (!parts_.watch->failed()) static_cast<void>(sync(owner, *base));
  base.reset();
  const std::lock_guard lock(mutex_);
  slots_.erase(owner);
  changed_.notify_all();
}

result<tenant_databases::handle> tenant_databases::open(const tenant_id& owner, absent how) {
  const auto directory = directory_of(owner);
  const auto expected = ask_.presence_of(owner);
  if (!expected) return expected.error();
  std::error_code unknown;
  if (*expected != presence::dropped && fs::exists(directory / "CURRENT", unknown)) return open_files(owner, false);
  if (*expected == presence::expected) {
    failure lost(ec::corrupt_data);
    lost.log_text = directory.string() + " holds no database";
    return shut_out(owner, lost);
  }
  if (how == absent::stay) return handle();
  if (parts_.watch->failed()) return parts_.watch->why();
  auto made = open_files(owner, true);
  if (made && *expected == presence::dropped)
    if (auto told = ask_.created(owner); !told) return told.error();
  return made;
}

result<tenant_databases::handle> tenant_databases::open_files(const tenant_id& owner, bool fresh) {
  const auto directory = directory_of(owner);
  auto parts = parts_;
  parts.listener = std::make_shared<tenant_watch>(parts_.watch, [this, owner](const failure& why) { shut_out(owner, why); });
  auto opts = opts_;
  opts.directory = directory;
  if (fresh) {
    // What is there has never got as far as being a database, or was dropped.
    if (auto removed = remove_directory(directory); !removed) return removed.error();
    std::error_code failed;
    fs::create_directories(directory, failed);
    if (failed) return parts_.watch->fail(to_failure(failed.value(), "create " + directory.string()));
    for (const auto& parent : {directory.parent_path(), opts_.tenants_root})
      if (auto synced = sync_directory(parent); !synced) return parts_.watch->fail(synced.error());
  }
  if (!parts_.watch->failed()) {
    auto opened = rocks_database::open(opts, parts, rocks_database::mode::read_write);
    if (opened) return opened;
    if (opened.error().code == ec::storage_full || (fresh && is_of_the_disk(opened.error())))
      return parts_.watch->fail(opened.error());
    return shut_out(owner, opened.error());
  }
  auto opened = rocks_database::open(opts, parts, rocks_database::mode::read_only);
  if (opened || is_of_the_disk(opened.error())) return opened;
  return shut_out(owner, opened.error());
}

void tenant_databases::mark_unsynced(const tenant_id& owner) {
  const std::lock_guard lock(mutex_);
  unsynced_.insert(owner);
}

result<void> tenant_databases::sync(const tenant_id& owner, rocks_database& in) {
  {
    const std::lock_guard lock(mutex_);
    if (unsynced_.erase(owner) == 0) return {};  // before the sync: what is written during it may miss it
  }
  if (!opts_.fsync) return {};
  auto synced = judge(owner, in.db->SyncWAL(), "sync");
  if (!synced) mark_unsynced(owner);
  return synced;
}

result<void> tenant_databases::sync_all() {
  std::set<tenant_id> owners;
  {
    const std::lock_guard lock(mutex_);
    owners = unsynced_;
  }
  for (const auto& owner : owners) {
    auto base = use(owner, absent::stay);
    const auto synced = !base ? result<void>(base.error()) : *base ? sync(owner, **base) : result<void>();
    if (!synced && synced.error().code != ec::tenant_unavailable) return synced;
    if (!synced || !*base) {
      // Nothing of a quarantined tenant can be kept better than it is.
      const std::lock_guard lock(mutex_);
      unsynced_.erase(owner);
    }
  }
  return {};
}

result<void> tenant_databases::flush_all() {
  for (const auto& [owner, base] : open_now()) {
    const std::vector<rocksdb::ColumnFamilyHandle*> all(base->families.begin(), base->families.end());
    const auto done = judge(owner, base->db->Flush(rocksdb::FlushOptions(), all), "flush");
    if (!done && done.error().code != ec::tenant_unavailable) return done;
  }
  return {};
}

result<void> tenant_databases::remove_files(const tenant_id& owner) const {
  if (auto removed = remove_directory(directory_of(owner)); !removed) return removed;
  std::error_code unknown;
  const auto parent = directory_of(owner).parent_path();
  return fs::exists(parent, unknown) ? sync_directory(parent) : result<void>();
}

result<void> tenant_databases::drop(const tenant_id& owner) {
  handle base;
  {
    std::unique_lock lock(mutex_);
    for (int waited = 0;; ++waited) {
      const auto it = slots_.find(owner);
      const bool idle = it == slots_.end() || (!it->second.busy && it->second.base.use_count() == 1);
      if (!away_ && idle) break;
      if (waited == drain_ms_max) return failure(ec::not_ready, "Somebody still reads the tenant's data.");
      changed_.wait_for(lock, std::chrono::milliseconds(1));
    }
    auto& held = slots_[owner];
    held.busy = true;
    base = std::move(held.base);
    unsynced_.erase(owner);
    quarantined_.erase(owner);
  }
  base.reset();
  auto removed = remove_files(owner);
  const std::lock_guard lock(mutex_);
  slots_.erase(owner);
  changed_.notify_all();
  return removed;
}

result<void> tenant_databases::take_away() {
  std::vector<handle> closing;
  std::unique_lock lock(mutex_);
  away_ = true;
  for (int waited = 0;; ++waited) {
    const bool held = std::any_of(slots_.begin(), slots_.end(), [](const auto& s) { return s.second.base && s.second.base->snapshots > 0; });
    const bool used = std::any_of(slots_.begin(), slots_.end(), [](const auto& s) { return s.second.busy || s.second.base.use_count() > 1; });
    if (!held && !used) break;
    if (held || waited == drain_ms_max) {
      away_ = false;
      changed_.notify_all();
      return failure(ec::not_ready, held ? "A snapshot still holds the store." : "A long scan still holds the store.");
    }
    changed_.wait_for(lock, std::chrono::milliseconds(1));
  }
  for (auto& [owner, s] : slots_) closing.push_back(std::move(s.base));
  slots_.clear();
  lock.unlock();
  closing.clear();
  return {};
}

result<void> tenant_databases::reopen_unsynced() {
  std::set<tenant_id> owners;
  {
    const std::lock_guard lock(mutex_);
    owners = unsynced_;
    std::erase_if(quarantined_, [](const auto& q) { return q.second.retry_at_ms != 0; });
  }
  auto opts = opts_;
  for (const auto& owner : owners) {
    opts.directory = directory_of(owner);
    const auto base = rocks_database::open(opts, parts_, rocks_database::mode::read_write);
    if (!base && is_of_the_disk(base.error())) return base.error();
    if (!base) shut_out(owner, base.error());
    const std::lock_guard lock(mutex_);
    unsynced_.erase(owner);
  }
  return {};
}

void tenant_databases::give_back() {
  const std::lock_guard lock(mutex_);
  away_ = false;
  changed_.notify_all();
}

std::vector<std::pair<tenant_id, tenant_databases::handle>> tenant_databases::open_now() const {
  std::vector<std::pair<tenant_id, handle>> list;
  const std::lock_guard lock(mutex_);
  for (const auto& [owner, s] : slots_)
    if (s.base) list.emplace_back(owner, s.base);
  return list;
}

}  // namespace waggle
