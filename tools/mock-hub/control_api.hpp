#pragma once
// /__mock: what tests change and look at while the hub runs. README.md lists the calls. Made for one call; one thread.
#include "tools/mock-hub/hub.hpp"

namespace waggle::mock {

class control_api {
 public:
  control_api(hub& of, const request& call, unix_ms at) : hub_(of), state_(of.records_.state), call_(call), at_(at) {}
  answer serve();

 private:
  using parameters = std::map<std::string, std::string>;
  struct route;
  answer reset(const parameters&);
  answer list_users(const parameters&);
  answer add_user(const parameters&);
  answer show_user(const parameters&);
  answer edit_user(const parameters&);
  answer set_status(const parameters&);
  answer list_keys(const parameters&);
  answer add_key(const parameters&);
  answer show_key(const parameters&);
  answer act_on_key(const parameters&);
  answer show_quota(const parameters&);
  answer set_quota(const parameters&);
  answer list_faults(const parameters&);
  answer add_fault(const parameters&);
  answer remove_faults(const parameters&);
  answer show_journal(const parameters&);
  answer clear_journal(const parameters&);
  answer show_usage(const parameters&);
  answer show_logs(const parameters&);
  answer show_clock(const parameters&);
  answer advance_clock(const parameters&);
  std::int64_t query_number(const char* name, std::int64_t otherwise) const;

  hub& hub_;
  hub_state& state_;
  const request& call_;
  const unix_ms at_;
};

}  // namespace waggle::mock
