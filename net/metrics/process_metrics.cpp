// The `process_*` set that every Prometheus client library offers, from /proc/self.
#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "net/metrics/metrics.hpp"

namespace waggle {
namespace {
double cpu_seconds() {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Field `index` (from 0) of /proc/self/statm, in bytes.
double statm_bytes(int index) {
  std::ifstream file("/proc/self/statm");
  double pages = 0;
  for (int i = 0; i <= index; ++i)
    if (!(file >> pages)) return 0;
  return pages * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double open_descriptors() {
  DIR* dir = opendir("/proc/self/fd");
  if (!dir) return 0;
  int entries = 0;
  while (readdir(dir)) ++entries;
  closedir(dir);
  return entries - 3;  // ".", ".." and the directory's own descriptor
}

double descriptor_limit() {
  rlimit limit{};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<double>(limit.rlim_cur) : 0;
}

double start_time_seconds() {
  std::ifstream file("/proc/self/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto after_name = text.rfind(')');  // the process name may contain spaces and parentheses
  if (after_name == std::string::npos) return 0;
  unsigned long long ticks = 0;
  const char* format = "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu";
  if (std::sscanf(text.c_str() + after_name + 1, format, &ticks) != 1) return 0;
  std::ifstream stat("/proc/stat");
  for (std::string line; std::getline(stat, line);)
    if (line.starts_with("btime "))
      return std::stod(line.substr(6)) + static_cast<double>(ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
  return 0;
}
}  // namespace

void register_process_metrics(metric_registry& registry) {
  const auto gauge = [&](const char* name, const char* help, std::function<double()> read) {
    registry.family(metric_kind::gauge, name, help).sampled({}, std::move(read));
  };
  registry.family(metric_kind::counter, "process_cpu_seconds_total", "User and system CPU time, seconds")
      .sampled({}, cpu_seconds);
  gauge("process_virtual_memory_bytes", "Virtual memory size, bytes", [] { return statm_bytes(0); });
  gauge("process_resident_memory_bytes", "Resident memory size, bytes", [] { return statm_bytes(1); });
  gauge("process_open_fds", "Open file descriptors", open_descriptors);
  gauge("process_max_fds", "Most file descriptors the process may open", descriptor_limit);
  gauge("process_start_time_seconds", "Start of the process, unix seconds",
        [start = start_time_seconds()] { return start; });
}

}  // namespace waggle
