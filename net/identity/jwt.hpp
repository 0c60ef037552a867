#pragma once
// JSON Web Tokens of this node (RFC 7519), signed with HMAC-SHA256 and nothing else: the token's `alg` is compared, never
// obeyed. Pure; any thread.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace waggle {

struct jwt_claims {
  std::string user_id;  ///< also `sub`
  std::string username;
  std::vector<std::string> roles;
  std::string tenant_id;  ///< "" = none
  std::vector<std::string> scopes;
  std::uint64_t generation = 0;  ///< of the user's password: `gen`. A token of an earlier one is void
  std::int64_t issued_at = 0;    ///< unix seconds
  std::int64_t expires_at = 0;
  std::string id;  ///< `jti`
};

/// Three non-empty parts between dots, whatever they hold.
bool has_jwt_shape(std::string_view text);

/// `header.payload.signature` of any payload.
std::string sign_jwt(std::string_view payload, std::string_view secret);
/// The payload of a token that was signed with HS256 and this secret; none for any other.
std::optional<std::string> open_jwt(std::string_view token, std::string_view secret);

std::string issue_jwt(const jwt_claims& claims, std::string_view secret);
/// AUTH_INVALID_KEY; AUTH_KEY_EXPIRED when only its time is over. The time of issue must not lie in the future by more than
/// a minute.
result<jwt_claims> check_jwt(std::string_view token, std::string_view secret, std::int64_t now_unix_s);

}  // namespace waggle
