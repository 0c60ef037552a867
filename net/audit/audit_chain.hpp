#pragma once
// The audit log's records and the chain that binds them (contract auth.md §13; docs/formats/audit-log.md). A line is the RFC
// 8785 form of a record: members sorted, no spaces, texts and integers only; so one record has one line, and a changed
// byte shows. Pure; any thread.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace waggle {

/// What a request was and how it ended. Texts are UTF-8.
struct audit_request {
  std::string function, permission_class, action;
  std::string actor_kind, actor_id, actor_key_prefix;
  std::string tenant_id;
  std::string on_behalf_of;  ///< left out when empty
  std::string target, protocol, method, route;
  int status = 0;
  std::string result;
  std::string reason;  ///< left out when empty
  std::string client_ip, user_agent, correlation_id;
  std::int64_t duration_ms = 0;
};

struct audit_record {
  std::int64_t unix_ms = 0;
  std::string event;
  std::optional<audit_request> request;  ///< none: a record of the chain about itself
  // Of the chain's own records.
  std::optional<std::string> previous_file, previous_hash, head, signature;
  std::optional<std::uint64_t> count;
};

/// So many records of requests stand between two checkpoints at most.
constexpr std::uint64_t records_per_checkpoint = 1000;

/// Where a chain stands: its last record. Before the first one: 0 and zeros.
struct chain_head {
  std::uint64_t seq = 0;
  std::string hash = std::string(64, '0');
  bool operator==(const chain_head&) const = default;
};

/// Appends the record's line, newline included, to `out`, and moves `head` on to it.
void append_audit_line(std::string& out, const audit_record& record, std::string_view node_id, chain_head& head);

/// What verification needs of a line.
struct audit_link {
  chain_head self;
  std::string prev_hash, event, previous_file, previous_hash, node_id, head, signature;
};
/// Nothing when the line, without its newline, isn't what some record's line would be, or its hash is not its own.
std::optional<audit_link> read_audit_line(std::string_view line, json_parser& parser);

}  // namespace waggle
