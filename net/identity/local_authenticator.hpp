#pragma once
// Local keys, and tokens of local users (contract auth.md §1, §2, §9). Any thread.
#include <atomic>

#include "net/identity/authenticator.hpp"
#include "net/identity/local_identity.hpp"

namespace waggle {

class local_authenticator final : public authenticator {
 public:
  local_authenticator(local_identity& identity, const settings& config, const clock& time)
      : identity_(identity),
        cluster_mode_(config.cluster.enabled),
        query_key_(config.auth.allow_query_api_key),
        time_(time),
        guesses_(config.auth.failures) {}
  boost::asio::awaitable<result<principal_ptr>> identify(http_request& request) override;
  boost::asio::awaitable<result<principal_ptr>> check_key(const http_request& request, const principal& asker,
                                                          std::string_view key) override;
  bool admits_address(const principal& who, const ip_address& client) const override;
  door_counts counts() const override;
  bool mandatory() const override { return true; }
  bool public_routes_open() const override { return !cluster_mode_; }

  /// The request shows a local key or a token of a local user.
  bool is_shown_by(const http_request& request) const;

 private:
  result<principal_ptr> look(const http_request& request, bool blocked);

  local_identity& identity_;
  const bool cluster_mode_;
  const bool query_key_;
  const clock& time_;
  std::atomic<std::uint64_t> spoofed_user_ids_{0};
  auth_failures guesses_;  ///< at `check_key`: the good key that such a request comes with makes up for none of them
};

/// Cluster mode with `auth.enabled`: HiveHub vouches for tenants, local accounts operate the node.
class local_beside_hub final : public authenticator {
 public:
  local_beside_hub(std::unique_ptr<local_authenticator> local, std::unique_ptr<authenticator> hub)
      : local_(std::move(local)), hub_(std::move(hub)) {}
  boost::asio::awaitable<result<principal_ptr>> identify(http_request& request) override;
  boost::asio::awaitable<result<principal_ptr>> check_key(const http_request& request, const principal& asker,
                                                          std::string_view key) override;
  bool suspended(const tenant_id& tenant) override { return hub_->suspended(tenant); }
  door_counts counts() const override;
  bool mandatory() const override { return true; }

 private:
  const std::unique_ptr<local_authenticator> local_;
  const std::unique_ptr<authenticator> hub_;
};

}  // namespace waggle
