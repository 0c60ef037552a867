#pragma once
// A raft_storage whose disk is a vector and whose writes complete when the test says so, oldest first.
#include <deque>
#include <functional>
#include <vector>

#include "base/clock.hpp"
#include "cluster/raft/raft_storage.hpp"

namespace waggle::test {

class manual_clock final : public clock {
 public:
  std::int64_t unix_ms() const override { return now_ms; }
  std::int64_t steady_us() const override { return now_ms * 1000; }
  std::int64_t now_ms = 1000;
};

class memory_storage final : public raft_storage {
 public:
  raft_loaded_state disk;  ///< what a crash leaves
  bool immediate = false;  ///< complete inside the call
  int hard_states_saved = 0;
  result<void> next_hard_state;  ///< what set_hard_state returns

  void attach(raft_storage_listener* listener) override {
    listener_ = listener;
    waiting_.clear();
  }
  result<raft_loaded_state> load() override { return disk; }
  result<void> set_hard_state(const raft_hard_state& hard) override {
    if (next_hard_state.has_error()) return next_hard_state;
    ++hard_states_saved;
    disk.hard = hard;
    return {};
  }
  result<void> bootstrap(const raft_hard_state& hard, const raft_record_view& first) override {
    disk.hard = hard;
    disk.entries = {{first.term, first.type, std::string(first.data)}};
    return {};
  }
  void append(std::uint64_t token, std::uint64_t first_index, std::span<const raft_record_view> entries) override {
    std::vector<raft_record> copy;
    for (const auto& e : entries) copy.push_back({e.term, e.type, std::string(e.data)});
    waiting_.push_back({token, false, [this, first_index, copy] {
                          disk.entries.resize(first_index - disk.first_index);
                          disk.entries.insert(disk.entries.end(), copy.begin(), copy.end());
                        }});
    if (immediate) complete();
  }
  void truncate(std::uint64_t from_index) override {
    waiting_.push_back({0, false, [this, from_index] {
                          if (from_index - disk.first_index < disk.entries.size()) {
                            disk.entries.resize(from_index - disk.first_index);
                          }
                        }});
  }
  void save_snapshot(std::uint64_t token, const raft_snapshot_descriptor& descriptor) override {
    ++snapshots_saved;
    waiting_.push_back({token, true, [this, descriptor] {
                          disk.entries.erase(disk.entries.begin(),
                                             disk.entries.begin() + (descriptor.first_index - disk.first_index));
                          disk.first_index = descriptor.first_index;
                          disk.snapshot = descriptor;
                        }});
    if (immediate) complete();
  }

  std::size_t waiting() const { return waiting_.size(); }
  int snapshots_saved = 0;

  /// The oldest write reaches the disk and is reported.
  void complete() {
    write now = take();
    now.persist();
    report(now, {});
  }
  void complete_all() {
    while (!waiting_.empty()) complete();
  }
  /// The oldest write fails; whether it reached the disk nobody knows but the test.
  void fail(bool reached_the_disk, failure why) {
    write now = take();
    if (reached_the_disk) now.persist();
    waiting_.clear();
    report(now, why);
  }
  /// Power loss: the first `surviving` waiting writes made it, unheard.
  void crash(std::size_t surviving) {
    listener_ = nullptr;
    for (; surviving > 0 && !waiting_.empty(); --surviving) take().persist();
    waiting_.clear();
  }
  /// Reports the second oldest write first: what no storage may do.
  void complete_out_of_order() {
    const auto token = waiting_.at(1).token;
    listener_->on_append_done(token, {});
  }

 private:
  struct write {
    std::uint64_t token;
    bool snapshot;
    std::function<void()> persist;
  };
  write take() {
    auto now = std::move(waiting_.front());
    waiting_.pop_front();
    return now;
  }
  void report(const write& w, const result<void>& outcome) {
    if (!listener_ || w.token == 0) return;
    if (w.snapshot) {
      listener_->on_snapshot_done(w.token, outcome);
    } else {
      listener_->on_append_done(w.token, outcome);
    }
  }
  raft_storage_listener* listener_ = nullptr;
  std::deque<write> waiting_;
};

}  // namespace waggle::test
