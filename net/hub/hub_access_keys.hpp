#pragma once
// Keys made, listed and revoked at HiveHub by an operator (contract hub.md §1, manage_keys): what is said and how answers are
// read. Pure; any thread.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace waggle {

struct hub_access_key {
  std::string id, name, user;
  std::vector<std::string> permissions;
  std::optional<std::vector<std::string>> functions;  ///< none: no limit
  std::string status;                                 ///< HiveHub's word on its rotation; "": it said nothing
  std::string created_at, expires_at;                 ///< RFC 3339; "": not said, never
  std::string secret;                                 ///< HiveHub tells it when it makes the key; "" otherwise
};

/// Asks for a key with the user, name, permissions, functions and end of `wanted`.
std::string create_key_request(const hub_access_key& wanted);
/// The body of a 2xx answer. IO_ERROR when it is not what the contract says.
result<hub_access_key> read_access_key(std::string_view body);
result<std::vector<hub_access_key>> read_access_keys(std::string_view body);

}  // namespace waggle
