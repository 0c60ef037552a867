#pragma once
// The node's address as the user writes it: http[s]://host[:port][/base]. Pure; any thread.
#include <string>
#include <string_view>

#include "tools/wagglectl/outcome.hpp"

namespace waggle::ctl {

struct endpoint {
  bool tls = false;
  std::string host;       ///< without brackets for IPv6
  std::string port;       ///< decimal
  std::string base_path;  ///< "" or "/prefix", no trailing slash

  /// "http://[::1]:15002/prefix"; never holds credentials.
  std::string text() const;
  /// The value of the Host header.
  std::string authority() const;
  /// True for localhost, 127.0.0.0/8 and ::1 as written; a name that only resolves to loopback counts as remote.
  bool loopback() const;
};

/// Default port: 15002 for http, 443 for https. User info, query and fragment are refused (exit 2).
outcome<endpoint> parse_endpoint(std::string_view url);

/// Percent-encodes one path segment (RFC 3986: everything but unreserved).
std::string encode_segment(std::string_view segment);

}  // namespace waggle::ctl
