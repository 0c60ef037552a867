#pragma once
// Local keys and users, all of it: who owns what.
//
//   log ─ take_records ─▶ identity_book ◀─ check ─ local_authenticator ◀─ every request
//    ▲                        ▲
//    └─ node_records ◀─ key_changes, user_changes, sessions ◀─ /auth routes (net/rest)
//
// One per node, owned by it. `book` may be used before `open`, to take what the log brings meanwhile.
#include <memory>
#include <string>

#include "net/config/settings.hpp"
#include "net/identity/identity_book.hpp"
#include "net/identity/key_changes.hpp"
#include "net/identity/sessions.hpp"
#include "net/identity/user_changes.hpp"
#include "net/metrics/metrics.hpp"

namespace waggle {

local_identity_policy local_policy_of(const settings& config);

class local_identity {
 public:
  /// Reads the records, makes what a first start makes. Blocking; main's thread, when the log accepts writes. The failure
  /// says what is wrong with a file or a setting.
  static result<std::unique_ptr<local_identity>> open(identity_book& book, node_records records, runtime& rt,
                                                      const settings& config, const clock& time,
                                                      metric_registry& metrics);

  const identity_book& book() const { return book_; }
  sessions& log_ins() { return *sessions_; }
  key_changes& keys() { return keys_; }
  user_changes& users() { return users_; }
  /// From where the tenant's own clients may come, effective when answered; empty lists: from anywhere. VALIDATION_ERROR names
  /// the list that holds something else.
  boost::asio::awaitable<result<void>> set_addresses(tenant_id tenant, addresses_record wanted);
  /// Failed credentials per client address, of keys and log-ins together.
  auth_failures& failures() { return failures_; }

 private:
  local_identity(identity_book& book, node_records records, runtime& rt, const settings& config, const clock& time);
  result<void> load();
  result<void> make_sessions(const settings& config, const clock& time);
  result<void> make_root(const settings& config, runtime& rt);
  void count(metric_registry& metrics);

  identity_book& book_;
  node_records records_;
  password_hasher hasher_;
  auth_failures failures_;
  login_guard guard_;
  key_changes keys_;
  user_changes users_;
  std::unique_ptr<sessions> sessions_;
};

}  // namespace waggle
