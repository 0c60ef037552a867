#include "net/auth/client_address.hpp"

#include <algorithm>

namespace waggle {
namespace {
bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// An address of the list: bare, in brackets, or with a port.
std::optional<ip_address> parse_item(std::string_view text) {
  std::string_view address = text, rest;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    address = text.substr(1, end - 1);
    if (address.find(':') == std::string_view::npos) return std::nullopt;
    rest = text.substr(end + 1);
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    address = text.substr(0, text.find(':'));
    rest = text.substr(address.size());
  }
  if (!rest.empty() && (rest[0] != ':' || !is_port(rest.substr(1)))) return std::nullopt;
  return ip_address::parse(address);
}

std::string_view trim(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}
}  // namespace

result<ip_address> client_address(const forwarding_policy& policy, const ip_address& peer,
                                  std::span<const std::string_view> header_values) {
  if (!contains(policy.trusted_proxies, peer)) return peer;
  ip_address client = peer;
  bool found = false;
  for (auto line = header_values.rbegin(); line != header_values.rend(); ++line) {
    for (std::string_view rest = *line;;) {
      const auto comma = rest.rfind(',');
      const auto item = parse_item(trim(comma == std::string_view::npos ? rest : rest.substr(comma + 1)));
      if (!item) return failure(ec::bad_request, "The " + policy.header + " header is not a list of addresses");
      if (!found) client = *item;
      found = found || !contains(policy.trusted_proxies, *item);
      if (comma == std::string_view::npos) break;
      rest = rest.substr(0, comma);
    }
  }
  return client;
}

}  // namespace waggle
