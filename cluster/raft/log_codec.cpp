#include "cluster/raft/log_codec.hpp"

#include <bit>
#include <cstring>

#include "base/checksum.hpp"
#include "base/codec.hpp"

namespace waggle::raft_log_codec {
namespace {

constexpr std::uint8_t version = 1;
constexpr std::size_t crc_bytes = 4;
constexpr std::size_t key_bytes = 4 + 1 + 8;

template <class N>
void append_big_endian(std::string& out, N v) {
  for (int shift = 8 * (sizeof v - 1); shift >= 0; shift -= 8) out += static_cast<char>(v >> shift);
}

std::uint32_t checksum(std::string_view key, std::string_view body) {
  return std::rotl(crc32c(key), 15) ^ crc32c(body);  // rotated: a key and a body that swap bytes don't cancel out
}

template <class Body>
std::string seal(std::string_view key, std::size_t size, Body&& body) {
  std::string value(crc_bytes, '\0');
  value.reserve(crc_bytes + 1 + size);
  byte_writer out(value);
  out.fixed(version);
  body(out);
  const auto crc = checksum(key, std::string_view(value).substr(crc_bytes));
  std::memcpy(value.data(), &crc, crc_bytes);
  return value;
}

failure damaged(std::string_view key, std::string_view why) {
  failure f(ec::corrupt_data);
  f.log_text = "raft log: ";
  if (const auto index = entry_index(key)) {
    f.log_text += "entry " + std::to_string(index);
  } else {
    f.log_text += key.size() == key_bytes && key[4] == static_cast<char>(kind::snapshot) ? "snapshot" : "hard state";
  }
  f.log_text += ": ";
  f.log_text += why;
  return f;
}

/// The body behind checksum and version.
result<std::string_view> unseal(std::string_view key, std::string_view value) {
  if (value.size() < crc_bytes + 1) return damaged(key, "too short");
  std::uint32_t crc = 0;
  std::memcpy(&crc, value.data(), crc_bytes);
  value.remove_prefix(crc_bytes);
  if (crc != checksum(key, value)) return damaged(key, "checksum mismatch");
  if (static_cast<std::uint8_t>(value[0]) != version) return damaged(key, "unknown version");
  return value.substr(1);
}

}  // namespace

std::string key(group_id group, kind what, std::uint64_t index) {
  std::string out;
  out.reserve(key_bytes);
  append_big_endian(out, group.value);
  out += static_cast<char>(what);
  append_big_endian(out, index);
  return out;
}

std::string entries_end(group_id group) {
  std::string out;
  append_big_endian(out, group.value);
  out += static_cast<char>(static_cast<std::uint8_t>(kind::entry) + 1);
  return out;
}

std::uint64_t entry_index(std::string_view key) {
  if (key.size() != key_bytes || key[4] != static_cast<char>(kind::entry)) return 0;
  std::uint64_t index = 0;
  for (const char c : key.substr(5)) index = index << 8 | static_cast<std::uint8_t>(c);
  return index;
}

std::string encode(std::string_view key, const raft_hard_state& hard) {
  return seal(key, 16, [&](byte_writer& out) {
    out.fixed(hard.term);
    out.fixed(hard.voted_for);
  });
}

std::string encode(std::string_view key, const raft_snapshot_descriptor& snapshot) {
  return seal(key, 64, [&](byte_writer& out) {
    out.fixed(snapshot.index);
    out.fixed(snapshot.term);
    out.fixed(snapshot.first_index);
    out.fixed(snapshot.state_index);
    out.fixed(snapshot.members_index);
    out.varint(snapshot.members.size());
    for (const auto& member : snapshot.members) {
      out.fixed(member.id);
      out.fixed(static_cast<std::uint8_t>(member.role));
      out.text(member.address);
    }
  });
}

std::string encode(std::string_view key, const raft_record_view& entry) {
  return seal(key, 9 + entry.data.size(), [&](byte_writer& out) {
    out.fixed(static_cast<std::uint8_t>(entry.type));
    out.fixed(entry.term);
    out.raw(entry.data);
  });
}

result<raft_hard_state> decode_hard_state(std::string_view key, std::string_view value) {
  auto body = unseal(key, value);
  if (body.has_error()) return body.error();
  byte_reader in(*body);
  raft_hard_state hard;
  hard.term = in.fixed<std::uint64_t>();
  hard.voted_for = in.fixed<std::uint64_t>();
  if (!in.done()) return damaged(key, "malformed");
  return hard;
}

result<raft_snapshot_descriptor> decode_snapshot(std::string_view key, std::string_view value) {
  auto body = unseal(key, value);
  if (body.has_error()) return body.error();
  byte_reader in(*body);
  raft_snapshot_descriptor snapshot;
  snapshot.index = in.fixed<std::uint64_t>();
  snapshot.term = in.fixed<std::uint64_t>();
  snapshot.first_index = in.fixed<std::uint64_t>();
  snapshot.state_index = in.fixed<std::uint64_t>();
  snapshot.members_index = in.fixed<std::uint64_t>();
  for (auto left = in.varint(); left > 0 && in.ok(); --left) {
    raft_member member;
    member.id = in.fixed<std::uint64_t>();
    member.role = static_cast<raft_role>(in.fixed<std::uint8_t>());
    member.address = in.text();
    snapshot.members.push_back(std::move(member));
  }
  if (!in.done()) return damaged(key, "malformed");
  return snapshot;
}

result<raft_record> decode_entry(std::string_view key, std::string_view value) {
  auto body = unseal(key, value);
  if (body.has_error()) return body.error();
  byte_reader in(*body);
  raft_record entry;
  const auto type = in.fixed<std::uint8_t>();
  entry.term = in.fixed<std::uint64_t>();
  if (!in.ok() || type < 1 || type > 3) return damaged(key, "malformed");
  entry.type = static_cast<raft_record_type>(type);
  entry.data = in.raw(in.left());
  return entry;
}

}  // namespace waggle::raft_log_codec
