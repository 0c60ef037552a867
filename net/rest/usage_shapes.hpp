#pragma once
// What a tenant holds and may have, as JSON (contract rest.md §7, §8). Pure; any thread.
#include <optional>
#include <string>

#include "base/text_out.hpp"
#include "net/usage/tenant_limits.hpp"
#include "storage/apply/records.hpp"

namespace waggle::rest {

/// 0 where there is no limit.
double usage_percent(std::uint64_t used, const std::optional<std::uint64_t>& limit);
/// null for a limit that there is not.
void write_quota_limit(json_writer& w, std::string_view name, const std::optional<std::uint64_t>& limit);
/// null for a time that is 0.
void write_moment(json_writer& w, std::string_view name, std::int64_t unix_ms);
/// `period_start` and `period_end` of the UTC month.
void write_period(json_writer& w, std::int64_t now_unix_ms);
/// The object of GET /hub/usage/quota.
void write_quota(json_writer& w, const tenant_id& tenant, const tenant_limits& limits, const tenant_record& account,
                 std::int64_t now_unix_ms);

}  // namespace waggle::rest
