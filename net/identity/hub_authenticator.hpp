#pragma once
// Cluster mode: keys that HiveHub vouches for, and requests of HiveHub's own services (contract auth.md §2, §3, §7, §9). Any
// thread.
#include <array>
#include <atomic>

#include "net/auth/auth_failures.hpp"
#include "net/auth/request_signature.hpp"
#include "net/hub/hub_client.hpp"
#include "net/identity/authenticator.hpp"

namespace waggle {

class hub_authenticator final : public authenticator {
 public:
  /// VALIDATION_ERROR that names the key of the configuration which can't be used.
  static result<std::unique_ptr<hub_authenticator>> make(hub_client& hub, const settings& config, const clock& time,
                                                         metric_registry& metrics);
  boost::asio::awaitable<result<principal_ptr>> identify(http_request& request) override;
  boost::asio::awaitable<result<principal_ptr>> check_key(const http_request& request, const principal& asker,
                                                          std::string_view key) override;
  bool suspended(const tenant_id& tenant) override { return hub_.known_inactive(tenant); }
  door_counts counts() const override {
    return {failures_.blocks_total() + guesses_.blocks_total(), spoofed_user_ids_};
  }
  bool mandatory() const override { return true; }

 private:
  enum class service_proof : std::uint8_t {
    secret,
    literal,
    signature,  ///< to be checked
    none,
  };

  hub_authenticator(hub_client& hub, const settings& config, const clock& time, metric_registry& metrics);
  boost::asio::awaitable<result<principal_ptr>> look(http_request& request, bool blocked);
  boost::asio::awaitable<result<principal_ptr>> owner_of_key(const http_request& request, bool blocked);
  boost::asio::awaitable<result<principal_ptr>> service(const http_request& request);
  service_proof proof_of(const http_request& request, std::string_view shown) const;
  boost::asio::awaitable<result<void>> check_signature_of(http_request& request, sender from);

  hub_client& hub_;
  const inbound_settings inbound_;
  const bool accept_test_keys_;
  const bool query_key_;
  const clock& time_;
  std::atomic<std::uint64_t> spoofed_user_ids_{0};
  const std::array<counter_cell*, 3> service_requests_;  ///< by what proved them: secret, literal, signature
  signing_policy signing_;
  nonce_store nonces_;
  auth_failures failures_;
  auth_failures guesses_;  ///< at `check_key`: the good key that such a request comes with makes up for none of them
};

}  // namespace waggle
