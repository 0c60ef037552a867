#pragma once
// A record as those see it who may read it (contract rest.md §9): a tenant its own ones, without what would tell of others; an
// operator all of requests. Pure; any thread.
#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace waggle {

/// Which records are asked for. Times are beginnings of RFC 3339 in UTC without the Z: they compare as text.
struct audit_query {
  std::string only_tenant;   ///< whose, "" = everybody's
  bool as_operator = false;  ///< else the tenant reads: of whoever acted for it, it sees what was done, not from where
  std::string actor;         ///< its id or kind, as shown; "" = any
  std::string action;        ///< the action or the function; "" = any
  std::string from, to;      ///< from inclusive, to exclusive; "" = no bound
};

/// "2026-01-31" or "2026-01-31T12:00:00[.123]Z", as it compares. Nothing for any other text.
std::optional<std::string> read_audit_time(std::string_view text);

/// Whether the line may be one that is asked for. Cheap; a record that is, always is.
class audit_line_filter {
 public:
  explicit audit_line_filter(const audit_query& query);
  bool may_be_asked_for(std::string_view line) const;

 private:
  std::string tenant_member_;
};

/// The record as JSON; nothing when it is not asked for.
std::optional<std::string> audit_entry(json_value record, const audit_query& query);

}  // namespace waggle
