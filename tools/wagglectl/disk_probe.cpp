#include "tools/wagglectl/disk_probe.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace waggle::ctl {

result<disk_space> measure_space(const std::string& directory) {
  struct statvfs info {};
  if (::statvfs(directory.c_str(), &info) != 0)
    return failure(ec::io_error, "Cannot look at " + directory + ": " + std::strerror(errno));
  return disk_space{std::uint64_t{info.f_blocks} * info.f_frsize, std::uint64_t{info.f_bavail} * info.f_frsize};
}

result<fsync_latency> measure_fsync(const std::string& directory, int samples) {
  std::string path = directory + "/wagglectl-doctor-XXXXXX";
  const int descriptor = ::mkostemp(path.data(), O_CLOEXEC | O_APPEND);
  if (descriptor < 0) return failure(ec::io_error, "Cannot write in " + directory + ": " + std::strerror(errno));
  // Removed at once: the open descriptor is enough, and nothing is left behind if we are killed.
  ::unlink(path.c_str());
  std::array<char, 4096> block;
  block.fill('w');
  std::vector<std::int64_t> times;
  int error = 0;
  for (int i = 0; i < samples && error == 0; ++i) {
    const auto began = std::chrono::steady_clock::now();
    const bool done = ::write(descriptor, block.data(), block.size()) == static_cast<ssize_t>(block.size()) &&
                      ::fdatasync(descriptor) == 0;
    if (!done) error = errno;
    times.push_back(
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began).count());
  }
  ::close(descriptor);
  if (error != 0) return failure(ec::io_error, "Cannot sync in " + directory + ": " + std::strerror(error));
  if (times.empty()) return failure(ec::validation_error, "No samples were asked for");
  std::sort(times.begin(), times.end());
  const auto at = [&times](std::size_t percent) { return times[(times.size() - 1) * percent / 100]; };
  return fsync_latency{at(50), at(99), samples};
}

std::uint64_t open_files_max() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  return limit.rlim_cur;
}

}  // namespace waggle::ctl
