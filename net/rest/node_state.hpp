#pragma once
// Facts about the running node that routes report. Set up by `waggled` before the server starts; any thread reads.
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <fstream>
#include <functional>
#include <string>

#include "base/clock.hpp"

namespace waggle::rest {

class node_state {
 public:
  std::string version;
  std::string node_id;
  std::int64_t started_steady_us = 0;
  std::atomic<bool> ready{false};      ///< recovered, leader known
  std::atomic<bool> draining{false};
  /// "" when the store is fine, else why it is degraded (a full disk, a failed write).
  std::function<std::string()> store_fault = [] { return std::string(); };

  /// connected, disconnected, or disabled in standalone mode.
  std::function<std::string()> hub_connection = [] { return std::string("disabled"); };

  /// Resident memory of the process, from the kernel; 0 when it doesn't say.
  std::uint64_t resident_bytes() const {
    std::ifstream in("/proc/self/statm");
    std::uint64_t pages = 0, resident = 0;
    in >> pages >> resident;
    return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  }
  std::uint64_t uptime_seconds() const {
    return static_cast<std::uint64_t>((system_clock().steady_us() - started_steady_us) / 1'000'000);
  }
};

}  // namespace waggle::rest
