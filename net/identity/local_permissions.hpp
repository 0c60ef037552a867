#pragma once
// The words that say what local keys and users may do (contract auth.md §4): `read`, `write`, `delete`, single functions,
// the four permissions, roles. Pure; any thread.
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/auth/principal.hpp"

namespace waggle {

/// A collection that a key is limited to, with the words for it.
struct written_scope {
  std::string collection;
  std::vector<std::string> permissions;
  bool operator==(const written_scope&) const = default;
};

bool is_local_permission(std::string_view word);
bool is_role(std::string_view word);

/// What the words add up to; those that are none add nothing.
rights rights_of_words(std::span<const std::string> words);
rights rights_of_roles(std::span<const std::string> roles);

/// What is asked for a key.
struct wanted_grant {
  std::vector<std::string> permissions;
  std::optional<std::vector<std::string>> functions;
  std::optional<std::vector<written_scope>> scopes;
};
/// FORBIDDEN unless `giver` holds all of it: nobody gives what they have not.
result<void> may_grant(const principal& giver, const wanted_grant& wanted, bool read_write_manages_collections);
/// Likewise for a user's roles.
result<void> may_grant_roles(const principal& giver, std::span<const std::string> roles);

}  // namespace waggle
