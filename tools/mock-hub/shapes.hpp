#pragma once
// What the mock hub's answers look like, and how users and keys are read from JSON. Pure.
#include "tools/mock-hub/hub_state.hpp"
#include "tools/mock-hub/usage_book.hpp"

namespace waggle::mock {

user read_user(const json::object& from, unix_ms now);
access_key read_key(const json::object& from, unix_ms now);
/// Members of `from` replace limits: null = unlimited.
void read_limits(limit_map& limits, const json::object& from);

json::object user_body(const user& who);
/// For the control API and the key's owner: with the key itself.
json::object key_body(const access_key& key, unix_ms now);
/// The answer to validate_key.
json::object validation_body(const access_key& key, const user& owner, unix_ms now);

/// The quota answer in the user's shape: "limits" as the port normalises it, "max" {max_vectors, …}, "operations"
/// {storage_limit_bytes, monthly_operations_limit, …}, or "groups" {storage{limit, used}, …}.
json::object quota_body(const user& who, const counters& used);
bool is_quota_shape(std::string_view name);

json::object usage_body(const std::string& tenant_id, const tenant_usage& usage);
json::array collections_body(const tenant_usage& usage);

}  // namespace waggle::mock
