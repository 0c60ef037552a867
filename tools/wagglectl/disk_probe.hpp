#pragma once
// How fast and how full the disk under a directory is. Creates one scratch file there and removes it. Blocking; any
// thread.
#include <cstdint>
#include <string>

#include "base/error.hpp"

namespace waggle::ctl {

struct disk_space {
  std::uint64_t total_bytes = 0;
  std::uint64_t free_bytes = 0;  ///< for an ordinary user
  int used_percent() const {
    return total_bytes == 0 ? 0 : static_cast<int>((total_bytes - free_bytes) * 100 / total_bytes);
  }
};
result<disk_space> measure_space(const std::string& directory);

struct fsync_latency {
  std::int64_t p50_us = 0;
  std::int64_t p99_us = 0;
  int samples = 0;
};
/// `samples` times: append 4 KiB, fdatasync. That is what an acknowledged write waits for.
result<fsync_latency> measure_fsync(const std::string& directory, int samples);

/// The soft limit of open files of this process, which a node started from the same shell would inherit.
std::uint64_t open_files_max();

}  // namespace waggle::ctl
