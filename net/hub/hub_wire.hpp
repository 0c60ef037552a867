#pragma once
// What is said to HiveHub and how its answers are read (contract hub.md §1–§3). Pure; any thread.
#include <optional>
#include <string>
#include <string_view>

#include "net/auth/principal.hpp"

namespace waggle {

std::string validate_key_request(std::string_view key);

/// HiveHub's word on a key. Exactly one of the two: a principal, or why the key is refused (AUTH_INVALID_KEY,
/// AUTH_KEY_EXPIRED, FORBIDDEN).
struct key_verdict {
  principal_ptr who;
  std::optional<failure> refusal;
};
/// Reads a 2xx answer; `prefix` is what may be shown of the key. IO_ERROR when it is not what the contract says: such an
/// answer says nothing about the key.
result<key_verdict> read_key_answer(std::string_view body, std::string_view prefix);

/// `METHOD template` of a path map, `{service}` filled in: the path. Only POST makes sense for validate_key.
result<std::string> read_post_path(std::string_view entry, std::string_view service);

}  // namespace waggle
