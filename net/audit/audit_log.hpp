#pragma once
// The node's audit log: takes records from any thread, writes them from one of its own. One sync serves all records that
// wait for it.
//
//   append_durably ─┐                       ┌─▶ audit_file: chain.file, records, chain.checkpoint; one write, one sync
//   append ─────────┴▶ queue ─▶ its thread ─┤
//                     (bounded)             └─▶ answers to those who wait
//
// A batch that could not be written is kept and tried again every second, together with what came since; until then
// `failing` holds. Owned by the node; destroy it (it writes what waits) before the io_contexts of those who wait.
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

#include "actors/runtime/completion.hpp"
#include "base/clock.hpp"
#include "net/audit/audit_file.hpp"
#include "net/metrics/metrics.hpp"

namespace waggle {

class audit_log {
 public:
  /// Continues the chain in the directory. IO_ERROR: see audit_file::open.
  static result<std::unique_ptr<audit_log>> open(audit_file_options options, const clock& time, metric_registry& metrics);
  ~audit_log();

  /// Returns when the record is on disk; AUDIT_UNAVAILABLE when that failed.
  boost::asio::awaitable<result<void>> append_durably(audit_record record);
  /// The record is on disk within a second.
  void append(audit_record record);
  /// The last attempt to write failed.
  bool failing() const { return failing_.load(std::memory_order_relaxed); }

 private:
  using waiter = owed_answer<std::monostate>;
  struct batch {
    std::vector<audit_record> records;
    std::vector<waiter> waiting;
  };

  audit_log(audit_file_options options, const clock& time, metric_registry& metrics);
  bool enqueue(audit_record&& record, std::shared_ptr<answers<std::monostate>> waiting);
  void serve();
  void take();
  void write();

  const clock& time_;
  metric_family& written_;
  counter_cell& failures_;
  gauge_cell& seq_;
  std::atomic<bool> failing_{false};

  std::mutex mutex_;
  std::condition_variable came_;
  batch queue_;
  std::uint64_t lost_ = 0;  ///< records that found the queue full
  bool stopped_ = false;
  std::atomic<std::size_t> held_{0};  ///< records in `batch_`

  // The thread's own.
  audit_file file_;
  batch batch_;
  std::thread thread_;
};

}  // namespace waggle
