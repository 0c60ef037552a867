#pragma once
// The mock hub without its sockets: records, faults, journal, virtual clock, change log. Two doors: `arrive` and
// `carry_out` for the hub's own requests, `control` for /__mock. One thread; nothing here waits.
//
//   hub request ─▶ arrive (journal, faults) ─▶ carry_out (key, operation, change log) ─▶ answered (journal)
#include <fstream>
#include <functional>

#include "tools/mock-hub/faults.hpp"
#include "tools/mock-hub/operations.hpp"

namespace waggle::mock {

struct hub_options {
  std::string service_key;
  std::uint64_t rng_seed = 0;
  json::object seed;      ///< see seed_file.hpp
  std::string state_dir;  ///< empty: the state ends with the process
};

/// A request that arrived: its place in the journal, where it goes, and what will go wrong.
struct arrival {
  std::int64_t number = 0;
  std::optional<route_match> route;
  fault_plan plan;
};

/// Events ready to be sent: the body, and where it goes with which headers.
struct event_push {
  std::vector<std::string> nodes;  ///< "http://host:port"
  std::map<std::string, std::string> headers;
  std::string body;
};

class hub {
 public:
  /// Throws std::runtime_error when the state directory can't be used, `refusal` when the seed makes no sense.
  hub(hub_options options, std::function<unix_ms()> real_time);

  arrival arrive(const request& call);
  answer carry_out(const arrival& from, const request& call);
  /// What was sent back; nothing is said when the connection was reset or left silent.
  void answered(const arrival& from, int status);

  answer control(const request& call);
  event_push prepare_events(const request& call);  ///< throws refusal
  fault_plan plan_connection() { return faults_.plan(connect_operation); }
  /// Called with how long to refuse connections: 0 = until it is called with nothing.
  std::function<void(std::optional<std::int64_t> ms)> on_refuse;

 private:
  friend class control_api;
  void start_over(unix_ms at);
  void apply_seed(unix_ms at);
  answer change(const std::string& door, const request& call, unix_ms at);
  void open_change_log();
  void write_line(const json::object& line);
  json::object* journal_entry(std::int64_t number);
  void log_change(const std::string& door, const request& call, unix_ms at);
  unix_ms now() const { return real_time_() + clock_offset_ms_; }

  hub_options options_;
  std::function<unix_ms()> real_time_;
  hub_records records_;
  fault_table faults_;
  std::int64_t clock_offset_ms_ = 0;
  std::deque<json::object> journal_;
  std::int64_t arrived_ = 0;                        ///< since the start of the process
  std::map<std::string, std::int64_t> arrived_of_;  ///< by operation, since the journal was cleared
  std::ofstream change_log_;
};

}  // namespace waggle::mock
