#include "tools/wagglectl/import/import_ledger.hpp"

#include <cmath>
#include <filesystem>
#include <iostream>

#include "base/text_out.hpp"

namespace waggle::ctl {
namespace {
constexpr auto state_interval = std::chrono::seconds(1);
constexpr auto terminal_interval = std::chrono::milliseconds(200);
constexpr auto log_interval = std::chrono::seconds(5);
constexpr int bar_cells = 24;
}  // namespace

std::string format_seconds(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::ceil(std::min(seconds, 1e9)));
  if (whole < 60) return std::to_string(whole) + "s";
  if (whole < 3600) return std::to_string(whole / 60) + "m" + std::to_string(whole % 60) + "s";
  return std::to_string(whole / 3600) + "h" + std::to_string(whole % 3600 / 60) + "m";
}

import_ledger::import_ledger(console& io, import_state start, setup how)
    : io_(io), how_(std::move(how)), tracker_(start), offset_at_start_(start.offset) {}

outcome<void> import_ledger::open() {
  const std::lock_guard lock(mutex_);
  if (!how_.rejects_file.empty()) {
    rejects_.open(how_.rejects_file, how_.append_rejects ? std::ios::app : std::ios::trunc);
    if (!rejects_) return command_failure(exit_code::usage, "Cannot write the rejects file " + how_.rejects_file);
  }
  if (how_.state_file.empty()) return {};
  if (auto saved = save_state(how_.state_file, tracker_.state()); !saved)
    return command_failure(exit_code::failed, saved.error().message);
  return {};
}

void import_ledger::write_reject(const rejected_record& record) {
  ++counts_.rejected;
  if (samples_.size() < sample_rejects_max) samples_.push_back(record);
  if (!rejects_.is_open()) return;
  std::string line;
  json_writer(line).begin_object().member("line", record.position).member("reason", record.reason).end_object();
  rejects_ << line << '\n';
}

void import_ledger::reject(const rejected_record& record) {
  const std::lock_guard lock(mutex_);
  write_reject(record);
}

void import_ledger::acknowledge(const import_batch& batch, const batch_result& result) {
  const std::lock_guard lock(mutex_);
  for (const auto& record : result.rejected) write_reject(record);
  const std::uint64_t accepted = batch.positions.size() - result.rejected.size();
  counts_.accepted += accepted;
  counts_.retries += result.retries;
  if (!batch.positions.empty()) ++counts_.batches;
  const bool grew = tracker_.complete(
      {batch.index, batch.end_offset, batch.end_consumed, accepted, batch.rejected_before + result.rejected.size()});
  if (grew) keep_state(false);
  show_progress(false);
}

void import_ledger::keep_state(bool now) {
  if (how_.state_file.empty() || (!now && steady::now() - state_saved_ < state_interval)) return;
  // Losing this write only means that more is sent again; the import itself is not at risk.
  rejects_.flush();
  if (save_state(how_.state_file, tracker_.state())) state_saved_ = steady::now();
}

void import_ledger::show_progress(bool last) {
  const auto now = steady::now();
  if (!last && now - progress_shown_ < (io_.err_is_terminal ? terminal_interval : log_interval)) return;
  if (last && !line_open_) return;
  progress_shown_ = now;
  const double seconds = std::max(1e-3, std::chrono::duration<double>(now - began_).count());
  const std::uint64_t offset = tracker_.state().offset;
  std::string line = std::to_string(counts_.accepted) + " records, " +
                     std::to_string(static_cast<std::uint64_t>(static_cast<double>(counts_.accepted) / seconds)) + "/s";
  if (counts_.rejected) line += ", " + std::to_string(counts_.rejected) + " rejected";
  if (how_.source_bytes > 0) {
    const double share = std::min(1.0, static_cast<double>(offset) / static_cast<double>(how_.source_bytes));
    const double pace = static_cast<double>(offset - offset_at_start_) / seconds;
    std::string bar;
    if (io_.err_is_terminal) {
      const int filled = static_cast<int>(share * bar_cells);
      bar = "[" + std::string(filled, '#') + std::string(bar_cells - filled, '.') + "] ";
    }
    line = bar + std::to_string(static_cast<int>(share * 100)) + "%  " + line;
    if (pace > 0 && how_.source_bytes > offset)
      line += ", " + format_seconds(static_cast<double>(how_.source_bytes - offset) / pace) + " left";
  }
  if (io_.err_is_terminal) {
    io_.err << '\r' << line << "\x1b[K" << std::flush;
    line_open_ = true;
  } else {
    io_.err << line << std::endl;
  }
}

void import_ledger::stop(command_failure why) {
  {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::move(why);
  }
  stopped_.notify_all();
}

bool import_ledger::stopped() const {
  const std::lock_guard lock(mutex_);
  return failure_.has_value();
}

bool import_ledger::pause(int ms) {
  std::unique_lock lock(mutex_);
  return !stopped_.wait_for(lock, std::chrono::milliseconds(ms), [this] { return failure_.has_value(); });
}

outcome<void> import_ledger::close(bool finished) {
  const std::lock_guard lock(mutex_);
  show_progress(true);
  if (line_open_) io_.err << '\n';
  if (rejects_.is_open()) {
    rejects_.close();
    if (!rejects_) return command_failure(exit_code::failed, "Cannot write all of " + how_.rejects_file);
  }
  std::error_code ignored;
  if (finished && !how_.state_file.empty())
    std::filesystem::remove(how_.state_file, ignored);
  else
    keep_state(true);
  return {};
}

import_counts import_ledger::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

std::optional<command_failure> import_ledger::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

std::vector<rejected_record> import_ledger::sample_rejects() const {
  const std::lock_guard lock(mutex_);
  return samples_;
}

}  // namespace waggle::ctl
