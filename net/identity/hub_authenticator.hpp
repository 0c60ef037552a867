#pragma once
// Cluster mode: keys that HiveHub vouches for, and requests of HiveHub's own services (contract auth.md §2, §3). Any thread.
#include "net/identity/authenticator.hpp"
#include "net/hub/hub_client.hpp"

namespace waggle {

class hub_authenticator final : public authenticator {
 public:
  hub_authenticator(hub_client& hub, const settings& config);
  boost::asio::awaitable<result<principal_ptr>> identify(const http_request& request) override;
  bool mandatory() const override { return true; }

 private:
  result<principal_ptr> service(std::string_view secret, const std::optional<tenant_id>& user) const;

  hub_client& hub_;
  const auth_settings config_;
  std::vector<std::array<std::uint8_t, 32>> secrets_;  ///< SHA-256 of each
};

}  // namespace waggle
