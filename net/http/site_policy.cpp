#include "net/http/site_policy.hpp"

#include <charconv>

#include "net/http/types.hpp"

namespace waggle {
namespace {
struct host_parts {
  std::string_view name;  ///< without brackets
  std::string_view port;  ///< "" = default
  bool ok = false;
};

bool all_digits(std::string_view text) { return text.find_first_not_of("0123456789") == std::string_view::npos; }

host_parts split_host(std::string_view host) {
  host_parts parts;
  std::string_view rest;
  if (host.starts_with('[')) {
    const auto end = host.find(']');
    if (end == std::string_view::npos) return parts;
    parts.name = host.substr(1, end - 1);
    if (parts.name.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos) return parts;
    rest = host.substr(end + 1);
  } else {
    const auto colon = std::min(host.find(':'), host.size());
    parts.name = host.substr(0, colon);
    rest = host.substr(colon);
  }
  if (!rest.empty()) {
    if (rest[0] != ':') return parts;
    parts.port = rest.substr(1);
    if (!all_digits(parts.port) || parts.port.size() > 5) return parts;
  }
  parts.ok = !parts.name.empty();
  return parts;
}

bool is_loopback_v4(std::string_view name) {
  int part = 0;
  for (int i = 0; i < 4; ++i) {
    const auto end = std::min(name.find('.'), name.size());
    if ((end == name.size()) != (i == 3)) return false;
    const auto text = name.substr(0, end);
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), part);
    if (error != std::errc() || stop != text.data() + text.size() || part < 0 || part > 255) return false;
    if (i == 0 && part != 127) return false;
    name.remove_prefix(std::min(end + 1, name.size()));
  }
  return true;
}

bool same_site(std::string_view origin_host, std::string_view host, std::string_view default_port) {
  const auto a = split_host(origin_host), b = split_host(host);
  if (!a.ok || !b.ok || !equals_ignoring_case(a.name, b.name)) return false;
  return (a.port.empty() ? default_port : a.port) == (b.port.empty() ? default_port : b.port);
}
}  // namespace

bool is_loopback_name(std::string_view name) {
  return equals_ignoring_case(name, "localhost") || name == "::1" || is_loopback_v4(name);
}

bool host_well_formed(std::string_view host) {
  for (const char c : host) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte == 0x7f || c == '@' || c == '/' || c == '\\' || c == '?' || c == '#' || c == ',')
      return false;
  }
  return split_host(host).ok;
}

bool host_allowed(const site_policy& policy, std::string_view host) {
  const auto parts = split_host(host);
  if (!parts.ok) return false;
  if (is_loopback_name(parts.name)) return true;
  for (const auto& allowed : policy.allowed_hosts)
    if (equals_ignoring_case(allowed, host) || equals_ignoring_case(allowed, parts.name)) return true;
  return false;
}

origin_verdict judge_origin(const site_policy& policy, std::string_view origin, std::string_view host, bool tls) {
  const std::string_view own_scheme = tls ? "https://" : "http://";
  if (origin.size() > own_scheme.size() && equals_ignoring_case(origin.substr(0, own_scheme.size()), own_scheme) &&
      same_site(origin.substr(own_scheme.size()), host, tls ? "443" : "80"))
    return origin_verdict::none;
  for (const auto& allowed : policy.allowed_origins)
    if (allowed == "*" || equals_ignoring_case(allowed, origin)) return origin_verdict::allowed;
  return origin_verdict::denied;
}

}  // namespace waggle
