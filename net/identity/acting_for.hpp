#pragma once
// Whom a request acts for besides who sends it (contract auth.md §3), and what counts as guessing. Pure; any thread.
#include <optional>

#include "net/auth/principal.hpp"
#include "net/http/types.hpp"

namespace waggle {

/// `x-hivehub-user-id`. INVALID_USER_ID.
result<std::optional<tenant_id>> user_of(const http_request& request);
/// The operator may act for any tenant; anybody else for themselves only.
bool may_act_for(const principal& who, const std::optional<tenant_id>& user);
/// Who acts for a tenant that is not its own says so; who may not: FORBIDDEN.
result<principal_ptr> acting_for(principal_ptr who, const std::optional<tenant_id>& user);
/// An operator of all, anybody else of its own tenant's keys and the one that it came with.
bool may_learn_of(const principal& asker, const principal& key);
/// What somebody who guesses would meet.
bool is_guess(ec code);

}  // namespace waggle
