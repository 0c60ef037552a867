#include "actors/tenancy/tenant_state.hpp"

#include <algorithm>
#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <functional>
#include <map>
#include <set>

#include "actors/data/collection_state.hpp"
#include "actors/runtime/ask_actor.hpp"
#include "base/log.hpp"
#include "storage/apply/account.hpp"
#include "storage/apply/keyspace.hpp"
#include "storage/log/entry_codec.hpp"

namespace waggle {
namespace {
constexpr int inner_deadline_ms = limits::ask_deadline_ms_max;

/// Shows the tenant's account, which the group may not have touched since the node began.
void show_account(const node_services& node, const tenant_id& owner) {
  auto account = known_account(write_overlay(node.kv), owner);
  if (account) node.accounts.put_if_absent(owner, account->value_or(tenant_record{}));
}

/// Reads the catalog; deletes the directories of collections that are gone (a crash may have kept them).
result<std::vector<collection_record>> load_catalog(const kv_store& kv, const std::filesystem::path& directory,
                                                    const tenant_id& owner) {
  std::vector<collection_record> list;
  result<void> bad;
  const auto [begin, end] = tenant_keyspace::of_verified_owner(owner).catalog_range();
  auto scanned = kv.scan(kv_family::meta, begin, end, [&](std::string_view, std::string_view value) {
    auto record = decode_collection(value);
    if (record && record->owner == owner) {
      list.push_back(std::move(*record));
      return true;
    }
    bad = record ? failure(ec::corrupt_data) : record.error();
    return false;
  });
  if (!scanned) return scanned.error();
  if (!bad) return bad.error();
  std::set<std::string> known;
  for (const auto& record : list) known.insert(to_string(record.id));
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
    const auto name = entry.path().filename().string();
    if (name.size() == 16 && !known.contains(name)) std::filesystem::remove_all(entry.path(), ignored);
  }
  return list;
}

failure no_collection(const std::string& name) {
  return failure(ec::collection_not_found, "Collection '" + name + "' not found");
}

class tenant_state final : public tenant_actor::base, public tenanted {
 public:
  tenant_state(caf::actor_config& cfg, node_services& node, replication_group_actor group, const tenant_id& owner)
      : tenant_actor::base(cfg), tenanted(owner), node_(node), group_(std::move(group)), owner_(owner) {}

  behavior_type make_behavior() override {
    load();
    return {
        [this](const create_collection& m) { return when_loaded<write_outcome>([this, m](auto p) { create(m, p); }); },
        [this](const list_collections& m) {
          using readers = std::shared_ptr<const std::vector<std::shared_ptr<const collection_reader>>>;
          return when_loaded<readers>([this, m](auto p) { list(m, p); });
        },
        [this](const open_collection& m) -> caf::result<result<reader>> {
          ++uses_;
          if (auto ready = awake_reader(m)) return result<reader>(std::move(ready));
          return when_loaded<reader>([this, m](auto p) { pass_on<reader>(m.name, open_reader{m.who, m.views}, p); });
        },
        [this](const write_collection& m) {
          return when_loaded<write_outcome>([this, m](auto p) {
            if (by_name_.contains(m.name) || m.command->request_key.empty())
              pass_on<write_outcome>(m.name, write_points{m.who, m.command}, p);
            else
              ask_window(m, p);
          });
        },
        [this](const flush_collection& m) {
          return when_loaded<bool>([this, m](auto p) { pass_on<bool>(m.name, flush_points{m.who}, p); });
        },
        [this](const catalog_changed& m) -> result<bool> { return changed(*m.change); },
        [this](const hibernate&) { return sleep(); },
        [this](const close_door&) -> result<bool> { return closed_ = true; },
        [this](const look_at_idleness&) { look(); },
        [this](const tenant_loaded& m) { loaded(*m.catalog); },
    };
  }

  void on_exit() override {
    for (auto& [name, e] : by_name_)
      if (e.actor) caf::anon_send_exit(*e.actor, caf::exit_reason::user_shutdown);
    by_name_.clear();
    anon_send(group_, detach_tenant{owner_, address()});
  }

  const char* name() const override { return "tenant"; }

 private:
  using reader = std::shared_ptr<const collection_reader>;
  struct entry {
    std::shared_ptr<const collection_record> record;
    std::optional<collection_actor> actor;
    std::shared_ptr<const collection_reader> reader;  ///< the last one with views; it stays true until the record changes
  };

  /// Runs `act(promise)` now, or when the catalog is there.
  template <class Reply, class Act>
  caf::typed_response_promise<result<Reply>> when_loaded(Act act) {
    auto promise = make_response_promise<result<Reply>>();
    ++uses_;
    if (closed_) {
      promise.deliver(result<Reply>(failure(ec::tenant_not_found)));
      return promise;
    }
    auto run = [promise, act = std::move(act)](const failure* why) mutable {
      if (why)
        promise.deliver(result<Reply>(*why));
      else
        act(promise);
    };
    const failure shut(ec::tenant_unavailable);
    if (node_.kv.quarantined(owner_))
      run(&shut);
    else if (loaded_)
      run(nullptr);
    else
      waiting_.push_back(std::move(run));
    return promise;
  }

  void load() {
    ask_actor<bool>(
        this, group_, attach_tenant{owner_, tenant_actor(this)}, inner_deadline_ms,
        [this](bool) {
          auto fn = [&node = node_, owner = owner_, self = tenant_actor(this)] {
            show_account(node, owner);
            auto catalog = load_catalog(node.kv, node.data_dir / to_string(owner), owner);
            caf::anon_send(self, tenant_loaded{std::make_shared<decltype(catalog)>(std::move(catalog))});
          };
          node_.rt.submit_blocking(std::move(fn));
        },
        [this](const failure&) { delayed_send(this, std::chrono::seconds(1), tenant_loaded{nullptr}); });
  }

  void loaded(result<std::vector<collection_record>>& catalog) {
    if (!catalog) {
      log_event(log_level::error, "tenant", "the catalog can't be read",
                {{"tenant", to_string(owner_)}, {"why", catalog.error().log_text}});
      const failure why(ec::tenant_unavailable);
      for (auto& run : std::exchange(waiting_, {})) run(&why);
      quit(caf::exit_reason::unhandled_exception);
      return;
    }
    for (auto& record : *catalog) {
      auto shared = std::make_shared<const collection_record>(std::move(record));
      // What the group announced meanwhile is newer.
      if (!dropped_early_.contains(shared->id.value) && !ids_.contains(shared->id.value)) put(std::move(shared));
    }
    dropped_early_.clear();
    loaded_ = true;
    look();
    auto waiting = std::move(waiting_);
    for (auto& run : waiting) run(nullptr);
  }

  // ---- sleeping -----------------------------------------------------------------------------------------------------

  caf::typed_response_promise<result<bool>> sleep() {
    auto promise = make_response_promise<result<bool>>();
    if (!loaded_ || asking_ > 0) {
      promise.deliver(result<bool>(false));
      return promise;
    }
    std::vector<collection_actor> awake;
    for (const auto& [name, e] : by_name_)
      if (e.actor) awake.push_back(*e.actor);
    gather<bool>(this, awake, is_at_rest{}, inner_deadline_ms,
                 [this, promise, before = uses_](std::vector<result<bool>> replies) mutable {
                   const bool at_rest = uses_ == before && asking_ == 0 &&
                                        std::all_of(replies.begin(), replies.end(), [](const auto& r) { return r && *r; });
                   promise.deliver(result<bool>(at_rest));
                   if (at_rest) quit();
                 });
    return promise;
  }

  /// Four looks without a use between them: idle.
  void look() {
    if (node_.idle_hibernate_seconds <= 0) return;
    constexpr int looks = 4;
    quiet_looks_ = uses_ == uses_seen_ ? quiet_looks_ + 1 : 0;
    uses_seen_ = uses_;
    if (quiet_looks_ >= looks) sleep();
    delayed_send(this, std::chrono::milliseconds(std::chrono::seconds(node_.idle_hibernate_seconds)) / looks, look_at_idleness{});
  }

  void put(std::shared_ptr<const collection_record> record) {
    ids_[record->id.value] = record->config.name;
    auto& e = by_name_[record->config.name];
    e.record = std::move(record);
  }

  bool changed(const catalog_change& change) {
    const auto& record = change.record;
    entry kept;
    if (const auto it = ids_.find(record.id.value); it != ids_.end()) {
      auto node = by_name_.extract(it->second);
      if (!node.empty()) kept = std::move(node.mapped());
      ids_.erase(it);
    }
    if (kept.actor) anon_send(*kept.actor, catalog_changed{std::make_shared<const catalog_change>(change)});
    if (change.dropped) {
      if (!loaded_) dropped_early_.insert(record.id.value);
      if (!kept.actor) forget_files(record.id);
      return true;
    }
    kept.record = std::make_shared<const collection_record>(record);
    kept.reader = nullptr;
    ids_[record.id.value] = record.config.name;
    by_name_[record.config.name] = std::move(kept);
    return true;
  }

  void forget_files(collection_id id) {
    node_.rt.submit_blocking([directory = node_.data_dir / to_string(owner_) / to_string(id)] {
      std::error_code ignored;
      std::filesystem::remove_all(directory, ignored);
    });
  }

  /// ask_actor, counted: who waits for an answer doesn't sleep.
  template <class Reply, class Handle, class Request, class Ok, class Err>
  void ask_counted(const Handle& to, Request request, Ok ok, Err err) {
    ++asking_;
    ask_actor<Reply>(
        this, to, std::move(request), inner_deadline_ms,
        [this, ok = std::move(ok)](Reply& reply) mutable {
          --asking_;
          ok(reply);
        },
        [this, err = std::move(err)](const failure& why) mutable {
          --asking_;
          err(why);
        });
  }

  template <class Promise>
  void create(const create_collection& m, Promise promise) {
    log_entry e;
    e.owner = owner_;
    e.request = request_id_of(owner_, m.request_key);
    e.fingerprint = m.fingerprint;
    e.time_ms = node_.time.unix_ms();
    e.limits = m.limits;
    e.parts.push_back({shard_id{}, {create_collection_op{*m.config}}});
    ask_counted<write_outcome>(
        group_, propose{owner_, std::make_shared<std::string>(encode_entry(e)), true},
        [promise](write_outcome& outcome) mutable { promise.deliver(result<write_outcome>(std::move(outcome))); },
        [promise](const failure& why) mutable { promise.deliver(result<write_outcome>(why)); });
  }

  /// A retried delete or rename finds the name gone: the dedup window knows whether it was this request's doing.
  template <class Promise>
  void ask_window(const write_collection& m, Promise promise) {
    log_entry e;
    e.owner = owner_;
    e.request = request_id_of(owner_, m.command->request_key);
    e.fingerprint = m.command->fingerprint;
    e.time_ms = node_.time.unix_ms();
    ask_counted<write_outcome>(
        group_, propose{owner_, std::make_shared<std::string>(encode_entry(e)), false},
        [promise, name = m.name](write_outcome& outcome) mutable {
          promise.deliver(outcome.code == ec::ok ? result<write_outcome>(std::move(outcome))
                                                 : result<write_outcome>(no_collection(name)));
        },
        [promise](const failure& why) mutable { promise.deliver(result<write_outcome>(why)); });
  }

  template <class Promise>
  void list(const list_collections&, Promise promise) {
    auto readers = std::make_shared<std::vector<std::shared_ptr<const collection_reader>>>();
    for (const auto& [name, e] : by_name_) {
      // What is awake shows its index through its own reader; listing wakes nobody.
      readers->push_back(e.reader ? e.reader
                                  : std::make_shared<const collection_reader>(
                                        e.record, node_.kv, std::vector<std::shared_ptr<const view_cell>>{}));
    }
    promise.deliver(result<std::shared_ptr<const std::vector<std::shared_ptr<const collection_reader>>>>(readers));
  }

  /// The hot path of every search: one look-up once the collection is awake. Null: somebody else has to be asked.
  reader awake_reader(const open_collection& m) const {
    const bool serves = m.views && !closed_ && !node_.kv.quarantined(owner_);
    const auto it = serves ? by_name_.find(m.name) : by_name_.end();
    return it == by_name_.end() ? nullptr : it->second.reader;
  }

  template <class Reply, class Request, class Promise>
  void pass_on(const std::string& name, Request request, Promise promise) {
    const auto it = by_name_.find(name);
    if (it == by_name_.end()) {
      promise.deliver(result<Reply>(no_collection(name)));
      return;
    }
    auto& e = it->second;
    if (!e.actor) e.actor = spawn_collection(node_, group_, e.record);
    ask_counted<Reply>(
        *e.actor, std::move(request),
        [this, promise, name](Reply& reply) mutable {
          if constexpr (std::is_same_v<Reply, std::shared_ptr<const collection_reader>>) keep_reader(name, reply);
          promise.deliver(result<Reply>(std::move(reply)));
        },
        [promise](const failure& why) mutable { promise.deliver(result<Reply>(why)); });
  }

  void keep_reader(const std::string& name, const std::shared_ptr<const collection_reader>& reader) {
    const auto it = by_name_.find(name);
    if (it == by_name_.end() || !reader->has_views()) return;
    // The record may have changed while the collection answered.
    if (reader->record().updated_ms == it->second.record->updated_ms && reader->record().id == it->second.record->id)
      it->second.reader = reader;
  }

  node_services& node_;
  replication_group_actor group_;
  const tenant_id owner_;
  bool loaded_ = false;
  bool closed_ = false;
  std::size_t asking_ = 0;      ///< requests that the group or a collection has not answered yet
  std::uint64_t uses_ = 0;      ///< requests so far
  std::uint64_t uses_seen_ = 0;
  int quiet_looks_ = 0;
  std::map<std::string, entry> by_name_;
  std::unordered_map<std::uint64_t, std::string> ids_;
  std::set<std::uint64_t> dropped_early_;
  std::vector<std::function<void(const failure*)>> waiting_;  ///< null: go on
};

}  // namespace

tenant_actor spawn_tenant(node_services& node, replication_group_actor group, const tenant_id& owner) {
  return node.rt.system().spawn<tenant_state>(std::ref(node), std::move(group), owner);
}

}  // namespace waggle
