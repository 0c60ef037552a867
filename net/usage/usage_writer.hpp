#pragma once
// Writes down every second what the meter has counted: one log entry for many tenants. What could not be confirmed is written
// again under the same request id, so it counts once. Any thread; owned by the node, ends before the runtime does.
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <mutex>
#include <vector>

#include "net/bridge/ledger.hpp"
#include "net/usage/usage_meter.hpp"

namespace waggle {

class usage_writer {
 public:
  usage_writer(runtime& rt, ledger& book, usage_meter& meter) : rt_(rt), book_(book), meter_(meter) {}

  /// Begins the beat on a worker.
  void start();
  /// Writes what is counted by now. False: some of it has to wait.
  boost::asio::awaitable<bool> flush();
  /// Ends the beat and flushes. Blocking, not on a worker.
  void stop();

 private:
  struct unconfirmed {
    request_id id;
    count_reads_op op;
  };
  boost::asio::awaitable<void> beat();
  boost::asio::awaitable<bool> write(unconfirmed what);

  runtime& rt_;
  ledger& book_;
  usage_meter& meter_;
  std::atomic<bool> stopping_{false};
  std::mutex lock_;
  std::vector<unconfirmed> waiting_;
};

}  // namespace waggle
