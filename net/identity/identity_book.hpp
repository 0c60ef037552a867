#pragma once
// Local keys, users and revoked tokens as the log has them: the live copy that requests are checked against. The group hands
// in every change before its writer is answered, so a revocation holds when its 200 is sent. Any thread; time is an argument.
#include <atomic>
#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "net/auth/principal.hpp"
#include "net/identity/identity_records.hpp"
#include "net/identity/jwt.hpp"
#include "net/identity/key_usage.hpp"
#include "net/identity/local_key.hpp"
#include "storage/apply/state_machine.hpp"

namespace waggle {

/// What of the configuration decides who a local key or user is.
struct local_identity_policy {
  bool cluster_mode = false;  ///< else everybody belongs to the implicit tenant
  bool may_bind_tenants = false;  ///< keys and users of tenants: where no hub vouches for them
  rate_limits key_limits;     ///< of keys that have none of their own
  bool read_write_manages_collections = true;
};

struct live_key {
  std::string id;
  key_record record;
  std::uint64_t version = 0;
  principal_ptr who;
  std::shared_ptr<key_usage> usage;
};
using live_key_ptr = std::shared_ptr<const live_key>;

struct live_user {
  std::string name;
  user_record record;
  std::uint64_t version = 0;
};
using live_user_ptr = std::shared_ptr<const live_user>;

struct live_addresses {
  addresses_record record;
  tenant_ip_lists lists;
  std::uint64_t version = 0;
};
using live_addresses_ptr = std::shared_ptr<const live_addresses>;

class identity_book {
 public:
  explicit identity_book(const local_identity_policy& policy) : policy_(policy) {}
  const local_identity_policy& policy() const { return policy_; }

  /// Changes from the log, or what was read at start; each twice does no harm, an older one than known is ignored.
  void take(const std::vector<record_change>& changes);

  /// Whose key it is. Unknown and wrong cost the same and are one answer, AUTH_INVALID_KEY; AUTH_KEY_EXPIRED.
  /// `known_only`: AUTH_RATE_LIMIT for a key that has not been right since the start.
  result<principal_ptr> check_key(const local_key_text& key, std::int64_t now_unix_s, bool known_only) const;
  /// Whose token it is, by the user as they are now.
  result<principal_ptr> check_token(const jwt_claims& claims) const;

  live_key_ptr find_key(const std::string& id) const;
  live_user_ptr find_user(const std::string& name) const;
  /// Nothing: the tenant has no lists.
  live_addresses_ptr find_addresses(const tenant_id& tenant) const;
  std::vector<live_key_ptr> keys() const;  ///< by creation, then id
  std::vector<live_user_ptr> users() const;  ///< by name
  /// At most `most` tokens that are void by themselves by now.
  std::vector<std::string> outdated_tokens(std::int64_t now_unix_s, std::size_t most) const;

  /// Digests computed to check keys: the same for a wrong secret as for an unknown id.
  std::uint64_t digests_total() const { return digests_total_.load(std::memory_order_relaxed); }

 private:
  void take_key(const record_change& change);
  void take_user(const record_change& change);
  void take_token(const record_change& change);
  void take_addresses(const record_change& change);
  principal_ptr principal_of(const std::string& id, const key_record& record) const;
  std::optional<tenant_id> home_of(const std::optional<tenant_id>& bound) const;

  const local_identity_policy policy_;
  mutable std::shared_mutex mutex_;
  std::unordered_map<std::string, live_key_ptr> keys_;
  std::map<std::string, live_user_ptr> users_;
  std::unordered_map<std::string, revoked_token> revoked_;
  std::unordered_map<tenant_id, live_addresses_ptr> addresses_;
  mutable std::atomic<std::uint64_t> digests_total_{0};
};

}  // namespace waggle
