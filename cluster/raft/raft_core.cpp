#include "cluster/raft/raft_core.hpp"

#include <climits>

#include "cluster/raft/message_codec.hpp"
#include "cluster/raft/raft_driver.hpp"

namespace waggle {
namespace {

failure storage_is_corrupt(std::string log) {
  failure f(ec::corrupt_data);
  f.log_text = "raft log: " + std::move(log);
  return f;
}

/// What C-raft takes for granted (this build of it asserts nothing): checked before it sees the log.
result<void> check_loaded(const raft_loaded_state& state) {
  auto term = std::uint64_t{0};
  auto index = state.first_index;
  for (const auto& entry : state.entries) {
    if (entry.term == 0 || entry.term < term || entry.term > state.hard.term) {
      return storage_is_corrupt("entry " + std::to_string(index) + " has term " + std::to_string(entry.term));
    }
    term = entry.term;
    ++index;
  }
  if (!state.snapshot) {
    if (state.first_index != 1) return storage_is_corrupt("entry 1 is missing");
    if (!state.entries.empty() && state.entries[0].type != raft_record_type::change) {
      return storage_is_corrupt("entry 1 is no configuration");
    }
    return {};
  }
  const auto& snapshot = *state.snapshot;
  if (snapshot.index == 0 || snapshot.term == 0 || snapshot.first_index != state.first_index ||
      snapshot.state_index > snapshot.index || state.first_index == 0 || state.first_index > snapshot.index + 1 ||
      snapshot.members.empty()) {
    return storage_is_corrupt("the snapshot descriptor contradicts itself");
  }
  if (index <= snapshot.index) return storage_is_corrupt("entry " + std::to_string(index) + " is missing");
  if (state.first_index <= snapshot.index && state.entries[snapshot.index - state.first_index].term != snapshot.term) {
    return storage_is_corrupt("entry " + std::to_string(snapshot.index) + " contradicts the snapshot");
  }
  return {};
}

}  // namespace

// ---- what happens between calls into C-raft
// ---------------------------------------------------------------------------

void raft_core::impl::deliver(const completion& c) {
  ++depth;
  if (c.snapshot) {
    const auto done = *snapshot;
    snapshot.reset();
    window.trim_to(done.trim_index);
    done.request->cb(done.request, 0);
  } else {
    const auto done = appends.front();
    appends.pop_front();
    done.request->cb(done.request, 0);
  }
  --depth;
}

void raft_core::impl::settle() {
  if (depth > 0 || settling) return;
  settling = true;
  while (running) {
    if (!pending_failure && raft.state == RAFT_UNAVAILABLE) {
      pending_failure = failure::internal(std::string("raft: ") + raft_errmsg(&raft));
    }
    if (pending_failure) {
      failed = std::move(pending_failure);
      failed->log_text.insert(0, "group " + std::to_string(opts.group.value) + ": ");
      pending_failure.reset();
      close(*failed);
    } else if (!sent.empty()) {
      auto* request = sent.front();
      sent.pop_front();
      ++depth;
      if (request->cb) request->cb(request, 0);
      --depth;
    } else if (!completions.empty()) {
      const auto next = completions.front();
      completions.pop_front();
      deliver(next);
    } else if (!proposals.empty() && raft.state != RAFT_LEADER) {
      report_lost(failure(ec::no_quorum));
    } else {
      break;
    }
  }
  if (running) raft_set_snapshot_threshold(&raft, to_be_trimmed() ? 1 : UINT_MAX);
  settling = false;
}

void raft_core::impl::report_lost(const failure& why) {
  auto open = std::move(proposals);
  proposals.clear();
  for (const auto& [first, last] : open) lost(first, last, why);
}

void raft_core::impl::close(const failure& why) {
  running = false;
  storage.attach(nullptr);
  ++depth;
  raft_close(&raft, nullptr);  // its callback comes at once: io.close is synchronous
  --depth;
  report_lost(why);
}

// ---- start
// ------------------------------------------------------------------------------------------------------------

result<void> raft_core::impl::bootstrap() {
  auto members = opts.bootstrap;
  if (members.empty()) members.push_back({opts.self_id, opts.address, raft_role::voter});
  raft_configuration configuration;
  raft_buffer encoded{};
  const bool ok = to_craft(members, configuration) && raft_configuration_encode(&configuration, &encoded) == 0;
  raft_configuration_close(&configuration);
  if (!ok) return failure::internal("raft: the bootstrap configuration is not valid");
  raft_record first{1, raft_record_type::change, {static_cast<const char*>(encoded.base), encoded.len}};
  raft_free(encoded.base);
  loaded.hard = {1, 0};
  if (auto written = storage.bootstrap(loaded.hard, {first.term, first.type, first.data}); written.has_error()) {
    return written;
  }
  loaded.entries.push_back(std::move(first));
  return {};
}

/// A lone voter elects itself without a vote, in the old term. A term of its own for each core keeps entries apart that
/// two cores wrote at the same index: one that failed to reach the disk, and its successor.
result<void> raft_core::impl::open_new_term() {
  const auto members = from_craft(raft.configuration);
  const auto voters =
      std::count_if(members.begin(), members.end(), [](const raft_member& m) { return m.role == raft_role::voter; });
  if (raft.state != RAFT_LEADER || voters != 1) return {};
  const raft_hard_state next{raft.current_term + 1, opts.self_id};
  if (auto saved = storage.set_hard_state(next); saved.has_error()) return saved;
  hard = next;
  raft.current_term = next.term;
  raft.voted_for = next.voted_for;
  return {};
}

result<void> raft_core::impl::check_applied() const {
  if (!applied || restored <= *applied) return {};
  return storage_is_corrupt("it begins after command " + std::to_string(restored) +
                            ", but the state machine holds only " + std::to_string(*applied));
}

result<void> raft_core::impl::begin(raft_storage_listener* self) {
  if (opts.self_id == 0 || opts.address.empty() || opts.heartbeat_ms <= 0 ||
      opts.heartbeat_ms >= opts.election_timeout_ms || opts.log_memory_bytes_max == 0) {
    return failure::internal("raft: invalid options");
  }
  auto state = storage.load();
  if (state.has_error()) return state.error();
  loaded = std::move(*state);
  storage.attach(self);
  if (loaded.empty()) {
    if (auto begun = bootstrap(); begun.has_error()) return begun;
  }
  if (auto sound = check_loaded(loaded); sound.has_error()) return sound;
  if (loaded.snapshot) restored = last_command = loaded.snapshot->state_index;
  if (auto held = check_applied(); held.has_error()) return held;
  hard = loaded.hard;
  set_up_io();
  set_up_fsm();
  if (raft_init(&raft, &io, &fsm, opts.self_id, opts.address.c_str()) != 0) {
    return failure::internal(std::string("raft: init: ") + raft_errmsg(&raft));
  }
  raft_set_election_timeout(&raft, static_cast<unsigned>(opts.election_timeout_ms));
  raft_set_heartbeat_timeout(&raft, static_cast<unsigned>(opts.heartbeat_ms));
  raft_set_pre_vote(&raft, true);
  raft_set_snapshot_threshold(&raft, UINT_MAX);
  running = true;
  ++depth;
  const int code = raft_start(&raft);
  --depth;
  loaded = {};
  if (code != 0) return failure::internal(std::string("raft: start: ") + raft_strerror(code));
  return open_new_term();
}

// ---- the core
// ---------------------------------------------------------------------------------------------------------

raft_core::raft_core(options opts, raft_storage& storage, raft_transport& transport, const clock& time)
    : impl_(std::make_unique<impl>(std::move(opts), storage, transport, time)) {}

raft_core::~raft_core() { stop(); }

void raft_core::set_apply(apply_fn apply) { impl_->apply = std::move(apply); }
void raft_core::set_lost(lost_fn lost) { impl_->lost = std::move(lost); }

void raft_core::set_applied(std::uint64_t index) {
  auto& self = *impl_;
  const bool first = !self.applied;
  self.applied = std::max(self.applied.value_or(0), index);
  if (!first || !self.running) return;
  if (auto held = self.check_applied(); held.has_error()) {
    self.pending_failure = held.error();
    self.settle();
  }
}

result<void> raft_core::start() {
  auto& self = *impl_;
  if (self.running || self.failed) return failure::internal("raft: a core starts once");
  if (auto begun = self.begin(this); begun.has_error()) {
    self.failed = begun.error();
    if (self.running) {
      self.close(*self.failed);
    } else {
      self.storage.attach(nullptr);
    }
    return begun;
  }
  self.settle();
  if (self.failed) return *self.failed;
  return {};
}

void raft_core::stop() {
  if (impl_->running) impl_->close(failure(ec::shutting_down));
}

result<std::uint64_t> raft_core::propose(std::vector<std::string> entries) {
  auto& self = *impl_;
  if (self.failed) return *self.failed;
  if (!self.running) return failure(ec::shutting_down);
  if (self.depth > 0) return failure::internal("raft: proposed from inside apply");
  if (!self.leads()) return failure(ec::no_quorum);
  if (entries.empty() || entries.size() > limits::proposal_batch_entries_max) return failure(ec::validation_error);
  for (const auto& entry : entries) {
    if (entry.size() > limits::log_entry_bytes_max) return failure(ec::payload_too_large);
  }
  if (self.window.bytes() > 2 * self.opts.log_memory_bytes_max) return failure(ec::queue_full);

  std::vector<raft_buffer> buffers;
  for (const auto& entry : entries) buffers.push_back(copy_buffer(entry));
  const auto first = self.window.last_index() + 1;
  auto* request = new ::raft_apply_request{};
  int code = 0;
  self.enter([&] {
    code = raft_apply(&self.raft, request, buffers.data(), static_cast<unsigned>(buffers.size()),
                      [](struct raft_apply* done, int, void*) { delete done; });
    if (code == 0) self.proposals.push_back({first, first + entries.size() - 1});
  });
  if (code == 0) return first;
  delete request;
  for (auto& buffer : buffers) raft_free(buffer.base);
  return code == RAFT_NOTLEADER ? failure(ec::no_quorum)
                                : failure::internal(std::string("raft: apply: ") + raft_strerror(code));
}

void raft_core::tick() {
  auto& self = *impl_;
  if (!self.running) return;
  self.enter([&] { self.on_tick(&self.io); });
  // C-raft looks whether to take a snapshot only when something commits. A log that is too big while nothing does (or
  // that refuses proposals) gets a barrier to commit.
  if (!self.leads() || !self.to_be_trimmed() || self.snapshot || !self.appends.empty()) return;
  if (!self.worth_it(self.plan_trim(self.held_by_state_machine(self.raft.last_applied + 1)))) return;
  auto* request = new ::raft_barrier_request{};
  int code = 0;
  self.enter([&] { code = raft_barrier(&self.raft, request, [](struct raft_barrier* done, int) { delete done; }); });
  if (code != 0) delete request;
}

void raft_core::forget(std::uint64_t index) {
  impl_->forget_to = std::max(impl_->forget_to, index);
  impl_->settle();
}

result<void> raft_core::on_message(std::uint64_t peer, std::string_view message) {
  auto& self = *impl_;
  if (!self.running) return failure(ec::shutting_down);
  decoded_raft_message decoded;
  if (peer == 0 || peer == self.opts.self_id || !decoded.decode(peer, message)) return failure(ec::bad_request);
  self.enter([&] {
    decoded.release_entries();
    self.on_recv(&self.io, &decoded.message());
  });
  return {};
}

void raft_core::on_append_done(std::uint64_t token, result<void> done) {
  auto& self = *impl_;
  if (!self.running) return;
  std::size_t told = 0;  // completions of appends that C-raft doesn't know of yet
  for (const auto& c : self.completions) told += !c.snapshot;
  if (told >= self.appends.size() || self.appends[told].token != token) {
    self.pending_failure = failure::internal("raft: the storage completed appends out of order");
  } else if (done.has_error()) {
    self.pending_failure = done.error();
  } else {
    self.completions.push_back({token, false});
  }
  self.settle();
}

void raft_core::on_snapshot_done(std::uint64_t token, result<void> done) {
  auto& self = *impl_;
  if (!self.running || !self.snapshot || self.snapshot->token != token) return;
  if (done.has_error()) {
    self.pending_failure = done.error();
  } else {
    self.completions.push_back({token, true});
  }
  self.settle();
}

bool raft_core::running() const { return impl_->running; }
bool raft_core::failed() const { return impl_->failed.has_value(); }
const failure& raft_core::why_failed() const { return *impl_->failed; }
bool raft_core::is_leader() const { return impl_->leads(); }

bool raft_core::writing() const { return !impl_->appends.empty(); }

std::uint64_t raft_core::leader_id() const {
  if (!impl_->running) return 0;
  raft_id id = 0;
  const char* address = nullptr;
  raft_leader(&impl_->raft, &id, &address);
  return id;
}

std::uint64_t raft_core::term() const { return impl_->hard.term; }
std::uint64_t raft_core::commit_index() const { return impl_->raft.commit_index; }
std::uint64_t raft_core::last_applied() const { return impl_->raft.last_applied; }
std::uint64_t raft_core::first_index() const { return impl_->window.first_index(); }
std::uint64_t raft_core::last_index() const { return impl_->window.last_index(); }
std::size_t raft_core::log_bytes() const { return impl_->window.bytes(); }

}  // namespace waggle
