// What was done (contract rest.md §9, auth.md §13): a tenant reads its own records, an operator all.
#include <algorithm>

#include "base/limits.hpp"
#include "base/text_out.hpp"
#include "net/audit/audit_reader.hpp"
#include "net/rest/audit_trail.hpp"
#include "net/rest/handlers.hpp"

namespace waggle::rest {
namespace {
constexpr std::size_t entries_default = 200;
/// Of the files, for one answer: a tenant with few records among many asks again with the cursor that it gets.
constexpr std::size_t bytes_looked_at_max = 32u << 20;
/// In one turn on the blocking pool, where others wait.
constexpr std::size_t piece_bytes = 1u << 20;

/// A time under either of two names; "" when there is none.
result<std::string> time_of(const http_request& http, std::string_view name, std::string_view alias) {
  const auto first = http.parameter(name), second = http.parameter(alias);
  if (first && second && *first != *second) return failure::validation(alias, "contradicts " + std::string(name));
  if (!first && !second) return std::string();
  auto time = read_audit_time(first ? *first : *second);
  if (!time) return failure::validation(first ? name : alias, "must be a time in UTC: 2026-01-31 or 2026-01-31T12:00:00Z");
  return std::move(*time);
}

/// Whose records: a tenant's are its own. Another's are not there for it.
result<std::string> tenant_of(handler_context& c) {
  const auto text = c.http().parameter("tenant_id");
  tenant_id asked;
  if (text && !parse_uuid(*text, asked.bytes)) return failure(ec::invalid_user_id);
  if (c.who->may.operator_scope) return text ? to_string(asked) : std::string();
  if (!c.who->tenant) return failure(ec::tenant_required);
  if (text && asked != *c.who->tenant) return failure(ec::tenant_not_found);
  return to_string(*c.who->tenant);
}

result<audit_query> query_of(handler_context& c) {
  auto tenant = tenant_of(c);
  if (!tenant) return tenant.error();
  auto from = time_of(c.http(), "from", "since");
  if (!from) return from.error();
  auto to = time_of(c.http(), "to", "until");
  if (!to) return to.error();
  audit_query query;
  query.only_tenant = std::move(*tenant);
  query.as_operator = c.who->may.operator_scope;
  query.actor = c.http().parameter("actor").value_or("");
  query.action = c.http().parameter("action").value_or("");
  query.from = std::move(*from);
  query.to = std::move(*to);
  return query;
}

http_response page(const std::vector<std::string>& entries, const std::string& cursor) {
  std::string out;
  json_writer w(out);
  w.begin_object().key("entries").begin_array();
  for (const auto& entry : entries) w.raw(entry);
  w.end_array().member("total", entries.size());
  if (!cursor.empty()) w.member("next_cursor", cursor);
  w.end_object();
  return json_response(std::move(out));
}

}  // namespace

answer read_audit(handler_context& c) {
  if (!c.audit) co_return failure(ec::route_not_found, "No such route; it comes with audit.enabled");
  auto query = query_of(c);
  if (!query) co_return query.error();
  const auto limit = query_number(c.http(), "limit", entries_default, 1);
  if (!limit) co_return limit.error();
  const auto most = std::min<std::size_t>(*limit, limits::list_page_items_max);
  // A cursor is its reader's: of another tenant it is no cursor.
  const std::string reader = query->as_operator ? "operator" : query->only_tenant;
  audit_position from;
  if (const auto cursor = c.http().parameter("cursor")) {
    auto position = unseal_position(*cursor, reader, c.audit->cursor_key());
    if (!position) co_return failure::validation("cursor", "must be a next_cursor of this route, from this run of the node");
    from = std::move(*position);
  }
  audit_reader records(c.audit->directory(), std::move(*query), std::move(from));
  bool more = true;
  for (std::size_t looked_at = 0; more && looked_at < bytes_looked_at_max && records.entries().size() < most;
       looked_at += piece_bytes) {
    if (c.scope.deadline_ms() == 0) break;
    auto step = [&records, most] { return records.read(piece_bytes, most); };
    auto read = co_await c.db.read_disk(c.scope, std::move(step));
    if (!read) co_return read.error();
    more = *read;
  }
  const auto cursor = more ? seal_position(records.position(), reader, c.audit->cursor_key()) : std::string();
  co_return page(records.entries(), cursor);
}

}  // namespace waggle::rest
