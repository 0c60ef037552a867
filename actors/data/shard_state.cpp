#include "actors/data/shard_state.hpp"

#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/runtime/ask_actor.hpp"
#include "base/log.hpp"

namespace waggle {
namespace {
constexpr int build_backoff_ms = 5000;

class shard_state final : public shard_actor::base, public tenanted {
 public:
  shard_state(caf::actor_config& cfg, node_services& node, replication_group_actor group,
              std::shared_ptr<const collection_record> record, shard_id shard)
      : shard_actor::base(cfg),
        tenanted(record->owner),
        node_(node),
        group_(std::move(group)),
        record_(std::move(record)),
        key_{record_->owner, record_->id, shard},
        cell_(std::make_shared<view_cell>()) {}

  behavior_type make_behavior() override {
    return {
        [this](const wake_shard&) { return wake(); },
        [this](const flush_shard&) { return flush(); },
        [this](const apply_delta& m) { return take(m.delta); },
        [this](const is_at_rest&) -> result<bool> {
          resting_ = !building_ && phase_ != phase::loading;
          return resting_;
        },
        [this](const drop_shard&) { drop(); },
        [this](const shard_loaded& m) { loaded(*m.shard); },
        [this](const segment_built& m) { built(*m.build); },
        [this](const manifest_recorded& m) { recorded(*m.manifest); },
        [this](const look_for_builds&) { look(); },
    };
  }

  /// Whoever still searches keeps the last view; a dropped shard has taken it away.
  void on_exit() override {
    core_.reset();
    node_.index.replace(figures_, {});
    anon_send(group_, detach_shard{key_, address()});
  }

  const char* name() const override { return "shard"; }

 private:
  using wake_reply = result<std::shared_ptr<const view_cell>>;
  enum class phase { asleep, loading, awake };

  caf::typed_response_promise<wake_reply> wake() {
    auto promise = make_response_promise<wake_reply>();
    resting_ = false;
    if (phase_ == phase::awake) {
      promise.deliver(wake_reply(cell_));
      return promise;
    }
    waiting_.push_back(promise);
    if (phase_ == phase::asleep) load();
    return promise;
  }

  /// Deltas first: what the group applies from now on reaches this mailbox, what it applied before is in the store.
  void load() {
    phase_ = phase::loading;
    if (building_) return;  // a build of the memory that is given up must not end beside the new one: build_over()
    ask_actor<bool>(
        this, group_, attach_shard{key_, shard_actor(this)}, limits::ask_deadline_ms_max,
        [this](bool) {
          auto fn = [&kv = node_.kv, config = config(), self = shard_actor(this)] {
            caf::anon_send(self, shard_loaded{std::make_shared<loaded_shard>(load_shard(kv, config))});
          };
          if (auto queued = node_.rt.submit_blocking(std::move(fn)); !queued) loading_failed(queued.error());
        },
        [this](const failure& why) { loading_failed(why); });
  }

  shard_config config() const {
    const auto& c = record_->config;
    shard_config config;
    config.key = key_;
    config.measure = c.measure;
    config.dimension = c.dimension;
    config.hnsw = c.hnsw;
    config.directory = shard_directory(node_, key_).string();
    return config;
  }

  void loading_failed(const failure& why) {
    log_event(log_level::error, "shard", "rows can't be loaded",
              {{"tenant", to_string(key_.owner)}, {"collection", to_string(key_.collection)}, {"why", why.log_text}});
    phase_ = phase::asleep;
    cell_->degraded = true;
    anon_send(group_, detach_shard{key_, address()});
    for (auto& p : waiting_) p.deliver(wake_reply(failure(ec::tenant_unavailable, "The collection can't be read now")));
    waiting_.clear();
    for (auto& [delta, promise] : early_) promise.deliver(result<bool>(true));
    early_.clear();
  }

  void loaded(loaded_shard& shard) {
    if (!shard.status) {
      loading_failed(shard.status.error());
      return;
    }
    node_.index.segments_rejected += shard.rejected;
    core_ = std::move(shard.core);
    loaded_to_ = shard.loaded_to;
    phase_ = phase::awake;
    cell_->degraded = false;
    auto early = std::move(early_);
    for (auto& [delta, promise] : early) {
      if (!apply(*delta)) log_event(log_level::error, "shard", "a change is missing in memory until the next restart");
    }
    publish();
    for (auto& [delta, promise] : early) promise.deliver(result<bool>(true));
    for (auto& p : waiting_) p.deliver(wake_reply(cell_));
    waiting_.clear();
    look();
  }

  caf::typed_response_promise<result<bool>> take(const std::shared_ptr<shard_delta>& delta) {
    auto promise = make_response_promise<result<bool>>();
    resting_ = false;
    cell_->changed_ms = node_.time.unix_ms();
    if (phase_ == phase::loading) {
      early_.emplace_back(delta, promise);
    } else if (phase_ == phase::asleep) {
      promise.deliver(result<bool>(true));  // the store has it; the next wake-up reads it
    } else {
      if (!apply(*delta)) {
        early_.emplace_back(std::make_shared<shard_delta>(), promise);
        load();
        return promise;
      }
      publish();
      promise.deliver(result<bool>(true));
      look();
    }
    return promise;
  }

  bool apply(shard_delta& delta) {
    for (auto& r : delta.rows) {
      if (r.seq <= loaded_to_) continue;
      if (auto done = core_->insert(std::move(r)); !done) return diverged(done.error());
    }
    for (const auto& t : delta.tombstones) {
      if (t.at <= loaded_to_) continue;
      if (auto done = core_->erase(t.victim, t.at); !done) return diverged(done.error());
    }
    return true;
  }

  /// Memory and store disagree: memory is the copy, so it is read again. Searches keep the last good view meanwhile.
  bool diverged(const failure& why) {
    log_event(log_level::error, "shard", "memory differs from the store; reading it again",
              {{"tenant", to_string(key_.owner)}, {"collection", to_string(key_.collection)}, {"why", why.log_text}});
    cell_->degraded = true;
    return false;
  }

  void look() {
    if (phase_ != phase::awake || building_ || resting_) return;
    auto job = core_->next_job();
    note_build(job.has_value());
    if (!job) {
      for (auto& p : flushing_) p.deliver(result<bool>(true));
      flushing_.clear();
      return;
    }
    building_ = true;
    node_.builds.submit([&node = node_, job = std::move(*job), self = shard_actor(this)] {
      const auto begun = node.time.steady_us();
      auto outcome = job.run(node.builds.cancelled());
      if (outcome) node.index.built(static_cast<double>(node.time.steady_us() - begun) / 1e6);
      caf::anon_send(self, segment_built{std::make_shared<finished_build>(job.target().range, std::move(outcome))});
    });
  }

  void note_build(bool due) {
    if (cell_->indexing == due) return;
    (due ? cell_->build_began_ms : cell_->build_ended_ms) = node_.time.unix_ms();
    if (due) cell_->build_errors = 0;
    cell_->indexing = due;
  }

  /// True when a load was waiting for this build or its manifest; it begins.
  bool build_over() {
    building_ = false;
    if (phase_ == phase::loading) load();
    return phase_ != phase::awake;
  }

  void build_failed() {
    core_->give_up();
    if (!node_.builds.cancelled()) delayed_send(this, std::chrono::milliseconds(build_backoff_ms), look_for_builds{});
  }

  void built(finished_build& build) {
    if (phase_ != phase::awake) {
      build_over();
      return;
    }
    if (!build.outcome) {
      building_ = false;
      if (build.outcome.error().code != ec::shutting_down)
        log_event(log_level::warn, "shard", "a segment could not be built; it is tried again",
                  {{"tenant", to_string(key_.owner)}, {"collection", to_string(key_.collection)},
                   {"why", build.outcome.error().log_text}});
      ++cell_->build_errors;
      build_failed();
      return;
    }
    manifest_update update{key_, core_->config().directory, {}, build.range, build.outcome->file};
    core_->install(std::move(*build.outcome));
    publish();
    update.manifest = core_->manifest();
    auto fn = [&kv = node_.kv, update = std::move(update), self = shard_actor(this)] {
      caf::anon_send(self, manifest_recorded{std::make_shared<recorded_manifest>(record_manifest(kv, update))});
    };
    if (!node_.rt.submit_blocking(std::move(fn))) building_ = false;
  }

  void recorded(recorded_manifest& manifest) {
    if (core_) core_->forget_obsolete(manifest.deleted);
    if (!build_over()) look();
  }

  caf::typed_response_promise<result<bool>> flush() {
    auto promise = make_response_promise<result<bool>>();
    resting_ = false;
    if (phase_ != phase::awake) {
      promise.deliver(result<bool>(true));
      return promise;
    }
    core_->freeze();
    flushing_.push_back(promise);
    look();
    return promise;
  }

  /// The newest view for the searchers, and its figures for the metrics.
  void publish() {
    auto view = core_ ? core_->publish() : nullptr;
    index_figures::points now{};
    if (view)
      for (const auto& part : view->parts())
        now[static_cast<std::size_t>(part.rows->file() ? index_kind::sealed_rows : index_kind::mutable_rows)] +=
            static_cast<std::int64_t>(part.live);
    node_.index.replace(figures_, now);
    cell_->publish(std::move(view));
  }

  void drop() {
    core_.reset();
    publish();
    quit();
  }

  node_services& node_;
  replication_group_actor group_;
  std::shared_ptr<const collection_record> record_;
  const shard_key key_;
  std::shared_ptr<view_cell> cell_;
  phase phase_ = phase::asleep;
  std::unique_ptr<shard_core> core_;
  index_figures::points figures_{};  ///< what `node_.index` counts of this shard
  seq_no loaded_to_;
  bool building_ = false;
  bool resting_ = false;  ///< it may be ended any moment
  std::vector<caf::typed_response_promise<wake_reply>> waiting_;
  std::vector<caf::typed_response_promise<result<bool>>> flushing_;
  std::vector<std::pair<std::shared_ptr<shard_delta>, caf::typed_response_promise<result<bool>>>> early_;
};

}  // namespace

shard_actor spawn_shard(node_services& node, replication_group_actor group,
                        std::shared_ptr<const collection_record> record, shard_id shard) {
  return node.rt.system().spawn<shard_state>(std::ref(node), std::move(group), std::move(record), shard);
}

}  // namespace waggle
