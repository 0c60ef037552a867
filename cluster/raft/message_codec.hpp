#pragma once
// Raft messages as bytes, version 1; every read is bounded. Private to the core.
//
//   version(1) type(1) sender's address(text), then by type (integers little endian):
//   append entries   term prev_index prev_term commit (8 each), count(varint), {term(8) type(1) data(text)}*
//   its result       term rejected last_index (8 each)
//   request vote     term candidate last_index last_term (8 each), disrupt(1) pre_vote(1)
//   its result       term(8) granted(1) pre_vote(1)
//   timeout now      term last_index last_term (8 each)
//
// There is no install snapshot: a peer that needs one is brought up to date outside of raft.
#include <string>
#include <string_view>

#include "cluster/raft/craft.hpp"

namespace waggle {

/// False for a message that has no form here.
bool encode_raft_message(const raft_message& message, std::string_view sender_address, std::string& out);

/// A decoded message; its entries' memory is given to C-raft by `release_entries`, or freed.
class decoded_raft_message {
 public:
  decoded_raft_message() = default;
  ~decoded_raft_message();
  decoded_raft_message(const decoded_raft_message&) = delete;
  decoded_raft_message& operator=(const decoded_raft_message&) = delete;

  /// False: malformed.
  bool decode(std::uint64_t sender, std::string_view bytes);
  raft_message& message() { return message_; }
  /// C-raft's receive callback owns the entries from now on.
  void release_entries() { entries_ = nullptr; }

 private:
  bool decode_entries(class byte_reader& in);
  raft_message message_{};
  std::string address_;
  raft_entry* entries_ = nullptr;
};

}  // namespace waggle
