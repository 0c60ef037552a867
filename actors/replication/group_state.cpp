#include "actors/replication/group_state.hpp"

#include <algorithm>
#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <map>
#include <unordered_map>

#include "actors/replication/disk_guard.hpp"
#include "actors/replication/group_commit.hpp"
#include "actors/replication/write_queue.hpp"
#include "actors/runtime/ask_actor.hpp"
#include "base/log.hpp"
#include "cluster/raft/raft_core.hpp"
#include "cluster/raft/raft_transport.hpp"
#include "cluster/raft/rocks_raft_storage.hpp"
#include "storage/apply/state_machine.hpp"

namespace waggle {
namespace {
constexpr int tick_ms = 100;
constexpr int reopen_ms = 500;
constexpr int delta_deadline_ms = limits::ask_deadline_ms_max;

using write_reply = result<write_outcome>;
using write_promise = caf::typed_response_promise<write_reply>;
}  // namespace

/// Read from disk on the pool; used by the group's thread afterwards.
struct opened_group {
  result<void> status;
  std::unique_ptr<state_machine> machine;
};

namespace {

class group_state final : public replication_group_actor::base {
 public:
  group_state(caf::actor_config& cfg, node_services& node, group_id group, std::shared_ptr<group_status> status)
      : replication_group_actor::base(cfg),
        node_(node),
        group_(group),
        status_(std::move(status)),
        disk_(node.data_dir, node.time),
        gathering_(node.group_commit_us > 0, limits::proposal_batch_entries_max) {}

  behavior_type make_behavior() override {
    open();
    delayed_send(this, std::chrono::milliseconds(tick_ms), raft_tick{});
    return {
        [this](const propose& m) { return take(m); },
        [this](const attach_shard& m) -> result<bool> {
          shards_.insert_or_assign(m.key, m.shard);
          return true;
        },
        [this](const attach_tenant& m) -> result<bool> {
          tenants_.insert_or_assign(m.owner, m.tenant);
          return true;
        },
        [this](const detach_shard& m) {
          if (const auto it = shards_.find(m.key); it != shards_.end() && it->second.address() == m.shard) shards_.erase(it);
        },
        [this](const detach_tenant& m) {
          if (const auto it = tenants_.find(m.owner); it != tenants_.end() && it->second.address() == m.tenant) tenants_.erase(it);
        },
        [this](const forget_log&) { return forget(); },
        [this](const storage_done& m) {
          const bool was_writing = core_ && core_->writing();
          (*m.run)();
          if (was_writing && core_ && !core_->writing()) gathering_.stored(node_.time.steady_us());
          pump();
        },
        [this](const batch_applied& m) { applied(*m.outcome); },
        [this](const commit_window& m) {
          gathering_.end(m.number);
          pump();
        },
        [this](const raft_tick&) { tick(); },
        [this](const group_opened& m) {
          if (m.group)
            opened(*m.group);
          else
            open();
        },
    };
  }

  /// Tenants and shards hold the group, and the group them: without this none of them would be freed.
  void on_exit() override {
    shards_.clear();
    tenants_.clear();
  }

  const char* name() const override { return "replication_group"; }

 private:
  struct waiting_write {
    std::shared_ptr<std::string> entry;
    write_promise promise;
  };

  // ---- opening and failing ------------------------------------------------------------------------------------------

  void open() {
    auto fn = [&kv = node_.kv, group = group_, self = replication_group_actor(this)] {
      auto out = std::make_shared<opened_group>();
      if (kv.failed()) out->status = kv.resume();
      if (out->status) {
        auto machine = state_machine::open(kv, group);
        if (machine)
          out->machine = std::move(*machine);
        else
          out->status = machine.error();
      }
      caf::anon_send(self, group_opened{out});
    };
    if (!node_.rt.submit_blocking(std::move(fn))) retry_open();
  }

  void retry_open() { delayed_send(this, std::chrono::milliseconds(reopen_ms), group_opened{nullptr}); }

  void opened(opened_group& group) {
    if (!group.status) {
      not_opened(group.status.error());
      return;
    }
    machine_ = std::move(group.machine);
    ++generation_;
    auto executor = [this, generation = generation_](std::function<result<void>()> work,
                                                     std::function<void(result<void>)> done) {
      auto fn = [self = replication_group_actor(this), work = std::move(work), done = std::move(done), this,
                 generation] {
        auto outcome = work();
        auto run = std::make_shared<std::function<void()>>([this, generation, done, outcome = std::move(outcome)] {
          if (generation == generation_) done(outcome);
        });
        caf::anon_send(self, storage_done{std::move(run)});
      };
      // Refused work is answered like failed work, later and on this thread: the core must not end inside its own call.
      if (auto queued = node_.rt.submit_blocking(std::move(fn)); !queued)
        anon_send(replication_group_actor(this),
                  storage_done{std::make_shared<std::function<void()>>([this, generation, done, why = queued.error()] {
                    if (generation == generation_) done(why);
                  })});
    };
    auto durable = [&kv = node_.kv, group = group_](std::uint64_t upto) {
      return state_machine::make_durable(kv, group, log_index(upto));
    };
    storage_ = std::make_unique<rocks_raft_storage>(node_.kv, group_, std::move(executor), std::move(durable));
    raft_options options;
    options.group = group_;
    options.log_memory_bytes_max = limits::raft_log_memory_bytes_max;
    core_ = std::make_unique<raft_core>(options, *storage_, transport_, node_.time);
    core_->set_apply([this](std::uint64_t index, std::string_view data) {
      if (log_index(index) > machine_->applied()) to_apply_.push_back({log_index(index), std::string(data)});
    });
    core_->set_lost([this](std::uint64_t first, std::uint64_t last, const failure& why) {
      for (auto i = first; i <= last; ++i)
        if (auto node = in_log_.extract(i); !node.empty()) node.mapped().deliver(write_reply(unconfirmed(why)));
    });
    show_totals();
    core_->set_applied(machine_->applied().value);
    if (auto started = core_->start(); !started) {
      core_.reset();
      not_opened(started.error());
      return;
    }
    if (status_->failed) log_event(log_level::info, "group", "the store recovered; writes are accepted again");
    status_->failed = false;
    status_->disk_full = disk_.full();
    pump();
  }

  void not_opened(const failure& why) {
    // Somebody still holds the failed store; that ends.
    const bool news = why.code != ec::not_ready && (!status_->failed || why.code != failed_by_.code);
    if (news) {
      failed_by_ = why;
      log_event(log_level::error, "group", "the store refuses writes; trying again until it recovers",
                {{"why", why.log_text}});
    }
    show_failed();
    retry_open();
  }

  void show_failed() {
    status_->failed = true;
    status_->disk_full = failed_by_.code == ec::storage_full;
  }

  /// Nothing is acked from here on until the log and the store are read again from disk: the same path as at boot.
  void fail(const failure& why) {
    if (!core_) return;
    log_event(log_level::error, "group", "a log write failed; no write is acknowledged until the store recovers",
              {{"why", why.log_text}});
    status_->ready = false;
    failed_by_ = why;
    show_failed();
    ++generation_;
    core_.reset();
    storage_.reset();
    to_apply_.clear();
    auto lost = std::move(in_log_);
    for (auto& [index, promise] : lost) promise.deliver(write_reply(unconfirmed(why)));
    for (auto& w : pending_.take_all()) w.promise.deliver(write_reply(refusal(why)));
    for (auto& [upto, promise] : std::exchange(forgetting_, {})) promise.deliver(result<bool>(refusal(why)));
    if (!applying_) open();
  }

  static failure refusal(const failure& why) {
    if (why.code == ec::storage_full) return failure(ec::storage_full);
    failure f(ec::not_ready, "The node can't write now");
    f.retry_after_seconds = 1;
    return f;
  }
  static failure unconfirmed(const failure& why) {
    failure f = refusal(why);
    if (f.code != ec::storage_full)
      f.message = "The write could not be confirmed; it may have happened. Repeat it with the same request id";
    return f;
  }

  // ---- proposing ----------------------------------------------------------------------------------------------------

  write_promise take(const propose& m) {
    auto promise = make_response_promise<write_reply>();
    if (status_->failed) {
      promise.deliver(write_reply(refusal(failed_by_)));
      return promise;
    }
    if (m.grows && disk_.full()) {
      status_->disk_full = true;
      promise.deliver(write_reply(failure(ec::storage_full)));
      return promise;
    }
    status_->disk_full = disk_.full();
    const auto waiting = pending_.waiting(m.owner);
    if (waiting >= node_.write_queue_max || pending_.size() >= limits::write_queue_entries_all_max) {
      failure f(ec::queue_full);
      f.retry_after_seconds = node_.queue_retry_seconds;
      f.details = "{\"depth\":" + std::to_string(waiting) +
                  ",\"hard_limit\":" + std::to_string(node_.write_queue_max) +
                  ",\"retry_after_seconds\":" + std::to_string(f.retry_after_seconds) + "}";
      promise.deliver(write_reply(f));
      return promise;
    }
    pending_.push(m.owner, {m.entry, promise}, m.entry->size());
    gathering_.arrived(pending_.size() + in_log_.size(), node_.time.steady_us());
    pump();
    return promise;
  }

  /// Starts what can be started: a log write if none is out, an apply if none is out.
  void pump() {
    if (!core_) return;
    if (core_->failed()) {
      fail(core_->why_failed());
      return;
    }
    if (!core_->writing() && !pending_.empty() && enough_gathered()) append();
    status_->waiting = pending_.size();
    if (core_) start_apply();
    if (core_) {
      status_->log_bytes = core_->log_bytes();
      status_->term = core_->term();
      if (core_->is_leader() && to_apply_.empty() && !applying_) status_->ready = true;
    }
  }

  bool enough_gathered() {
    if (!core_->is_leader()) return false;
    if (gathering_.enough(pending_.size())) return true;
    if (const auto window = gathering_.open())
      delayed_send(this, std::chrono::microseconds(node_.group_commit_us), commit_window{*window});
    return false;
  }

  void append() {
    gathering_.began(pending_.size() + in_log_.size(), node_.time.steady_us());
    std::vector<std::string> batch;
    std::vector<write_promise> promises;
    for (auto& w : pending_.take(limits::proposal_batch_entries_max, limits::proposal_batch_bytes_max)) {
      batch.push_back(std::move(*w.entry));
      promises.push_back(std::move(w.promise));
    }
    ++status_->batches;
    status_->entries += batch.size();
    auto first = core_->propose(std::move(batch));
    if (!first) {
      for (auto& p : promises) p.deliver(write_reply(refusal(first.error())));
      return;
    }
    for (std::size_t i = 0; i < promises.size(); ++i) in_log_.emplace(*first + i, std::move(promises[i]));
  }

  caf::typed_response_promise<result<bool>> forget() {
    auto promise = make_response_promise<result<bool>>();
    if (!core_) {
      promise.deliver(result<bool>(refusal(failed_by_)));
      return promise;
    }
    const auto upto = machine_->applied().value;
    core_->forget(upto);
    forgetting_.emplace_back(upto, promise);
    return promise;
  }

  void tell_forgotten() {
    std::erase_if(forgetting_, [this](auto& waiting) {
      if (core_->first_index() <= waiting.first) return false;
      waiting.second.deliver(result<bool>(true));
      return true;
    });
  }

  // ---- applying -----------------------------------------------------------------------------------------------------

  void start_apply() {
    if (applying_ || to_apply_.empty()) return;
    applying_ = true;
    applied_indexes_.clear();
    auto entries = std::make_shared<std::vector<committed_entry>>(std::move(to_apply_));
    to_apply_.clear();
    for (const auto& e : *entries) applied_indexes_.push_back(e.index);
    auto fn = [machine = machine_.get(), entries, self = replication_group_actor(this)] {
      caf::anon_send(self, batch_applied{std::make_shared<result<applied_batch>>(machine->apply(*entries))});
    };
    if (auto queued = node_.rt.submit_blocking(std::move(fn)); !queued) {
      applying_ = false;
      fail(queued.error());
    }
  }

  void applied(result<applied_batch>& batch) {
    applying_ = false;
    if (batch) node_.take_records(batch->records);
    if (!core_) {
      // Failed meanwhile: the log still has what was applied or not; opening reads it.
      open();
      return;
    }
    if (!batch) {
      log_event(log_level::error, "group", "applying failed", {{"why", batch.error().log_text}});
      fail(batch.error());
      return;
    }
    show_totals();
    for (auto& change : batch->accounts) node_.accounts.put(change.owner, std::move(change.account));
    core_->set_applied(machine_->applied().value);
    tell_and_answer(std::move(*batch));
    pump();
  }

  /// The writers are answered when every live shard and catalog has taken its part.
  void tell_and_answer(applied_batch batch) {
    struct answering {
      explicit answering(group_state& owner) : group(owner) {}
      group_state& group;
      std::vector<std::pair<write_promise, write_outcome>> answers;
      std::size_t missing = 1;
      void one_done() {
        if (--missing > 0) return;
        group.gathering_.answered(answers.size(), group.node_.time.steady_us());
        for (auto& [promise, outcome] : answers) promise.deliver(write_reply(std::move(outcome)));
      }
    };
    auto all = std::make_shared<answering>(*this);
    for (std::size_t i = 0; i < batch.outcomes.size(); ++i)
      if (auto node = in_log_.extract(applied_indexes_[i].value); !node.empty())
        all->answers.emplace_back(std::move(node.mapped()), std::move(batch.outcomes[i]));
    const auto ok = [all](bool) { all->one_done(); };
    const auto err = [all](const failure&) { all->one_done(); };
    for (auto& change : batch.catalog) {
      const auto tenant = tenants_.find(change.record.owner);
      if (tenant == tenants_.end()) continue;
      ++all->missing;
      ask_actor<bool>(this, tenant->second,
                      catalog_changed{std::make_shared<const catalog_change>(std::move(change))}, delta_deadline_ms, ok,
                      err);
    }
    for (auto& delta : batch.shards) {
      const auto shard = shards_.find(delta.key);
      if (shard == shards_.end()) continue;
      ++all->missing;
      ask_actor<bool>(this, shard->second, apply_delta{std::make_shared<shard_delta>(std::move(delta))},
                      delta_deadline_ms, ok, err);
    }
    all->one_done();
  }

  void show_totals() {
    status_->applied = machine_->applied().value;
    status_->collections = machine_->totals().collections;
    status_->points = machine_->totals().points;
  }

  void tick() {
    // Not only the group writes: a manifest, a flush or a compaction may have met the failure.
    if (core_ && node_.kv.failed()) {
      failure why(ec::io_error);
      why.log_text = "the store failed in the background";
      fail(why);
    }
    if (core_) {
      core_->tick();
      tell_forgotten();
      pump();
    }
    delayed_send(this, std::chrono::milliseconds(tick_ms), raft_tick{});
  }

  node_services& node_;
  const group_id group_;
  std::shared_ptr<group_status> status_;
  disk_guard disk_;
  no_transport transport_;
  std::unique_ptr<rocks_raft_storage> storage_;
  std::unique_ptr<raft_core> core_;
  std::unique_ptr<state_machine> machine_;
  failure failed_by_;
  std::uint64_t generation_ = 0;  ///< completions of an earlier core are ignored

  write_queue<waiting_write> pending_;
  std::map<std::uint64_t, write_promise> in_log_;
  group_commit gathering_;
  std::vector<std::pair<std::uint64_t, caf::typed_response_promise<result<bool>>>> forgetting_;

  std::vector<committed_entry> to_apply_;
  std::vector<log_index> applied_indexes_;
  bool applying_ = false;

  std::map<shard_key, shard_actor> shards_;
  std::unordered_map<tenant_id, tenant_actor> tenants_;
};

}  // namespace

replication_group_actor spawn_replication_group(node_services& node, group_id group,
                                                std::shared_ptr<group_status> status) {
  return node.rt.system().spawn<group_state>(std::ref(node), group, std::move(status));
}

}  // namespace waggle
