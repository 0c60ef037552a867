#pragma once
// Making and deleting local users, and their passwords. One per node; any worker's coroutine.
#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "net/bridge/node_records.hpp"
#include "net/identity/identity_book.hpp"
#include "net/identity/password_hasher.hpp"

namespace waggle {

struct user_request {
  std::string username, password;
  std::vector<std::string> roles;
  std::optional<tenant_id> tenant;
};

class user_changes {
 public:
  user_changes(const identity_book& book, node_records& records, password_hasher& hasher, const clock& time)
      : book_(book), records_(records), hasher_(hasher), time_(time) {}

  /// VALIDATION_ERROR, FORBIDDEN (roles that `by` has not), USER_EXISTS.
  boost::asio::awaitable<result<live_user_ptr>> create(const principal& by, user_request wanted);
  /// USER_NOT_FOUND; CONFLICT for the last administrator. The user's tokens are void when answered.
  boost::asio::awaitable<result<void>> erase(const principal& by, std::string username);
  /// Voids all tokens that the user has.
  boost::asio::awaitable<result<void>> set_password(const principal& by, std::string username, std::string password);

 private:
  result<void> may_bind(const std::optional<tenant_id>& tenant) const;

  const identity_book& book_;
  node_records& records_;
  password_hasher& hasher_;
  const clock& time_;
};

}  // namespace waggle
