#pragma once
// What is kept of local keys, users and revoked tokens, and its JSON (docs/formats/identity-records.md). Pure; any thread.
// Times are unix seconds. Bad text: ec::corrupt_data.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "net/auth/rate_windows.hpp"
#include "net/identity/local_permissions.hpp"

namespace waggle {

inline constexpr std::string_view keys_space = "keys";                      ///< by key id
inline constexpr std::string_view users_space = "users";                    ///< by user name
inline constexpr std::string_view revoked_tokens_space = "revoked_tokens";  ///< by `jti`

inline constexpr std::string_view addresses_space = "addresses";            ///< by tenant

struct key_record {
  std::string name;
  std::string digest;  ///< of the secret
  std::string kind = "api";
  wanted_grant grant;
  std::string user_id;               ///< who made it
  std::optional<tenant_id> tenant;   ///< none: not bound
  rate_limits own_limits;
  std::int64_t created_at = 0;
  std::int64_t expires_at = 0;   ///< 0 = never
  std::string rotated_to;        ///< id of the key that replaces it; "" = none
  std::int64_t grace_until = 0;  ///< with `rotated_to`
};
std::string encode_key(const key_record& record);
result<key_record> decode_key(std::string_view json);

struct user_record {
  std::string user_id;
  std::string password;  ///< Argon2id, encoded
  std::vector<std::string> roles;
  std::optional<tenant_id> tenant;
  std::int64_t created_at = 0;
  std::uint64_t generation = 0;  ///< grows with each new password: tokens of an earlier one are void
};
std::string encode_user(const user_record& record);
result<user_record> decode_user(std::string_view json);
/// Of the node, not of a tenant.
bool is_administrator(const user_record& user);

struct revoked_token {
  std::int64_t expires_at = 0;  ///< forgotten then: the token is void by itself
};
std::string encode_revoked_token(const revoked_token& record);
result<revoked_token> decode_revoked_token(std::string_view json);

/// From where a tenant's own clients may come.
struct addresses_record {
  std::vector<std::string> allowlist, blocklist;  ///< addresses and networks; an empty allowlist is none
};
std::string encode_addresses(const addresses_record& record);
result<addresses_record> decode_addresses(std::string_view json);

}  // namespace waggle
