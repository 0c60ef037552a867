#pragma once
// From where a request may come. Host and Origin (contract auth.md §1, §12): a web page must not drive a loopback node,
// neither through a name that it rebinds to 127.0.0.1 (Host) nor by cross-site requests (Origin). Address: auth.md §8.
// Pure; immutable once built.
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "net/auth/client_address.hpp"
#include "net/auth/ip_rules.hpp"

namespace waggle {

struct site_policy {
  bool check_host = false;                   ///< open loopback mode
  std::vector<std::string> allowed_hosts;    ///< extra Host values of that mode, with or without port
  std::vector<std::string> allowed_origins;  ///< CORS; "*" allows every origin
  forwarding_policy forwarding;              ///< which peers are believed when they name the client
  ip_rules ip;
};

/// "localhost", 127.0.0.0/8, [::1] with any port, or one of `allowed_hosts`.
bool host_allowed(const site_policy& policy, std::string_view host);

enum class origin_verdict : std::uint8_t {
  none,     ///< no Origin, or the server's own: no CORS headers
  allowed,  ///< listed: answer with CORS headers
  denied,
};
/// `host` is the request's Host (or authority); `tls` decides which scheme is the server's own.
origin_verdict judge_origin(const site_policy& policy, std::string_view origin, std::string_view host, bool tls);

/// A well-formed Host value: name or address with optional port, no user info, no spaces, no control characters.
bool host_well_formed(std::string_view host);

/// True for "localhost", 127.0.0.0/8 and ::1, without port or brackets.
bool is_loopback_name(std::string_view name);

}  // namespace waggle
