#include "tools/wagglectl/import/batch_sender.hpp"

#include <algorithm>

#include "tools/wagglectl/api.hpp"
#include "tools/wagglectl/json_access.hpp"

namespace waggle::ctl {
namespace {

bool worth_another_try(const outcome<http_response>& last) {
  if (!last) return last.error().code == exit_code::unreachable;
  switch (last->status) {
    // A used-up quota does not come back within seconds; every other 429 is about pace.
    case 429: return error_code_of(*last) != "QUOTA_EXCEEDED";
    case 408:
    case 502:
    case 503:
    case 504: return true;
    default: return false;
  }
}

outcome<batch_result> read_answer(const import_batch& batch, const http_response& response) {
  json_parser parser;
  const auto root = parser.parse(response.body);
  if (!root || !root->is_object())
    return command_failure(exit_code::failed, "The node's answer to a batch is not JSON");
  batch_result out;
  const auto results = (*root)["results"];
  if (results.is_array()) {
    for (const auto item : results.as_array()) {
      const json_value result(item);
      std::uint64_t index = 0;
      if (text_of(result["status"]) != "error" || !result["index"].get_uint64(index)) continue;
      if (index >= batch.positions.size())
        return command_failure(exit_code::failed, "The node's answer names an item that was not sent");
      std::string reason = "the node rejected it: ";
      reason += result["error"].is_string() ? text_of(result["error"]) : text_of(result["error_type"]);
      out.rejected.push_back({batch.positions[index], std::move(reason)});
    }
  }
  // Every record is either taken or named; anything else (a proxy's own 200, a miscount) must not pass for success.
  std::uint64_t taken = 0;
  if (!(*root)["successful_operations"].get_uint64(taken) || taken + out.rejected.size() != batch.positions.size())
    return command_failure(exit_code::failed, "The node's answer does not account for every record of a batch");
  return out;
}

}  // namespace

int batch_sender::pause_before(std::uint32_t attempt, const outcome<http_response>& last) const {
  std::int64_t pause = std::int64_t{policy_.first_pause_ms} << std::min<std::uint32_t>(attempt, 20);
  if (last && last->retry_after_seconds) pause = std::max(pause, std::int64_t{*last->retry_after_seconds} * 1000);
  return static_cast<int>(std::min<std::int64_t>(pause, policy_.pause_ms_max));
}

outcome<batch_result> batch_sender::send(const import_batch& batch) {
  if (batch.positions.empty()) return batch_result{};
  http_request request;
  request.method = "POST";
  request.target = batch.what == import_batch::kind::vectors ? "/insert_vectors" : "/insert_texts";
  request.body = batch.body;
  request.headers.emplace_back("X-Waggle-Request-Id", batch.request_id);
  request.repeatable = true;
  for (std::uint32_t attempt = 0;; ++attempt) {
    auto response = client_.send(request);
    if (response && response->status >= 200 && response->status <= 299) {
      auto answer = read_answer(batch, *response);
      if (answer) answer->retries = attempt;
      return answer;
    }
    const bool again = attempt < policy_.retries_max && worth_another_try(response);
    if (!again || !pause_(pause_before(attempt, response))) return response ? failure_of(*response) : response.error();
  }
}

}  // namespace waggle::ctl
