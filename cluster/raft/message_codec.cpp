#include "cluster/raft/message_codec.hpp"

#include <cstring>

#include "base/codec.hpp"

namespace waggle {
namespace {

constexpr std::uint8_t version = 1;

void write(byte_writer& out, std::initializer_list<std::uint64_t> numbers) {
  for (const auto n : numbers) out.fixed(n);
}

void write_entries(byte_writer& out, const raft_append_entries& append) {
  write(out, {append.term, append.prev_log_index, append.prev_log_term, append.leader_commit});
  out.varint(append.n_entries);
  for (unsigned i = 0; i < append.n_entries; ++i) {
    const auto& entry = append.entries[i];
    out.fixed(static_cast<std::uint64_t>(entry.term));
    out.fixed(static_cast<std::uint8_t>(entry.type));
    out.text({static_cast<const char*>(entry.buf.base), entry.buf.len});
  }
}

bool read_flag(byte_reader& in) {
  const auto byte = in.fixed<std::uint8_t>();
  if (byte > 1) in.fail();
  return byte == 1;
}

}  // namespace

bool encode_raft_message(const raft_message& message, std::string_view sender_address, std::string& text) {
  byte_writer out(text);
  out.fixed(version);
  out.fixed(static_cast<std::uint8_t>(message.type));
  out.text(sender_address);
  switch (message.type) {
    case RAFT_IO_APPEND_ENTRIES: write_entries(out, message.append_entries); return true;
    case RAFT_IO_APPEND_ENTRIES_RESULT: {
      const auto& m = message.append_entries_result;
      write(out, {m.term, m.rejected, m.last_log_index});
      return true;
    }
    case RAFT_IO_REQUEST_VOTE: {
      const auto& m = message.request_vote;
      write(out, {m.term, m.candidate_id, m.last_log_index, m.last_log_term});
      out.fixed(static_cast<std::uint8_t>(m.disrupt_leader));
      out.fixed(static_cast<std::uint8_t>(m.pre_vote));
      return true;
    }
    case RAFT_IO_REQUEST_VOTE_RESULT: {
      const auto& m = message.request_vote_result;
      write(out, {m.term});
      out.fixed(static_cast<std::uint8_t>(m.vote_granted));
      out.fixed(static_cast<std::uint8_t>(m.pre_vote));
      return true;
    }
    case RAFT_IO_TIMEOUT_NOW: {
      const auto& m = message.timeout_now;
      write(out, {m.term, m.last_log_index, m.last_log_term});
      return true;
    }
    default: return false;
  }
}

decoded_raft_message::~decoded_raft_message() {
  if (!entries_) return;
  raft_free(entries_[0].batch);
  raft_free(entries_);
}

bool decoded_raft_message::decode_entries(byte_reader& in) {
  auto& append = message_.append_entries;
  append.term = in.fixed<std::uint64_t>();
  append.prev_log_index = in.fixed<std::uint64_t>();
  append.prev_log_term = in.fixed<std::uint64_t>();
  append.leader_commit = in.fixed<std::uint64_t>();
  constexpr std::size_t entry_bytes_min = 8 + 1 + 1;
  const auto count = in.varint();
  if (!in.ok() || count > in.left() / entry_bytes_min) return false;
  if (count == 0) return true;
  // One batch holds the data of all: C-raft frees entries it received by their batch. Padded so that each is aligned.
  auto* batch = static_cast<char*>(raft_malloc(in.left() + 8 * count));
  entries_ = static_cast<raft_entry*>(raft_calloc(count, sizeof *entries_));
  if (!batch || !entries_) {
    raft_free(batch);
    return false;
  }
  std::size_t used = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    auto& entry = entries_[i];
    entry.batch = batch;
    entry.term = in.fixed<std::uint64_t>();
    entry.type = in.fixed<std::uint8_t>();
    const auto data = in.text();
    if (!in.ok() || entry.term == 0 || entry.type < RAFT_COMMAND || entry.type > RAFT_CHANGE) return false;
    entry.buf = {batch + used, data.size()};
    if (!data.empty()) std::memcpy(batch + used, data.data(), data.size());
    used += (data.size() + 7) / 8 * 8;
  }
  append.entries = entries_;
  append.n_entries = static_cast<unsigned>(count);
  return true;
}

bool decoded_raft_message::decode(std::uint64_t sender, std::string_view bytes) {
  byte_reader in(bytes);
  if (in.fixed<std::uint8_t>() != version) return false;
  message_.type = in.fixed<std::uint8_t>();
  address_ = in.text();
  message_.server_id = sender;
  message_.server_address = address_.c_str();
  switch (message_.type) {
    case RAFT_IO_APPEND_ENTRIES:
      if (!decode_entries(in)) return false;
      break;
    case RAFT_IO_APPEND_ENTRIES_RESULT: {
      auto& m = message_.append_entries_result;
      m.term = in.fixed<std::uint64_t>();
      m.rejected = in.fixed<std::uint64_t>();
      m.last_log_index = in.fixed<std::uint64_t>();
      break;
    }
    case RAFT_IO_REQUEST_VOTE: {
      auto& m = message_.request_vote;
      m.term = in.fixed<std::uint64_t>();
      m.candidate_id = in.fixed<std::uint64_t>();
      m.last_log_index = in.fixed<std::uint64_t>();
      m.last_log_term = in.fixed<std::uint64_t>();
      m.disrupt_leader = read_flag(in);
      m.pre_vote = read_flag(in);
      break;
    }
    case RAFT_IO_REQUEST_VOTE_RESULT: {
      auto& m = message_.request_vote_result;
      m.term = in.fixed<std::uint64_t>();
      m.vote_granted = read_flag(in);
      const auto pre_vote = in.fixed<std::uint8_t>();
      if (pre_vote > raft_tribool_false) return false;
      m.pre_vote = static_cast<raft_tribool>(pre_vote);
      break;
    }
    case RAFT_IO_TIMEOUT_NOW: {
      auto& m = message_.timeout_now;
      m.term = in.fixed<std::uint64_t>();
      m.last_log_index = in.fixed<std::uint64_t>();
      m.last_log_term = in.fixed<std::uint64_t>();
      break;
    }
    default: return false;
  }
  return in.done();
}

}  // namespace waggle
