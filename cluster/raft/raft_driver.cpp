// raft_core's callbacks for C-raft: storage, transport, time and state machine behind raft_io and raft_fsm.
#include "cluster/raft/raft_driver.hpp"

#include <climits>
#include <cstring>

#include "cluster/raft/message_codec.hpp"

namespace waggle {

raft_buffer copy_buffer(std::string_view data) {
  raft_buffer buffer{raft_malloc(std::max<std::size_t>(data.size(), 1)), data.size()};
  if (buffer.base && !data.empty()) std::memcpy(buffer.base, data.data(), data.size());
  return buffer;
}

bool to_craft(const std::vector<raft_member>& members, raft_configuration& out) {
  raft_configuration_init(&out);
  for (const auto& member : members) {
    if (raft_configuration_add(&out, member.id, member.address.c_str(), static_cast<int>(member.role)) != 0)
      return false;
  }
  return true;
}

std::vector<raft_member> from_craft(const raft_configuration& configuration) {
  std::vector<raft_member> members;
  for (unsigned i = 0; i < configuration.n; ++i) {
    const auto& server = configuration.servers[i];
    members.push_back({server.id, server.address, static_cast<raft_role>(server.role)});
  }
  return members;
}

void raft_core::impl::set_up_io() {
  io.version = 1;
  io.impl = this;
  io.init = [](raft_io*, raft_id, const char*) { return 0; };
  io.close = [](raft_io* io, raft_io_close_cb done) {
    of(io).fire_pending();
    if (done) done(io);
  };
  io.load = [](raft_io* io, raft_term* term, raft_id* vote, raft_snapshot** snapshot, raft_index* first,
               raft_entry** entries, size_t* n) {
    auto& self = of(io);
    *term = self.loaded.hard.term;
    *vote = self.loaded.hard.voted_for;
    *first = self.loaded.first_index;
    return self.load(snapshot, entries, n);
  };
  io.start = [](raft_io* io, unsigned, raft_io_tick_cb tick, raft_io_recv_cb recv) {
    of(io).on_tick = tick;
    of(io).on_recv = recv;
    return 0;
  };
  io.bootstrap = [](raft_io*, const raft_configuration*) { return RAFT_CANTBOOTSTRAP; };  // bootstrap() writes itself
  io.recover = [](raft_io*, const raft_configuration*) { return RAFT_INVALID; };
  io.set_term = [](raft_io* io, raft_term term) { return of(io).save_hard_state({term, 0}); };
  io.set_vote = [](raft_io* io, raft_id id) { return of(io).save_hard_state({of(io).hard.term, id}); };
  io.send = [](raft_io* io, raft_io_send* request, const raft_message* message, raft_io_send_cb done) {
    request->cb = done;
    return of(io).send(request, *message);
  };
  io.append = [](raft_io* io, raft_io_append* request, const raft_entry entries[], unsigned n, raft_io_append_cb done) {
    request->cb = done;
    of(io).append(request, entries, n);
    return 0;
  };
  io.truncate = [](raft_io* io, raft_index index) {
    of(io).window.truncate_from(index);
    of(io).storage.truncate(index);
    return 0;
  };
  io.snapshot_put = [](raft_io* io, unsigned trailing, raft_io_snapshot_put* request, const raft_snapshot* taken,
                       raft_io_snapshot_put_cb done) {
    if (trailing == 0) return RAFT_IOERR;  // installs a peer's state, which travels outside of raft
    request->cb = done;
    return of(io).put_snapshot(request, taken);
  };
  io.snapshot_get = [](raft_io*, raft_io_snapshot_get*, raft_io_snapshot_get_cb) { return RAFT_NOTFOUND; };
  io.time = [](raft_io* io) -> raft_time { return static_cast<raft_time>(of(io).time.steady_us() / 1000); };
  io.random = [](raft_io* io, int min, int max) {
    return max > min ? min + static_cast<int>(of(io).random() % static_cast<unsigned>(max - min)) : min;
  };
}

void raft_core::impl::set_up_fsm() {
  fsm.version = 1;
  fsm.data = this;
  fsm.apply = [](raft_fsm* fsm, const raft_buffer* data, void** outcome) {
    of(fsm).apply_command({static_cast<const char*>(data->base), data->len});
    *outcome = nullptr;
    return 0;
  };
  fsm.snapshot = [](raft_fsm* fsm, raft_buffer** buffers, unsigned* n) { return of(fsm).plan_snapshot(buffers, n); };
  fsm.restore = [](raft_fsm*, raft_buffer* buffer) {
    raft_free(buffer->base);  // the state is in the key-value store already; start() checked that
    return 0;
  };
}

int raft_core::impl::save_hard_state(const raft_hard_state& next) {
  if (auto saved = storage.set_hard_state(next); saved.has_error()) {
    pending_failure = saved.error();
    return RAFT_IOERR;
  }
  hard = next;
  return 0;
}

int raft_core::impl::load(raft_snapshot** out, raft_entry** entries, std::size_t* n) {
  *out = nullptr;
  *entries = nullptr;
  *n = loaded.entries.size();
  if (loaded.snapshot) {
    auto* restored = static_cast<raft_snapshot*>(raft_calloc(1, sizeof(raft_snapshot)));
    restored->index = loaded.snapshot->index;
    restored->term = loaded.snapshot->term;
    restored->configuration_index = loaded.snapshot->members_index;
    if (!to_craft(loaded.snapshot->members, restored->configuration)) {
      raft_configuration_close(&restored->configuration);
      raft_free(restored);
      return RAFT_CORRUPT;
    }
    restored->bufs = static_cast<raft_buffer*>(raft_malloc(sizeof(raft_buffer)));
    restored->bufs[0] = copy_buffer({});
    restored->n_bufs = 1;
    *out = restored;
  }
  window.reset(loaded.first_index);
  if (*n == 0) return 0;
  *entries = static_cast<raft_entry*>(raft_calloc(*n, sizeof(raft_entry)));
  for (std::size_t i = 0; i < *n; ++i) {
    auto& entry = loaded.entries[i];
    // No shared batch: C-raft would search the whole log for other users of it at every entry it trims.
    (*entries)[i] = {entry.term, static_cast<unsigned short>(entry.type), copy_buffer(entry.data), nullptr};
    window.push(entry.term, entry.data.size());
    std::string().swap(entry.data);
  }
  return 0;
}

void raft_core::impl::append(raft_io_append* request, const raft_entry* entries, unsigned n) {
  std::vector<raft_record_view> views(n);
  const auto first = window.last_index() + 1;
  for (unsigned i = 0; i < n; ++i) {
    const auto& buffer = entries[i].buf;
    views[i] = {entries[i].term,
                static_cast<raft_record_type>(entries[i].type),
                {static_cast<const char*>(buffer.base), buffer.len}};
    window.push(entries[i].term, buffer.len);
  }
  appends.push_back({next_token, request});
  storage.append(next_token++, first, views);
}

int raft_core::impl::send(raft_io_send* request, const raft_message& message) {
  std::string bytes;
  if (!encode_raft_message(message, opts.address, bytes)) return RAFT_NOCONNECTION;
  transport.send(message.server_id, std::move(bytes));
  sent.push_back(request);
  return 0;
}

int raft_core::impl::plan_snapshot(raft_buffer** buffers, unsigned* n) {
  // C-raft's snapshot covers all it delivered; ours may cover less (what the state machine holds). So C-raft keeps the
  // entries in between as "trailing", and the descriptor on disk names the smaller index: a restart begins there.
  const auto held = held_by_state_machine(raft.last_applied);
  const auto plan = plan_trim(held);
  if (!worth_it(plan) || raft.last_applied - plan.index > UINT_MAX) return RAFT_BUSY;
  raft_set_snapshot_trailing(&raft, static_cast<unsigned>(raft.last_applied - plan.index));
  snapshot_index = held;
  *buffers = static_cast<raft_buffer*>(raft_malloc(sizeof(raft_buffer)));
  (*buffers)[0] = copy_buffer({});
  *n = 1;
  return 0;
}

int raft_core::impl::put_snapshot(raft_io_snapshot_put* request, const raft_snapshot* taken) {
  raft_snapshot_descriptor descriptor;
  descriptor.index = snapshot_index;
  descriptor.term = window.term_of(snapshot_index);
  descriptor.first_index = taken->index - raft.snapshot.trailing + 1;
  descriptor.state_index = std::min(last_command, applied.value_or(0));
  descriptor.members_index = taken->configuration_index;
  descriptor.members = from_craft(taken->configuration);
  snapshot = {next_token, request, descriptor.first_index - 1};
  storage.save_snapshot(next_token++, descriptor);
  return 0;
}

void raft_core::impl::apply_command(std::string_view data) {
  const auto index = raft.last_applied + 1;  // C-raft counts an entry once it was applied
  if (!proposals.empty() && proposals.front().first == index && ++proposals.front().first > proposals.front().last) {
    proposals.pop_front();
  }
  last_command = index;
  apply(index, data);
}

/// C-raft is closing: everything it still waits for comes back now, so that it frees what belongs to it. Appends
/// "succeed": closed, C-raft only releases them then, whereas on a failure it would truncate its log once for each of
/// them.
void raft_core::impl::fire_pending() {
  completions.clear();
  while (!appends.empty()) {
    auto* request = appends.front().request;
    appends.pop_front();
    request->cb(request, 0);
  }
  if (snapshot) {
    auto* request = snapshot->request;
    snapshot.reset();
    request->cb(request, RAFT_CANCELED);
  }
  while (!sent.empty()) {
    auto* request = sent.front();
    sent.pop_front();
    if (request->cb) request->cb(request, RAFT_CANCELED);
  }
}

}  // namespace waggle
