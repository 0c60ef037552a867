#include "net/auth/ip_rules.hpp"

namespace waggle {

bool admits(const ip_rules& rules, const ip_address& client) {
  if (!rules.enabled) return true;
  if (contains(rules.blocklist, client)) return false;
  if (rules.allow_localhost && client.is_loopback()) return true;
  if (rules.allow_private && client.is_private()) return true;
  if (contains(rules.allowlist, client)) return true;
  return rules.allow_by_default;
}

std::optional<ip_networks> parse_networks(const std::vector<std::string>& entries) {
  if (entries.size() > tenant_ip_lists::entries_max) return std::nullopt;
  ip_networks networks;
  for (const auto& entry : entries) {
    const auto network = ip_network::parse(entry);
    if (!network) return std::nullopt;
    networks.push_back(*network);
  }
  return networks;
}

bool admits(const tenant_ip_lists& lists, const ip_address& client) {
  if (contains(lists.blocklist, client)) return false;
  return lists.allowlist.empty() || contains(lists.allowlist, client);
}

}  // namespace waggle
