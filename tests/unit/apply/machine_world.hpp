#pragma once
// A state machine on a store of its own, and entries for it.
#include <doctest/doctest.h>

#include <filesystem>

#include "base/uuid.hpp"
#include "storage/apply/account.hpp"
#include "storage/apply/state_machine.hpp"
#include "storage/log/entry_codec.hpp"

namespace apply_test {

using namespace waggle;

class machine_world {
 public:
  /// `apart`: each tenant in a database of its own.
  explicit machine_world(bool apart = false)
      : apart_(apart), directory_(std::filesystem::temp_directory_path() / ("waggle-apply-" + new_uuid_v4())) {
    open();
  }
  ~machine_world() {
    machine_.reset();
    kv_.reset();
    std::filesystem::remove_all(directory_);
  }
  void reopen() {
    close();
    open();
  }
  void close() {
    machine_.reset();
    kv_.reset();
  }
  void open() {
    kv_store::options options;
    options.directory = directory_ / "_node" / "kv";
    if (apart_) options.tenants_root = directory_;
    auto kv = kv_store::open(options);
    REQUIRE(kv.has_value());
    kv_ = std::move(*kv);
    auto machine = state_machine::open(*kv_, group_id{});
    REQUIRE(machine.has_value());
    machine_ = std::move(*machine);
  }
  /// What is in the log comes again, as after a restart: all that the machine says it lacks, in one batch.
  applied_batch apply_again() {
    std::vector<committed_entry> again;
    for (const auto& e : log_)
      if (e.index > machine_->applied()) again.push_back(e);
    auto done = machine_->apply(again);
    REQUIRE(done.has_value());
    return std::move(*done);
  }
  applied_batch apply(std::vector<log_entry> entries) {
    std::vector<committed_entry> committed;
    for (auto& e : entries) committed.push_back({log_index(++index_), encode_entry(e)});
    last_ = committed;
    log_.insert(log_.end(), committed.begin(), committed.end());
    auto done = machine_->apply(committed);
    REQUIRE(done.has_value());
    return std::move(*done);
  }
  write_outcome one(log_entry e) {
    std::vector<log_entry> list;
    list.push_back(std::move(e));
    return apply(std::move(list)).outcomes.front();
  }
  shard_counters counters(const tenant_id& owner, collection_id c) {
    std::string bytes;
    auto found = kv_->get(kv_family::points, tenant_keyspace::of_verified_owner(owner).counters(c, shard_id{}), bytes);
    REQUIRE(found.has_value());
    if (!*found) return {};
    return *decode_counters(bytes);
  }
  kv_store& kv() { return *kv_; }
  state_machine& machine() { return *machine_; }
  const std::vector<committed_entry>& last() const { return last_; }
  const std::filesystem::path& directory() const { return directory_; }

 private:
  const bool apart_;
  const std::filesystem::path directory_;
  std::unique_ptr<kv_store> kv_;
  std::unique_ptr<state_machine> machine_;
  std::vector<committed_entry> last_;
  std::vector<committed_entry> log_;
  std::uint64_t index_ = 0;
};

inline tenant_id owner(int n) {
  tenant_id id;
  id.bytes[0] = static_cast<std::uint8_t>(n);
  return id;
}

inline log_entry entry(const tenant_id& who, collection_id c, operation op) {
  log_entry e;
  e.owner = who;
  e.collection = c;
  e.time_ms = 1000;
  e.parts.push_back({shard_id{}, {std::move(op)}});
  return e;
}

inline collection_id make(machine_world& w, const tenant_id& who, const std::string& name, std::uint32_t dimension = 2) {
  collection_config config;
  config.name = name;
  config.dimension = dimension;
  const auto out = w.one(entry(who, {}, create_collection_op{config}));
  REQUIRE(out.code == ec::ok);
  return out.collection->id;
}

inline tenant_record account(machine_world& w, const tenant_id& who) {
  auto found = load_account(write_overlay(w.kv()), who);
  REQUIRE(found.has_value());
  return found->value_or(tenant_record{});
}

inline point make_point(const std::string& id, float x, std::string payload = "") {
  point p;
  p.id = point_id::trusted(id, false);
  p.vector = {x, 1};
  p.payload = std::move(payload);
  return p;
}

inline upsert_points_op upsert(std::vector<point> points) {
  upsert_points_op op;
  op.points = std::move(points);
  return op;
}

}  // namespace apply_test
