#include "cluster/raft/rocks_raft_storage.hpp"

#include <map>
#include <mutex>
#include <utility>

#include "cluster/raft/log_codec.hpp"

namespace waggle {

namespace codec = raft_log_codec;

namespace {

failure corrupt(std::string log) {
  failure f(ec::corrupt_data);
  f.log_text = "raft log: " + std::move(log);
  return f;
}

/// Commits handed out and not finished, per log, whoever began them. An owner that gives a storage up and opens the
/// same log again must not read it while the old one's write is still on its way: it would land on top of newer
/// entries.
class commits_under_way {
 public:
  using log = std::pair<const kv_store*, group_id>;
  static bool any(const log& which) {
    const std::lock_guard lock(mutex());
    return counts().contains(which);
  }
  /// Held by the work: gone when it has run, or when it never will.
  explicit commits_under_way(log which) : which_(which) {
    const std::lock_guard lock(mutex());
    ++counts()[which_];
  }
  ~commits_under_way() {
    const std::lock_guard lock(mutex());
    if (--counts()[which_] == 0) counts().erase(which_);
  }
  commits_under_way(const commits_under_way&) = delete;
  commits_under_way& operator=(const commits_under_way&) = delete;

 private:
  static std::mutex& mutex() {
    static std::mutex m;
    return m;
  }
  static std::map<log, int>& counts() {
    static std::map<log, int> c;
    return c;
  }
  const log which_;
};

}  // namespace

rocks_raft_storage::rocks_raft_storage(kv_store& kv, group_id group, executor run, before_trim prepare)
    : kv_(kv), group_(group), run_(std::move(run)), prepare_(std::move(prepare)), self_(std::make_shared<rocks_raft_storage*>(this)) {}

rocks_raft_storage::~rocks_raft_storage() = default;

void rocks_raft_storage::attach(raft_storage_listener* listener) {
  listener_ = listener;
  next_ = std::make_shared<commit>();
}

result<raft_loaded_state> rocks_raft_storage::load() {
  if (busy_ || commits_under_way::any({&kv_, group_}))
    return failure(ec::not_ready, "A write to the raft log is still under way.");
  raft_loaded_state state;
  std::string value;
  const auto hard_key = codec::key(group_, codec::kind::hard_state);
  auto found = kv_.get(kv_family::raft_log, hard_key, value);
  if (found.has_error()) return found.error();
  const bool has_hard_state = *found;
  if (has_hard_state) {
    auto hard = codec::decode_hard_state(hard_key, value);
    if (hard.has_error()) return hard.error();
    state.hard = *hard;
  }
  const auto snapshot_key = codec::key(group_, codec::kind::snapshot);
  found = kv_.get(kv_family::raft_log, snapshot_key, value);
  if (found.has_error()) return found.error();
  if (*found) {
    auto snapshot = codec::decode_snapshot(snapshot_key, value);
    if (snapshot.has_error()) return snapshot.error();
    state.first_index = snapshot->first_index;
    state.snapshot = std::move(*snapshot);
  }
  if (auto loaded = load_entries(state); loaded.has_error()) return loaded.error();
  if (!has_hard_state && (state.snapshot || !state.entries.empty())) return corrupt("hard state is missing");
  first_index_ = state.first_index;
  failed_ = false;
  return state;
}

result<void> rocks_raft_storage::load_entries(raft_loaded_state& state) const {
  auto expected = state.first_index;
  result<void> outcome;
  const auto take = [&](std::string_view key, std::string_view value) {
    const auto index = codec::entry_index(key);
    if (index != expected) {
      outcome = corrupt("entry " + std::to_string(expected) + " is missing, the next is " + std::to_string(index));
      return false;
    }
    auto entry = codec::decode_entry(key, value);
    if (entry.has_error()) {
      outcome = entry.error();
      return false;
    }
    state.entries.push_back(std::move(*entry));
    ++expected;
    return true;
  };
  auto scanned = kv_.scan(kv_family::raft_log, codec::key(group_, codec::kind::entry, state.first_index),
                          codec::entries_end(group_), take);
  return scanned.has_error() ? scanned : outcome;
}

result<void> rocks_raft_storage::set_hard_state(const raft_hard_state& hard) {
  kv_batch batch;
  const auto key = codec::key(group_, codec::kind::hard_state);
  batch.put(kv_family::raft_log, key, codec::encode(key, hard));
  return kv_.write(batch, kv_sync::yes);
}

result<void> rocks_raft_storage::bootstrap(const raft_hard_state& hard, const raft_record_view& first) {
  kv_batch batch;
  const auto hard_key = codec::key(group_, codec::kind::hard_state);
  const auto entry_key = codec::key(group_, codec::kind::entry, 1);
  batch.put(kv_family::raft_log, hard_key, codec::encode(hard_key, hard));
  batch.put(kv_family::raft_log, entry_key, codec::encode(entry_key, first));
  return kv_.write(batch, kv_sync::yes);
}

void rocks_raft_storage::append(std::uint64_t token, std::uint64_t first_index,
                                std::span<const raft_record_view> entries) {
  for (const auto& entry : entries) {
    const auto key = codec::key(group_, codec::kind::entry, first_index++);
    next_->batch.put(kv_family::raft_log, key, codec::encode(key, entry));
  }
  next_->sync = kv_sync::yes;
  next_->completions.push_back({token, false});
  start_commit();
}

void rocks_raft_storage::truncate(std::uint64_t from_index) {
  next_->batch.erase_range(kv_family::raft_log, codec::key(group_, codec::kind::entry, from_index),
                           codec::entries_end(group_));
}

void rocks_raft_storage::save_snapshot(std::uint64_t token, const raft_snapshot_descriptor& descriptor) {
  const auto key = codec::key(group_, codec::kind::snapshot);
  next_->batch.put(kv_family::raft_log, key, codec::encode(key, descriptor));
  next_->batch.erase_range(kv_family::raft_log, codec::key(group_, codec::kind::entry, first_index_),
                           codec::key(group_, codec::kind::entry, descriptor.first_index));
  first_index_ = descriptor.first_index;
  next_->trimmed_state = descriptor.state_index;
  next_->completions.push_back({token, true});
  start_commit();
}

void rocks_raft_storage::start_commit() {
  if (busy_ || failed_ || next_->completions.empty()) return;
  busy_ = true;
  const auto now = std::exchange(next_, std::make_shared<commit>());
  run_(
      [&kv = kv_, now, prepare = prepare_,
       under_way = std::make_shared<commits_under_way>(commits_under_way::log{&kv_, group_})]() -> result<void> {
        if (prepare && now->trimmed_state > 0)
          if (auto ready = prepare(now->trimmed_state); !ready) return ready;
        return kv.write(now->batch, now->sync);
      },
      [self = std::weak_ptr(self_), now](result<void> outcome) {
        if (const auto alive = self.lock()) (*alive)->finish_commit(*now, outcome);
      });
}

void rocks_raft_storage::finish_commit(const commit& done, const result<void>& outcome) {
  busy_ = false;
  if (outcome.has_error()) {
    // Whether it is on disk is unknown: nothing may follow until somebody has looked (load).
    failed_ = true;
    next_ = std::make_shared<commit>();
  }
  for (const auto& [token, snapshot] : done.completions) {
    if (!listener_) return;
    if (snapshot) {
      listener_->on_snapshot_done(token, outcome);
    } else {
      listener_->on_append_done(token, outcome);
    }
    if (outcome.has_error()) return;
  }
  start_commit();
}

}  // namespace waggle
