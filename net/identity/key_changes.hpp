#pragma once
// Making, changing, rotating and revoking local keys (contract auth.md §10). Everybody sees and changes the keys of their own
// tenant; the operator acting for nobody, all. One per node; any worker's coroutine.
#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "net/bridge/node_records.hpp"
#include "net/identity/identity_book.hpp"

namespace waggle {

struct key_request {
  std::string name;
  std::string kind = "api";
  wanted_grant grant;
  std::int64_t expires_in_s = 0;  ///< 0 = never
  std::optional<tenant_id> tenant;
  rate_limits own_limits;
};
struct made_key {
  std::string text;  ///< the only time that it is shown
  live_key_ptr key;
};
struct rotated_key {
  made_key fresh;
  std::int64_t grace_until = 0;
};

class key_changes {
 public:
  key_changes(const identity_book& book, node_records& records, const clock& time, std::int64_t rotation_grace_s)
      : book_(book), records_(records), time_(time), rotation_grace_s_(rotation_grace_s) {}

  std::vector<live_key_ptr> list(const principal& by) const;
  /// KEY_NOT_FOUND, for another tenant's too.
  result<live_key_ptr> find(const principal& by, const std::string& id) const;
  /// FORBIDDEN: more than `by` holds. TENANT_REQUIRED. CONFLICT: too many keys.
  boost::asio::awaitable<result<made_key>> create(const principal& by, key_request wanted);
  boost::asio::awaitable<result<live_key_ptr>> change(const principal& by, std::string id, wanted_grant wanted);
  /// A new key with the same rights; the old one works until the grace is over. CONFLICT: it is being replaced already.
  boost::asio::awaitable<result<rotated_key>> rotate(const principal& by, std::string id);
  /// Effective everywhere when answered.
  boost::asio::awaitable<result<void>> revoke(const principal& by, std::string id);

 private:
  bool sees(const principal& by, const key_record& key) const;
  result<std::optional<tenant_id>> tenant_for(const principal& by, const std::optional<tenant_id>& wanted) const;
  result<void> may_give(const principal& by, const wanted_grant& grant) const;
  std::int64_t now_s() const { return time_.unix_ms() / 1000; }

  const identity_book& book_;
  node_records& records_;
  const clock& time_;
  const std::int64_t rotation_grace_s_;
};

}  // namespace waggle
