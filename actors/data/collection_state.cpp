#include "actors/data/collection_state.hpp"

#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/data/shard_state.hpp"
#include "actors/data/write_split.hpp"
#include "actors/runtime/ask_actor.hpp"
#include "base/checksum.hpp"
#include "base/text_out.hpp"
#include "storage/log/entry_codec.hpp"

namespace waggle {
namespace {
constexpr int inner_deadline_ms = limits::ask_deadline_ms_max;
constexpr std::size_t history_minutes_max = 60;

class collection_state final : public collection_actor::base, public tenanted {
 public:
  collection_state(caf::actor_config& cfg, node_services& node, replication_group_actor group,
                   std::shared_ptr<const collection_record> record)
      : collection_actor::base(cfg),
        tenanted(record->owner),
        node_(node),
        group_(std::move(group)),
        record_(std::move(record)),
        shards_(record_->config.shard_count),
        cells_(record_->config.shard_count) {}

  behavior_type make_behavior() override {
    return {
        [this](const open_reader& m) { return open(m.who, m.views); },
        [this](const write_points& m) {
          keep_awake(m.who);
          return write(m.command);
        },
        [this](const flush_points& m) { return flush(m.who); },
        [this](const is_at_rest&) { return rest(); },
        [this](const catalog_changed& m) { changed(*m.change); },
    };
  }

  /// Dropped shards end by themselves, once they have let go of their files.
  void on_exit() override {
    for (auto& s : shards_)
      if (s && !dropped_) caf::anon_send_exit(*s, caf::exit_reason::user_shutdown);
    shards_.clear();
  }

  const char* name() const override { return "collection"; }

 private:
  using reader_reply = result<std::shared_ptr<const collection_reader>>;
  using write_reply = result<write_outcome>;

  shard_actor shard(std::size_t i) {
    if (!shards_[i])
      shards_[i] = spawn_shard(node_, group_, record_, shard_id(static_cast<std::uint32_t>(i)));
    return *shards_[i];
  }

  std::shared_ptr<const collection_reader> make_reader() {
    return std::make_shared<collection_reader>(record_, node_.kv, cells_, history_);
  }

  caf::typed_response_promise<reader_reply> open(const tenant_context& who, bool views) {
    auto promise = make_response_promise<reader_reply>();
    bool awake = true;
    for (const auto& cell : cells_) awake &= cell != nullptr;
    if (!views || awake) {
      promise.deliver(reader_reply(make_reader()));
      return promise;
    }
    std::vector<shard_actor> all;
    for (std::size_t i = 0; i < shards_.size(); ++i) all.push_back(shard(i));
    gather<std::shared_ptr<const view_cell>>(
        this, all, wake_shard{who}, inner_deadline_ms,
        [this, promise](std::vector<result<std::shared_ptr<const view_cell>>> replies) mutable {
          for (std::size_t i = 0; i < replies.size(); ++i) {
            if (!replies[i]) {
              promise.deliver(reader_reply(replies[i].error()));
              return;
            }
            cells_[i] = std::move(*replies[i]);
          }
          promise.deliver(reader_reply(make_reader()));
        });
    return promise;
  }

  /// What is written to is kept in memory from the first write on: its segments are built while data comes in, and the
  /// first search finds them.
  void keep_awake(const tenant_context& who) {
    if (waking_ || std::all_of(cells_.begin(), cells_.end(), [](const auto& cell) { return cell != nullptr; })) return;
    waking_ = true;
    std::vector<shard_actor> all;
    for (std::size_t i = 0; i < shards_.size(); ++i) all.push_back(shard(i));
    gather<std::shared_ptr<const view_cell>>(
        this, all, wake_shard{who}, inner_deadline_ms,
        [this](std::vector<result<std::shared_ptr<const view_cell>>> replies) {
          waking_ = false;
          for (std::size_t i = 0; i < replies.size(); ++i)
            if (replies[i]) cells_[i] = std::move(*replies[i]);
        });
  }

  caf::typed_response_promise<write_reply> write(const std::shared_ptr<write_command>& command) {
    auto promise = make_response_promise<write_reply>();
    log_entry entry;
    entry.owner = record_->owner;
    entry.collection = record_->id;
    entry.request = request_id_of(record_->owner, command->request_key);
    entry.fingerprint = command->fingerprint;
    entry.time_ms = node_.time.unix_ms();
    entry.limits = command->limits;
    const bool growing = grows(command->ops);
    auto split = split_write(std::move(*command), record_->config.shard_count);
    if (split.parts.empty()) {
      promise.deliver(write_reply(write_outcome{}));
      return promise;
    }
    entry.parts = std::move(split.parts);
    ++writing_;
    auto settle = [this, promise](write_reply reply) mutable {
      --writing_;
      note_count();
      promise.deliver(std::move(reply));
      if (dropped_ && writing_ == 0) quit();
    };
    ask_actor<write_outcome>(
        this, group_, propose{record_->owner, std::make_shared<std::string>(encode_entry(entry)), growing},
        inner_deadline_ms,
        [settle, places = std::move(split.places)](write_outcome& outcome) mutable {
          if (outcome.code == ec::ok) restore_order(outcome, places);
          settle(write_reply(std::move(outcome)));
        },
        [this, settle](failure why) mutable {
          if (why.code == ec::queue_full) name_collection(why);
          settle(write_reply(why));
        });
    return promise;
  }

  /// QUEUE_FULL's details name the collection; the group, which counts, doesn't know it.
  void name_collection(failure& f) const {
    std::string details = "{\"collection\":";
    append_json_string(details, record_->config.name);
    details += f.details.size() > 2 ? "," + f.details.substr(1) : "}";
    f.details = std::move(details);
  }

  caf::typed_response_promise<result<bool>> flush(const tenant_context& who) {
    auto promise = make_response_promise<result<bool>>();
    std::vector<shard_actor> all;
    for (std::size_t i = 0; i < shards_.size(); ++i) all.push_back(shard(i));
    gather<std::shared_ptr<const view_cell>>(
        this, all, wake_shard{who}, inner_deadline_ms, [this, promise, who, all](auto replies) mutable {
          for (std::size_t i = 0; i < replies.size(); ++i)
            if (replies[i]) cells_[i] = *replies[i];
          gather<bool>(this, all, flush_shard{who}, inner_deadline_ms,
                       [promise](std::vector<result<bool>> flushed) mutable {
                         for (const auto& f : flushed)
                           if (!f) {
                             promise.deliver(result<bool>(f.error()));
                             return;
                           }
                         promise.deliver(result<bool>(true));
                       });
        });
    return promise;
  }

  caf::typed_response_promise<result<bool>> rest() {
    auto promise = make_response_promise<result<bool>>();
    if (writing_ > 0 || waking_) {
      promise.deliver(result<bool>(false));
      return promise;
    }
    std::vector<shard_actor> awake;
    for (const auto& s : shards_)
      if (s) awake.push_back(*s);
    gather<bool>(this, awake, is_at_rest{}, inner_deadline_ms, [promise](std::vector<result<bool>> replies) mutable {
      promise.deliver(result<bool>(std::all_of(replies.begin(), replies.end(), [](const auto& r) { return r && *r; })));
    });
    return promise;
  }

  void changed(const catalog_change& change) {
    record_ = std::make_shared<const collection_record>(change.record);
    if (!change.dropped) return;
    for (auto& s : shards_)
      if (s) anon_send(*s, drop_shard{});
    // Collection ids are never used again, so nothing else can live there.
    node_.rt.submit_blocking([directory = shard_directory(node_, {record_->owner, record_->id, shard_id{}}).parent_path()] {
      std::error_code ignored;
      std::filesystem::remove_all(directory, ignored);
    });
    // The write that dropped it is still to be answered.
    dropped_ = true;
    if (writing_ == 0) quit();
  }

  /// One sample a minute, the last hour's.
  void note_count() {
    const auto now = node_.time.unix_ms();
    std::uint64_t count = 0;
    for (const auto& cell : cells_) {
      const auto view = cell ? cell->view() : nullptr;
      if (!view) return;  // asleep: not known without reading the disk
      count += view->live_count();
    }
    auto list = history_ ? std::make_shared<count_history>(*history_) : std::make_shared<count_history>();
    if (!list->empty() && list->back().first / 60000 == now / 60000)
      list->back().second = count;
    else
      list->emplace_back(now, count);
    if (list->size() > history_minutes_max) list->erase(list->begin());
    history_ = std::move(list);
  }

  node_services& node_;
  replication_group_actor group_;
  std::shared_ptr<const collection_record> record_;
  std::vector<std::optional<shard_actor>> shards_;
  std::vector<std::shared_ptr<const view_cell>> cells_;
  std::shared_ptr<const count_history> history_;
  bool waking_ = false;
  bool dropped_ = false;
  std::size_t writing_ = 0;  ///< writes not answered yet
};

}  // namespace

collection_actor spawn_collection(node_services& node, replication_group_actor group,
                                  std::shared_ptr<const collection_record> record) {
  return node.rt.system().spawn<collection_state>(std::ref(node), std::move(group), std::move(record));
}

request_id request_id_of(const tenant_id& owner, std::string_view key) {
  request_id id;
  if (key.empty()) return id;
  std::string text(reinterpret_cast<const char*>(owner.bytes.data()), owner.bytes.size());
  text += key;
  const auto digest = sha256(text);
  std::copy_n(digest.begin(), id.bytes.size(), id.bytes.begin());
  return id;
}

}  // namespace waggle
