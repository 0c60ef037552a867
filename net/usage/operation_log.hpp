#pragma once
// Tells HiveHub what tenants asked for (hub.logs.enabled, contract hub.md §1), in the background: a request leaves a record in a
// bounded buffer and never waits. While HiveHub does not take them, the oldest make room for new ones and are counted.
//
//   request ─▶ add ─▶ buffer (1000) ─▶ a batch ─▶ POST ─▶ taken
//                        ▲ └ full: the oldest goes    └ not taken: back to its place, tried again later
//
// Owned by the node; `add`: any thread. Destroy it before the io_context.
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <future>
#include <mutex>

#include "net/hub/hub_client.hpp"
#include "net/hub/operation_record.hpp"

namespace waggle {

class operation_log {
 public:
  static constexpr std::size_t records_max = 1000;

  operation_log(boost::asio::io_context& context, hub_client& hub, std::string service_id, metric_registry& metrics);

  /// Gives the record its id.
  void add(operation_record record);
  void start();
  /// Sends what waits, for three seconds at most. Blocking, not on a worker.
  void stop();

 private:
  using batch = std::vector<operation_record>;
  boost::asio::awaitable<void> run();
  /// Until nothing waits (true) or HiveHub does not take a batch.
  boost::asio::awaitable<bool> send_all();
  batch take();
  void put_back(batch records);
  std::size_t waiting() const;

  boost::asio::io_context& context_;
  hub_client& hub_;
  const std::string service_id_;
  counter_cell& taken_;
  counter_cell& dropped_;
  boost::asio::steady_timer pause_;  ///< the context's thread only
  std::atomic<bool> stopping_{false};
  std::future<void> ended_;          ///< valid once started

  mutable std::mutex mutex_;
  std::deque<operation_record> records_;
};

}  // namespace waggle
