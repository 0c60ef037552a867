#pragma once
// What is said to HiveHub and how its answers are read (contract hub.md §1–§3). Pure; any thread.
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

/// What HiveHub thinks of growth that the node itself would allow.
struct growth_opinion {
  bool allowed = true;
  std::optional<std::uint64_t> limit, remaining;  ///< where it says so
};
/// `operation`: create_collection or insert; `size`: collections or points.
std::string check_quota_request(const tenant_id& user, std::string_view operation, std::uint64_t size);
/// None when HiveHub does not know the user: that is no opinion.
result<std::optional<growth_opinion>> read_check_quota_answer(int status, std::string_view body);

/// Who asks, in every request. `may_repeat`: HiveHub shall carry it out once, however often it comes.
std::vector<std::pair<std::string, std::string>> hub_headers(std::string_view service_key, std::string_view service,
                                                             bool may_repeat);

/// `METHOD template` of the path map, `{service}` filled in: the path. VALIDATION_ERROR when the method is another.
result<std::string> read_hub_path(std::string_view operation, std::string_view entry, std::string_view method,
                                  std::string_view service);
/// With `{user_id}` filled in.
std::string with_user(std::string path, const tenant_id& user);

}  // namespace waggle
