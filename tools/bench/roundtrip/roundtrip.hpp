#pragma once
// The parts of bench-roundtrip. Each server and each client is a process of its own, started by `main`.
#include <cstdint>
#include <string>

namespace roundtrip {

enum class mode { no_actor, caf_sharing, caf_stealing, ours };
inline constexpr mode modes[] = {mode::no_actor, mode::caf_sharing, mode::caf_stealing, mode::ours};
const char* name(mode m);

/// Serves GET on a port that the kernel picks, prints it on stdout, never returns. One thread runs sockets.
[[noreturn]] void serve(mode m);

struct load_result {
  double requests_per_second = 0;
  double p50_us = 0;
  double p99_us = 0;
};

/// The built-in closed-loop client, for hosts without wrk: `connections` keep-alive connections on one thread.
load_result load(std::uint16_t port, int connections, double seconds);

}  // namespace roundtrip
