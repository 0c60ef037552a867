#pragma once
// The hub's operations (the service key is checked already): state in, answer out. Throws `refusal`. Pure. One thread.
#include <deque>

#include "tools/mock-hub/hub_state.hpp"
#include "tools/mock-hub/routes.hpp"
#include "tools/mock-hub/types.hpp"
#include "tools/mock-hub/usage_book.hpp"

namespace waggle::mock {

/// Everything that the hub keeps and that a reset throws away.
struct hub_records {
  explicit hub_records(std::uint64_t rng_seed) : state(rng_seed) {}
  hub_state state;
  usage_book usage;
  std::deque<json::value> logs;  ///< the last `logs_max` entries
  std::int64_t logs_received = 0;
};

inline constexpr std::size_t logs_max = 100'000;

answer serve_operation(hub_records& records, const route_match& route, const request& call, unix_ms now);

}  // namespace waggle::mock
