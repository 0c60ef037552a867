#pragma once
// The on-disk form of a raft log in kv_family::raft_log, version 1. Keys order a group's entries by index; every value
// begins with a checksum over itself and its key, so damage, truncation and misplacement all show. Pure; any thread.
//
//   key    group(4, big endian) · kind(1) · index(8, big endian; 0 unless an entry)
//   value  crc32c(4) · version(1) · body            integers little endian unless said otherwise
//   body   hard state: term(8) voted_for(8)
//          snapshot:   index(8) term(8) first_index(8) state_index(8) members_index(8) count(varint)
//                      {id(8) role(1) address(text)}*
//          entry:      type(1) term(8) data
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/ids.hpp"
#include "cluster/raft/types.hpp"

namespace waggle::raft_log_codec {

enum class kind : std::uint8_t { hard_state = 1, snapshot = 2, entry = 3 };

std::string key(group_id group, kind what, std::uint64_t index = 0);
/// The key after the last entry of `group`.
std::string entries_end(group_id group);
/// 0 when `key` is no entry's key.
std::uint64_t entry_index(std::string_view key);

std::string encode(std::string_view key, const raft_hard_state& hard);
std::string encode(std::string_view key, const raft_snapshot_descriptor& snapshot);
std::string encode(std::string_view key, const raft_record_view& entry);

/// corrupt_data when the checksum, the version or the body is wrong.
result<raft_hard_state> decode_hard_state(std::string_view key, std::string_view value);
result<raft_snapshot_descriptor> decode_snapshot(std::string_view key, std::string_view value);
result<raft_record> decode_entry(std::string_view key, std::string_view value);

}  // namespace waggle::raft_log_codec
