#pragma once
// Which requests go wrong, and how. A rule looks only at the requests of its operation and draws from its own
// generator, so the same seed and the same order of those requests give the same faults. Pure. One thread.
#include <random>

#include "tools/mock-hub/json_access.hpp"

namespace waggle::mock {

enum class fault_kind {
  latency,     ///< waits, then goes on
  duplicate,   ///< carried out twice, then goes on
  status,      ///< answers with `status`
  reject_key,  ///< answers 401, as if the service key were wrong
  reset,       ///< the connection is reset
  hang,        ///< no answer; the connection stays open (after = half-open)
  slow,        ///< the answer drips
  truncated,   ///< half of the announced body, then the end
  malformed,   ///< no JSON
  wrong_type,  ///< JSON in which every member has another type
  oversized,   ///< JSON with padding
  tls,         ///< a handshake that fails; counted in connections
  refuse       ///< nobody listens, and no connection stays
};

struct fault {
  fault_kind kind = fault_kind::status;
  bool after = false;  ///< status, reset, hang: once the request was carried out
  int status = 503;
  std::optional<std::int64_t> retry_after_seconds;
  std::int64_t ms = 0, ms_max = 0;  ///< latency; pause between pieces; how long to refuse (0 = until cleared)
  std::int64_t bytes = 0;           ///< size of a piece; size of an oversized body
};

/// What happens to one request.
struct fault_plan {
  json::array rules;  ///< ids of the rules that fired
  std::int64_t delay_ms = 0;
  int times = 1;              ///< how often it is carried out
  std::optional<fault> last;  ///< the first rule that decides about the answer
};

class fault_table {
 public:
  explicit fault_table(std::uint64_t rng_seed) : rng_seed_(rng_seed) {}
  /// The fault and the rule's id. {"kind", "operation" = "*", "probability" = 1, "count", "pass", "fail", "when", …}
  std::pair<fault, std::int64_t> add(const json::object& description);
  void remove(std::int64_t id);  ///< 404
  void clear() { rules_.clear(); }
  bool refusing() const;
  fault_plan plan(std::string_view operation);
  json::array list() const;

 private:
  struct rule {
    std::int64_t id = 0;
    json::object description;
    std::string operation;
    fault what;
    double probability = 1;
    std::optional<std::int64_t> count;
    std::int64_t pass = 0, fail = 0;  ///< lets `pass` requests through, then looks at `fail`, and again
    std::int64_t seen = 0, fired = 0;
    std::mt19937_64 draws;
  };
  static bool fires(rule& r);
  std::uint64_t rng_seed_;
  std::int64_t next_id_ = 1;
  std::vector<rule> rules_;
};

/// The body of an answer as the fault leaves it.
std::string spoil(const fault& what, std::string body);

}  // namespace waggle::mock
