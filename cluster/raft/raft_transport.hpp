#pragma once
// How a raft core's messages reach its peers: best effort, unordered, possibly twice or never (raft repeats what
// matters). Owned beside the core; called on the core's thread only. A group of one voter never sends.
#include <cstdint>
#include <string>

namespace waggle {

class raft_transport {
 public:
  virtual ~raft_transport() = default;
  /// `message` is opaque and versioned: the peer hands it to raft_core::on_message.
  virtual void send(std::uint64_t peer, std::string message) = 0;
};

/// For groups that have no peers.
class no_transport final : public raft_transport {
 public:
  void send(std::uint64_t, std::string) override {}
};

}  // namespace waggle
