#pragma once
// Users who log in: password in, token out, token checked, token revoked. One per node; any worker's coroutine.
#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "net/bridge/node_records.hpp"
#include "net/identity/identity_book.hpp"
#include "net/identity/login_guard.hpp"
#include "net/identity/password_hasher.hpp"

namespace waggle {

struct session_token {
  std::string text;
  std::int64_t expires_in_s = 0;
  std::string user_id, username;
  std::vector<std::string> roles;
  principal_ptr who;
};

struct session_settings {
  std::string secret;         ///< of the tokens' signatures
  std::int64_t lifetime_s = 3600;
  std::string other_hash;     ///< what a password is checked against where there is no user
};

class sessions {
 public:
  sessions(const identity_book& book, node_records& records, password_hasher& hasher, login_guard& guard,
           const clock& time, session_settings config)
      : book_(book), records_(records), hasher_(hasher), guard_(guard), time_(time), config_(std::move(config)) {}

  /// INVALID_CREDENTIALS, for an unknown name after the same work as for a wrong password; AUTH_RATE_LIMIT.
  boost::asio::awaitable<result<session_token>> login(std::string username, std::string password, std::string address);
  /// The user, when this is their password. Failures as `login`.
  boost::asio::awaitable<result<live_user_ptr>> prove(std::string username, std::string password, std::string address);
  /// AUTH_INVALID_KEY, AUTH_KEY_EXPIRED.
  result<principal_ptr> check(std::string_view token) const;
  /// A new token for who has shown one.
  result<session_token> refresh(const principal& who) const;
  /// The token that was shown lets nobody in any more.
  boost::asio::awaitable<result<void>> logout(const principal& who);

 private:
  result<session_token> token_for(const live_user& user) const;
  std::int64_t now_s() const { return time_.unix_ms() / 1000; }

  const identity_book& book_;
  node_records& records_;
  password_hasher& hasher_;
  login_guard& guard_;
  const clock& time_;
  const session_settings config_;
};

}  // namespace waggle
