#include "net/audit/audit_log.hpp"

#include <chrono>
#include <iterator>
#include <utility>

#include "base/limits.hpp"
#include "base/log.hpp"

namespace waggle {
namespace {
/// How long a record may wait for others.
constexpr std::chrono::milliseconds gather_time(500);
constexpr std::chrono::milliseconds retry_time(1000);
/// How often the file may have something to say about itself.
constexpr std::chrono::seconds idle_time(60);
/// So many are written without waiting for more.
constexpr std::size_t gather_records = 4096;
}  // namespace

result<std::unique_ptr<audit_log>> audit_log::open(audit_file_options options, const clock& time,
                                                   metric_registry& metrics) {
  std::unique_ptr<audit_log> log(new audit_log(std::move(options), time, metrics));
  if (auto opened = log->file_.open(); !opened) return opened.error();
  log->seq_.set(static_cast<double>(log->file_.head().seq));
  log->thread_ = std::thread([log = log.get()] { log->serve(); });
  return log;
}

audit_log::audit_log(audit_file_options options, const clock& time, metric_registry& metrics)
    : time_(time),
      written_(metrics.family(metric_kind::counter, "waggle_audit_records_total", "Records in the audit log", {"event"})),
      failures_(metrics.counter("waggle_audit_write_failures_total", "Audit log writes that failed, and records lost by that")),
      seq_(metrics.gauge("waggle_audit_chain_seq", "Number of the audit log's last record")),
      file_(std::move(options)) {}

audit_log::~audit_log() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  came_.notify_one();
  thread_.join();
}

boost::asio::awaitable<result<void>> audit_log::append_durably(audit_record record) {
  auto waiting = std::make_shared<answers<std::monostate>>(1);
  // The record is written when that is possible again; nobody waits for it.
  const bool known_to_fail = failing();
  if (!enqueue(std::move(record), known_to_fail ? nullptr : waiting) || known_to_fail)
    co_return failure(ec::audit_unavailable);
  if (!waiting->ready()) co_await completion::wait(waiting, completion::no_deadline);
  auto done = waiting->take_one(ec::audit_unavailable);
  if (!done) co_return done.error();
  co_return result<void>();
}

void audit_log::append(audit_record record) { enqueue(std::move(record), nullptr); }

/// False when the queue is full or closed.
bool audit_log::enqueue(audit_record&& record, std::shared_ptr<answers<std::monostate>> waiting) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_ || queue_.records.size() + held_.load() >= limits::audit_records_waiting_max) {
      ++lost_;
      failures_.add();
      return false;
    }
    wake = queue_.records.empty() || queue_.records.size() + 1 == gather_records || (waiting && queue_.waiting.empty());
    queue_.records.push_back(std::move(record));
    if (waiting) queue_.waiting.emplace_back(std::move(waiting), 0, ec::audit_unavailable);
  }
  if (wake) came_.notify_one();
  return true;
}

void audit_log::serve() {
  for (bool last = false; !last;) {
    {
      std::unique_lock lock(mutex_);
      const auto any = [this] { return stopped_ || !queue_.records.empty(); };
      const auto pressing = [this] {
        return stopped_ || (!failing() && (!queue_.waiting.empty() || queue_.records.size() >= gather_records));
      };
      if (!failing()) came_.wait_for(lock, idle_time, any);
      if (failing() || any()) came_.wait_for(lock, failing() ? retry_time : gather_time, pressing);
      last = stopped_;
      take();
    }
    write();
  }
  if (const auto closed = file_.close(time_.unix_ms()); !closed)
    log_event(log_level::error, "audit", "the last checkpoint can't be written", {{"why", closed.error().log_text}});
}

/// Under the lock: what waits goes behind what could not be written.
void audit_log::take() {
  if (batch_.records.empty())
    batch_.records.swap(queue_.records);
  else
    std::move(queue_.records.begin(), queue_.records.end(), std::back_inserter(batch_.records));
  queue_.records.clear();
  batch_.waiting.swap(queue_.waiting);
  if (lost_ > 0 && !batch_.records.empty()) {
    audit_record lost;
    lost.unix_ms = time_.unix_ms();
    lost.event = "chain.lost";
    lost.count = std::exchange(lost_, 0);
    batch_.records.push_back(std::move(lost));
  }
  held_ = batch_.records.size();
}

void audit_log::write() {
  const auto done = file_.append(batch_.records, time_.unix_ms());
  if (done) {
    seq_.set(static_cast<double>(file_.head().seq));
    for (const auto& record : batch_.records) written_.counter({record.event}).add();
    if (failing_.exchange(false)) log_event(log_level::info, "audit", "the audit log is written again");
    for (auto& waiting : batch_.waiting) waiting.give(std::monostate());
    batch_.records.clear();
    held_ = 0;
  } else {
    failures_.add();
    if (!failing_.exchange(true))
      log_event(log_level::error, "audit", "the audit log can't be written", {{"why", done.error().log_text}});
    for (auto& waiting : batch_.waiting) waiting.give(failure(ec::audit_unavailable));
  }
  batch_.waiting.clear();
}

}  // namespace waggle
