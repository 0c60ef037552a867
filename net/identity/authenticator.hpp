#pragma once
// Who asks, by what a request shows for itself. The only place that mints a tenant_context. Implementations are thread-safe.
#include <boost/asio/awaitable.hpp>

#include "base/tenant_context.hpp"
#include "net/auth/principal.hpp"
#include "net/http/types.hpp"

namespace waggle {

/// Since the node began.
struct door_counts {
  std::uint64_t blocks = 0;            ///< of addresses with too many failed authentications
  std::uint64_t spoofed_user_ids = 0;  ///< requests for a user whom who asks may not act for
};

class authenticator {
 public:
  virtual ~authenticator() = default;
  /// A failure is the answer to the request: 400, 401, 403 or 503. Decided by the head alone, unless it takes the body to
  /// prove who asks: then the body is read, and so may fail.
  virtual boost::asio::awaitable<result<principal_ptr>> identify(http_request& request) = 0;
  /// Whose `key` is, asked by somebody who is let in already, and an attempt to authenticate: who asks for too many wrong ones is
  /// blocked as at the door. AUTH_INVALID_KEY also for a key that is none of `asker`'s business: an operator may ask for any,
  /// anybody else for those of its own tenant.
  virtual boost::asio::awaitable<result<principal_ptr>> check_key(const http_request&, const principal& asker,
                                                                  std::string_view key);
  /// Whether the lists of `who`'s tenant let a client at this address in; the node's own are asked before anybody is known.
  virtual bool admits_address(const principal& who, const ip_address& client) const;
  /// By the last word there was.
  virtual bool suspended(const tenant_id&) { return false; }
  virtual door_counts counts() const { return {}; }
  /// True: what a request may do depends on what it shows.
  virtual bool mandatory() const = 0;
  /// True: routes of class P, and the word that there is no such route, are for everybody all the same.
  virtual bool public_routes_open() const { return false; }
};

/// Standalone (auth.md §1): whoever reaches the loopback listener is the operator, and the one implicit tenant.
class open_loopback final : public authenticator {
 public:
  open_loopback();
  boost::asio::awaitable<result<principal_ptr>> identify(http_request& request) override;
  bool mandatory() const override { return false; }

 private:
  principal_ptr local_;
};

/// The capability of a principal that `identify` has given: its tenant's, or the implicit tenant's for the operator.
tenant_context context_of(const principal& who);

/// First header of that name; BAD_REQUEST when there are two: whoever forwards may have looked at the other one.
result<std::optional<std::string_view>> single_header(const http_request& request, std::string_view name);

}  // namespace waggle
