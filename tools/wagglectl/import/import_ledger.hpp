#pragma once
// The shared account of a running import: acknowledged prefix, counts, rejected records, progress on the terminal.
// Owned by the importer; any of its threads may call it.
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tools/wagglectl/console.hpp"
#include "tools/wagglectl/import/batch_sender.hpp"
#include "tools/wagglectl/import/import_state.hpp"

namespace waggle::ctl {

struct import_counts {
  std::uint64_t accepted = 0;  ///< by the node, in this run
  std::uint64_t rejected = 0;  ///< by the reader and by the node, in this run
  std::uint64_t batches = 0;
  std::uint64_t retries = 0;
};

inline constexpr std::size_t sample_rejects_max = 5;

class import_ledger {
 public:
  struct setup {
    std::string state_file;          ///< "" = no state (standard input)
    std::string rejects_file;        ///< "" = none
    std::uint64_t source_bytes = 0;  ///< 0 = unknown
    bool append_rejects = false;
  };
  import_ledger(console& io, import_state start, setup how);

  /// Opens the rejects file and writes the first state.
  outcome<void> open();
  void reject(const rejected_record& record);
  /// A batch the node has taken.
  void acknowledge(const import_batch& batch, const batch_result& result);

  /// The first failure stops the import; later ones are its echo.
  void stop(command_failure why);
  bool stopped() const;
  /// Waits; false when stopped meanwhile.
  bool pause(int ms);

  /// Writes the last state, or removes the file when all is done; ends the progress line.
  outcome<void> close(bool finished);
  import_counts counts() const;
  std::optional<command_failure> failure() const;
  std::vector<rejected_record> sample_rejects() const;

 private:
  void write_reject(const rejected_record& record);
  void keep_state(bool now);
  void show_progress(bool last);

  console& io_;
  setup how_;
  mutable std::mutex mutex_;
  std::condition_variable stopped_;
  ack_tracker tracker_;
  import_counts counts_;
  std::uint64_t offset_at_start_;
  std::optional<command_failure> failure_;
  std::vector<rejected_record> samples_;
  std::ofstream rejects_;
  using steady = std::chrono::steady_clock;
  steady::time_point began_ = steady::now();
  steady::time_point state_saved_{};
  steady::time_point progress_shown_ = steady::now();
  bool line_open_ = false;
};

/// "3m20s", "12s".
std::string format_seconds(double seconds);

}  // namespace waggle::ctl
