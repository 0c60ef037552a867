// Events are made complete here: id, time, and the hash of a key that the hub knows.
#include <fmt/format.h>

#include "base/checksum.hpp"
#include "base/text_out.hpp"
#include "base/uuid.hpp"
#include "tools/mock-hub/hub.hpp"

namespace waggle::mock {
namespace {
std::string hex(const std::array<std::uint8_t, 32>& bytes) {
  std::string out;
  for (const auto byte : bytes) out += fmt::format("{:02x}", byte);
  return out;
}
}  // namespace

event_push hub::prepare_events(const request& call) {
  auto body = parse_object(call.body);
  event_push push;
  push.nodes = find_texts(body, "nodes").value_or(std::vector<std::string>());
  if (push.nodes.empty()) throw refusal(400, "nodes is missing");
  if (const auto* headers = find_object(body, "headers"))
    for (const auto& header : *headers) push.headers[std::string(header.key())] = required_text(*headers, header.key());
  const auto* events = body.if_contains("events");
  if (!events || !events->is_array()) throw refusal(400, "events must be a list");
  json::array complete;
  for (const auto& item : events->get_array()) {
    if (!item.is_object()) throw refusal(400, "an event must be an object");
    auto event = item.get_object();
    required_text(event, "type");
    if (!event.contains("id")) event["id"] = new_uuid_v4();  // not drawn: it is no change of the records
    if (!event.contains("at")) event["at"] = format_rfc3339(now());
    if (const auto key_id = find_text(event, "key_id"); key_id && !event.contains("key_sha256")) {
      const auto found = records_.state.keys().find(*key_id);
      if (found != records_.state.keys().end()) event["key_sha256"] = hex(sha256(found->second.secret));
    }
    complete.emplace_back(std::move(event));
  }
  json::object out;
  out["events"] = std::move(complete);
  push.body = json::serialize(out);
  return push;
}

}  // namespace waggle::mock
