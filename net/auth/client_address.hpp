#pragma once
// Whose request it is when proxies stand in between (contract auth.md §8). Pure; any thread.
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "net/auth/ip_address.hpp"

namespace waggle {

/// Which peers are believed when they name the client.
struct forwarding_policy {
  ip_networks trusted_proxies;
  std::string header = "X-Forwarded-For";
};

/// `header_values` are the lines of `policy.header` in order, each a comma-separated list; each proxy has appended the
/// peer it saw. The client is the right-most address that is no trusted proxy: what stands further left was written by
/// the client itself. If all are trusted it is the left-most; without a line, or when `peer` is no trusted proxy, it is
/// `peer`. An address may carry a port ("192.0.2.1:80", "[2001:db8::1]:80"). BAD_REQUEST when any item is no address.
result<ip_address> client_address(const forwarding_policy& policy, const ip_address& peer,
                                  std::span<const std::string_view> header_values);

}  // namespace waggle
