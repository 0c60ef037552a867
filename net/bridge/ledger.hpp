#pragma once
// Entries in the log that are no client's request: usage that was read, reports that were sent, records of the node itself.
// Coroutines; any worker's.
#include <boost/asio/awaitable.hpp>
#include <vector>

#include "actors/protocol/interfaces.hpp"
#include "actors/runtime/runtime.hpp"
#include "base/clock.hpp"

namespace waggle {

class ledger {
 public:
  ledger(runtime& rt, replication_group_actor group, const clock& time)
      : rt_(rt), group_(std::move(group)), time_(time) {}
  /// Durable and applied. A failure says nothing about whether it happened: repeat it with the same `id`.
  /// `grows`: refused while the disk is full.
  boost::asio::awaitable<result<write_outcome>> enter(tenant_id owner, std::vector<operation> what, request_id id,
                                                      bool grows = false);
  /// A whole entry; its time is set here.
  boost::asio::awaitable<result<write_outcome>> enter(log_entry entry, bool grows);

 private:
  runtime& rt_;
  replication_group_actor group_;
  const clock& time_;
};

}  // namespace waggle
