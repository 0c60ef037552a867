#pragma once
// Who may talk to the node, by client address (contract auth.md §8). Pure values; any thread. In the contract's order
// the first match decides:
//
//   global block → tenant block → tenant allow → localhost, private → global allow → default policy
//
// The tenant's steps only ever refuse or let go on. So the global ones can be asked first, before anyone is
// authenticated, and the tenant's right after: a client is in when both admit it.
#include "net/auth/ip_address.hpp"

namespace waggle {

/// `security.ip`. Off: admits everybody.
struct ip_rules {
  bool enabled = false;
  bool allow_by_default = true;
  bool allow_private = true;    ///< false: private addresses are judged like any other
  bool allow_localhost = true;  ///< the same
  ip_networks allowlist;
  ip_networks blocklist;
};

/// A tenant's own lists, from the hub or `wagglectl`.
struct tenant_ip_lists {
  ip_networks allowlist;  ///< empty: not set
  ip_networks blocklist;
  static constexpr std::size_t entries_max = 1000;  ///< in each
};
/// Nothing when an entry is neither an address nor a network, or there are too many.
std::optional<ip_networks> parse_networks(const std::vector<std::string>& entries);

bool admits(const ip_rules& rules, const ip_address& client);
bool admits(const tenant_ip_lists& lists, const ip_address& client);

}  // namespace waggle
