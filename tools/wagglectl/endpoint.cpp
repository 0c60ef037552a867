#include "tools/wagglectl/endpoint.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace waggle::ctl {
namespace {
command_failure bad(std::string_view why) {
  return {exit_code::usage, "The endpoint is not valid: " + std::string(why),
          "write it as http://HOST:PORT or https://HOST:PORT"};
}
bool host_characters_valid(std::string_view host) {
  return std::all_of(host.begin(), host.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '.' || c == '-' || c == '_' || c == ':' || c == '%';
  });
}
bool path_characters_valid(std::string_view path) {
  return std::all_of(path.begin(), path.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
}
bool valid_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port > 0 && port <= 65535;
}
}  // namespace

std::string endpoint::authority() const {
  std::string out = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return out + ":" + port;
}

std::string endpoint::text() const { return (tls ? "https://" : "http://") + authority() + base_path; }

bool endpoint::loopback() const {
  if (host == "localhost" || host == "::1") return true;
  // Only a dotted-quad 127.x.y.z counts: "127.example.org" is somebody's name.
  return host.rfind("127.", 0) == 0 && std::count(host.begin(), host.end(), '.') == 3 &&
         std::all_of(host.begin(), host.end(), [](unsigned char c) { return std::isdigit(c) || c == '.'; });
}

outcome<endpoint> parse_endpoint(std::string_view url) {
  endpoint out;
  if (url.rfind("http://", 0) == 0) {
    url.remove_prefix(7);
  } else if (url.rfind("https://", 0) == 0) {
    out.tls = true;
    url.remove_prefix(8);
  } else {
    return bad("it must begin with http:// or https://");
  }
  if (url.find_first_of("?#") != url.npos) return bad("it must have no query and no fragment");
  const auto slash = url.find('/');
  std::string_view authority = url.substr(0, slash);
  std::string_view path = slash == url.npos ? std::string_view() : url.substr(slash);
  while (!path.empty() && path.back() == '/') path.remove_suffix(1);
  // Credentials in a URL end up in shell history and process lists.
  if (authority.find('@') != authority.npos) return bad("credentials belong in --token-file or WAGGLE_TOKEN");
  std::string_view port;
  if (!authority.empty() && authority.front() == '[') {
    const auto close = authority.find(']');
    if (close == authority.npos) return bad("'[' without ']'");
    out.host = authority.substr(1, close - 1);
    std::string_view rest = authority.substr(close + 1);
    if (!rest.empty()) {
      if (rest.front() != ':') return bad("expected ':' after ']'");
      port = rest.substr(1);
      if (!valid_port(port)) return bad("the port must be 1 to 65535");
    }
  } else {
    const auto colon = authority.find(':');
    out.host = authority.substr(0, colon);
    if (out.host.find(':') != std::string::npos) return bad("an IPv6 address needs [ ]");
    if (colon != authority.npos) {
      port = authority.substr(colon + 1);
      if (!valid_port(port)) return bad("the port must be 1 to 65535 (an IPv6 address needs [ ])");
    }
  }
  if (out.host.empty() || !host_characters_valid(out.host)) return bad("no usable host name");
  if (!path_characters_valid(path)) return bad("the path holds a character that must be percent-encoded");
  out.port = port.empty() ? (out.tls ? "443" : "15002") : std::string(port);
  out.base_path = path;
  return out;
}

std::string encode_segment(std::string_view segment) {
  static constexpr char hex[] = "0123456789ABCDEF";
  std::string out;
  for (const unsigned char c : segment) {
    if (std::isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      out += static_cast<char>(c);
    } else {
      out += '%';
      out += hex[c >> 4];
      out += hex[c & 15];
    }
  }
  return out;
}

}  // namespace waggle::ctl
