#include "actors/runtime/ask.hpp"

#include <algorithm>
#include <caf/exit_reason.hpp>
#include <caf/sec.hpp>
#include <string>

#include "base/limits.hpp"

namespace waggle {

failure from_caf(const caf::error& why) {
  if (why == caf::sec::request_timeout) return failure(ec::deadline_exceeded);
  if (why == caf::sec::request_receiver_down || why.category() == caf::atom("exit")) return failure(ec::tenant_unavailable);
  return failure::internal("actor replied with " + caf::to_string(why));
}

namespace ask_detail {

failure read_other_reply(const caf::mailbox_element* reply) {
  if (!reply) return failure::internal("the actor dropped a request without a reply");
  const auto& content = reply->content();
  if (content.size() == 1 && content.match_element<caf::error>(0)) return from_caf(content.get_as<caf::error>(0));
  return failure::internal("an actor replied with an unexpected type: " + content.stringify());
}

int clamp_deadline(int deadline_ms) { return std::min(deadline_ms, limits::ask_deadline_ms_max); }

}  // namespace ask_detail

}  // namespace waggle
