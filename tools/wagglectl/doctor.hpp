#pragma once
// What `wagglectl doctor` found, one entry per check. The judgements are pure, so that tests need no sick machine.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "tools/wagglectl/disk_probe.hpp"
#include "tools/wagglectl/endpoint.hpp"

namespace waggle::ctl {

enum class verdict { ok, warning, fault, skipped };
std::string_view verdict_name(verdict v);

struct finding {
  std::string check;  ///< stable name, part of the JSON output
  verdict result = verdict::ok;
  std::string detail;
  std::string remedy;  ///< empty when ok
};

finding judge_version(std::string_view client, std::string_view server);
finding judge_health(int http_status, json_value health);
finding judge_space(const disk_space& space);
finding judge_fsync(const fsync_latency& latency);
finding judge_open_files(std::uint64_t soft_limit);
/// `open_answer`: the node served tenant data to a request without a credential.
finding judge_exposure(const endpoint& where, bool open_answer);
finding judge_collections(json_value collections);
/// `skew_ms` = server − client, `uncertainty_ms` = how far the measurement itself may be off.
finding judge_clock(std::optional<std::int64_t> skew_ms, std::int64_t uncertainty_ms);

}  // namespace waggle::ctl
