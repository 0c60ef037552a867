#pragma once
// Writes down every second what the meter has counted: one log entry for many tenants. What is not confirmed yet is written
// again under the same request id, so it counts once. Also forgets tenants that ask for nothing, when nothing of them waits.
// Any thread; owned by the node, ends before the runtime does.
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <mutex>
#include <vector>

#include "actors/protocol/account_board.hpp"
#include "net/bridge/ledger.hpp"
#include "net/usage/usage_meter.hpp"

namespace waggle {

class usage_writer {
 public:
  /// `idle_seconds`: a tenant is forgotten after once to twice that time.
  usage_writer(runtime& rt, ledger& book, usage_meter& meter, account_board& accounts, std::int64_t idle_seconds)
      : rt_(rt), book_(book), meter_(meter), accounts_(accounts), idle_seconds_(idle_seconds) {}

  /// Begins the beat on a worker.
  void start();
  /// Writes what is counted by now. False: some of it has to wait.
  boost::asio::awaitable<bool> flush();
  /// The same of one tenant: afterwards its account says all that it used, and the time it took says nothing about others.
  boost::asio::awaitable<bool> flush(tenant_id tenant);
  /// Ends the beat and flushes. Blocking, not on a worker.
  void stop();

 private:
  struct unconfirmed {
    request_id id;
    count_reads_op op;
  };
  using entry = std::shared_ptr<const unconfirmed>;
  boost::asio::awaitable<void> beat();
  /// Null when nothing was counted.
  entry take_some();
  entry take_one(const tenant_id& tenant);
  entry keep(std::vector<count_reads_op::line> lines);
  std::vector<entry> kept() const;
  boost::asio::awaitable<bool> write(entry what);

  runtime& rt_;
  ledger& book_;
  usage_meter& meter_;
  account_board& accounts_;
  const std::int64_t idle_seconds_;
  std::atomic<bool> stopping_{false};
  mutable std::mutex lock_;  ///< whatever was counted is in the meter or in `unconfirmed_`, never between them
  std::vector<entry> unconfirmed_;
};

}  // namespace waggle
