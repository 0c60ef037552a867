#pragma once
// What is said to HiveHub and how its answers are read (contract hub.md §1–§3). Pure; any thread.
#include <optional>
#include <string>
#include <string_view>

#include "net/auth/principal.hpp"

namespace waggle {

std::string validate_key_request(std::string_view key);

/// HiveHub's word on something: a value, or a refusal. A refusal is not remembered.
template <class Value>
struct hub_verdict {
  Value value{};
  std::optional<failure> refusal;
};

// Answers of status 2xx and 404. IO_ERROR when one is not what the contract says: it says nothing about the key or the user.

/// Who a key belongs to, or AUTH_INVALID_KEY, AUTH_KEY_EXPIRED, FORBIDDEN. `prefix` is what may be shown of the key.
result<hub_verdict<principal_ptr>> read_key_answer(int status, std::string_view body, std::string_view prefix);
/// Whether the user is active; TENANT_SUSPENDED for one that is unknown: who asks learns no more than of a suspended one.
result<hub_verdict<bool>> read_user_answer(int status, std::string_view body, const tenant_id& user);

/// A limit as HiveHub gives it: not at all (then the configured one holds), without end, or a number.
struct said_limit {
  bool said = false;
  std::optional<std::uint64_t> most;
};
struct hub_quota {
  said_limit collections, points, bytes, per_minute, per_hour, per_day, per_month;
  std::int64_t said_ms = 0;     ///< 0: it was not asked
  std::int64_t expires_ms = 0;  ///< of its lease; 0: it gave none
};
/// Flat or under `quota`, in each shape of hub.md §3. A user that HiveHub does not know has no limits said.
result<hub_verdict<hub_quota>> read_quota_answer(int status, std::string_view body);

/// `METHOD template` of the path map, `{service}` filled in: the path. VALIDATION_ERROR when the method is another.
result<std::string> read_hub_path(std::string_view operation, std::string_view entry, std::string_view method,
                                  std::string_view service);
/// With `{user_id}` filled in.
std::string with_user(std::string path, const tenant_id& user);

}  // namespace waggle
