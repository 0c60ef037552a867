#include "net/auth/ip_address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace waggle {
namespace {
constexpr ip_address::byte_array mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr int mapped_prefix_bits = 96;
}  // namespace

ip_address ip_address::from_v4(const std::array<std::uint8_t, 4>& bytes) {
  auto mapped = mapped_prefix;
  std::copy(bytes.begin(), bytes.end(), mapped.begin() + mapped_prefix_bits / 8);
  return ip_address(mapped);
}

std::optional<ip_address> ip_address::parse(std::string_view text) {
  char copy[INET6_ADDRSTRLEN] = {};
  if (text.size() >= sizeof copy || text.find('\0') != std::string_view::npos) return std::nullopt;
  text.copy(copy, text.size());
  std::array<std::uint8_t, 4> v4;
  if (inet_pton(AF_INET, copy, v4.data()) == 1) return from_v4(v4);
  byte_array v6;
  if (inet_pton(AF_INET6, copy, v6.data()) == 1) return ip_address(v6);
  return std::nullopt;
}

bool ip_address::is_v4() const { return std::memcmp(bytes_.data(), mapped_prefix.data(), mapped_prefix_bits / 8) == 0; }

bool ip_address::is_loopback() const {
  static constexpr byte_array v6_loopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return is_v4() ? bytes_[12] == 127 : bytes_ == v6_loopback;
}

bool ip_address::is_private() const {
  if (!is_v4()) return (bytes_[0] & 0xfe) == 0xfc;
  const auto a = bytes_[12], b = bytes_[13];
  return a == 10 || (a == 172 && (b & 0xf0) == 16) || (a == 192 && b == 168);
}

std::string ip_address::to_string() const {
  char text[INET6_ADDRSTRLEN] = {};
  const bool v4 = is_v4();
  inet_ntop(v4 ? AF_INET : AF_INET6, bytes_.data() + (v4 ? mapped_prefix_bits / 8 : 0), text, sizeof text);
  return text;
}

std::optional<ip_network> ip_network::parse(std::string_view text) {
  const auto slash = std::min(text.find('/'), text.size());
  const auto address_text = text.substr(0, slash);
  const auto address = ip_address::parse(address_text);
  if (!address) return std::nullopt;
  if (slash == text.size()) return ip_network(*address, 128);
  const bool dotted = address_text.find(':') == std::string_view::npos;
  unsigned bits = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + slash + 1, end, bits);
  if (error != std::errc() || stop != end || bits > (dotted ? 32u : 128u)) return std::nullopt;
  return ip_network(*address, static_cast<int>(dotted ? bits + mapped_prefix_bits : bits));
}

bool ip_network::contains(const ip_address& address) const {
  const bool v4_network = prefix_bits_ >= mapped_prefix_bits && address_.is_v4();
  if (address.is_v4() != v4_network) return false;
  const auto whole = static_cast<std::size_t>(prefix_bits_ / 8);
  if (std::memcmp(address.bytes().data(), address_.bytes().data(), whole) != 0) return false;
  const int rest = prefix_bits_ % 8;
  return rest == 0 || (address.bytes()[whole] ^ address_.bytes()[whole]) >> (8 - rest) == 0;
}

bool contains(const ip_networks& networks, const ip_address& address) {
  return std::any_of(networks.begin(), networks.end(), [&](const auto& n) { return n.contains(address); });
}

}  // namespace waggle
