// bench-roundtrip [seconds per cell = 2] [rounds = 5]
// What an actor hop costs behind HTTP: a minimal Beast server without an actor, with one on CAF's schedulers, with one on
// actors/runtime. Server process on core 0, load (wrk if it is there, else built in) on core 1, cells interleaved in rounds;
// prints medians over the rounds. `cpu us` is the server's CPU time per request: what noise on the host disturbs least.
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "roundtrip.hpp"

namespace {

using namespace roundtrip;

struct child {
  pid_t pid = 0;
  FILE* out = nullptr;
};

child start(int core, const std::vector<std::string>& args) {
  int fds[2];
  if (pipe(fds) != 0) std::abort();
  const pid_t pid = fork();
  if (pid == 0) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    sched_setaffinity(0, sizeof set, &set);
    dup2(fds[1], STDOUT_FILENO);
    close(fds[0]);
    std::vector<char*> argv;
    for (auto& a : args) argv.push_back(const_cast<char*>(a.c_str()));
    argv.push_back(nullptr);
    execvp(argv[0], argv.data());
    _exit(127);
  }
  close(fds[1]);
  return {pid, fdopen(fds[0], "r")};
}

rusage finish(child& c) {
  rusage used{};
  int status = 0;
  wait4(c.pid, &status, 0, &used);
  fclose(c.out);
  return used;
}

std::string read_all(FILE* f) {
  std::string text;
  std::array<char, 4096> buffer;
  for (std::size_t n; (n = fread(buffer.data(), 1, buffer.size(), f)) > 0;) text.append(buffer.data(), n);
  return text;
}

// "57.00us", "1.20ms", "0.5s"
double parse_us(const char* text) {
  char* unit = nullptr;
  const double value = std::strtod(text, &unit);
  return value * (*unit == 'u' ? 1 : *unit == 'm' ? 1e3 : 1e6);
}

double after(const std::string& text, const char* label, bool is_time) {
  const auto at = text.find(label);
  if (at == std::string::npos) return 0;
  const char* value = text.c_str() + at + std::strlen(label);
  return is_time ? parse_us(value) : std::strtod(value, nullptr);
}

bool have_wrk() { return std::system("command -v wrk >/dev/null 2>&1") == 0; }

struct cell {
  load_result load;
  double cpu_us = 0;
};

load_result run_load(const std::string& self, bool wrk, int port, int connections, double seconds) {
  const std::string url = "http://127.0.0.1:" + std::to_string(port) + "/";
  const std::string duration = std::to_string(std::max(1, static_cast<int>(seconds))) + "s";
  auto c = wrk ? start(1, {"wrk", "-t1", "-c" + std::to_string(connections), "-d" + duration, "--latency", url})
               : start(1, {self, "--load", std::to_string(port), std::to_string(connections), std::to_string(seconds)});
  const std::string text = read_all(c.out);
  finish(c);
  return {after(text, "Requests/sec:", false), after(text, "50%", true), after(text, "99%", true)};
}

cell measure(const std::string& self, bool wrk, mode m, int connections, double seconds) {
  auto server = start(0, {self, "--serve", std::to_string(static_cast<int>(m))});
  int port = 0;
  if (fscanf(server.out, "%d", &port) != 1) std::abort();
  run_load(self, false, port, connections, 0.2);  // warm up
  cell out;
  out.load = run_load(self, wrk, port, connections, seconds);
  kill(server.pid, SIGKILL);
  const rusage used = finish(server);
  const double cpu = static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
                     static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
  out.cpu_us = cpu / (out.load.requests_per_second * (std::max(1, static_cast<int>(seconds)) + 0.2));
  return out;
}

template <class Get>
double median(std::vector<cell> cells, Get get) {
  std::sort(cells.begin(), cells.end(), [&](const cell& a, const cell& b) { return get(a) < get(b); });
  return get(cells[cells.size() / 2]);
}

void compare(const std::string& self, double seconds, int rounds) {
  const bool wrk = have_wrk();
  std::printf("load: %s, %g s per cell, %d rounds\n", wrk ? "wrk" : "built in", seconds, rounds);
  std::map<std::pair<int, mode>, std::vector<cell>> all;
  for (int r = 0; r < rounds; ++r)
    for (int connections : {1, 16})
      for (std::size_t i = 0; i < std::size(modes); ++i) {
        const mode m = modes[(i + static_cast<std::size_t>(r)) % std::size(modes)];
        all[{connections, m}].push_back(measure(self, wrk, m, connections, seconds));
      }
  for (int connections : {1, 16}) {
    std::printf("\n%d connection%s\n%-16s %10s %10s %9s %9s %8s %9s\n", connections, connections > 1 ? "s" : "", "",
                "req/s", "best", "p50 us", "p99 us", "cpu us", "vs none");
    const double base = median(all[{connections, mode::no_actor}], [](auto& c) { return c.load.requests_per_second; });
    for (mode m : modes) {
      auto& cells = all[{connections, m}];
      const double rps = median(cells, [](auto& c) { return c.load.requests_per_second; });
      double best = 0;
      for (auto& c : cells) best = std::max(best, c.load.requests_per_second);
      std::printf("%-16s %10.0f %10.0f %9.1f %9.1f %8.2f %8.1f%%\n", name(m), rps, best,
                  median(cells, [](auto& c) { return c.load.p50_us; }),
                  median(cells, [](auto& c) { return c.load.p99_us; }),
                  median(cells, [](auto& c) { return c.cpu_us; }), 100 * (rps / base - 1));
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string first = argc > 1 ? argv[1] : "";
  if (first == "--serve") serve(static_cast<mode>(std::atoi(argv[2])));
  if (first == "--load") {
    const auto r = load(static_cast<std::uint16_t>(std::atoi(argv[2])), std::atoi(argv[3]), std::atof(argv[4]));
    std::printf("Requests/sec: %f\n50%% %fus\n99%% %fus\n", r.requests_per_second, r.p50_us, r.p99_us);
    return 0;
  }
  compare("/proc/self/exe", argc > 1 ? std::atof(argv[1]) : 2, argc > 2 ? std::atoi(argv[2]) : 5);
}
