#pragma once
// Addresses and networks of clients. Values, pure; any thread. Everything is kept as 16 bytes, an IPv4 address as the
// IPv6 address that maps it (RFC 4291 §2.5.5.2): one client has one form, however its address was written.
#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace waggle {

class ip_address {
 public:
  using byte_array = std::array<std::uint8_t, 16>;

  ip_address() = default;  ///< "::", nobody's
  explicit ip_address(const byte_array& bytes) : bytes_(bytes) {}
  static ip_address from_v4(const std::array<std::uint8_t, 4>& bytes);
  /// "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"; no brackets, port, zone or spaces.
  static std::optional<ip_address> parse(std::string_view text);

  bool is_v4() const;
  bool is_loopback() const;  ///< 127.0.0.0/8, ::1
  bool is_private() const;   ///< RFC 1918, RFC 4193 (fc00::/7)
  const byte_array& bytes() const { return bytes_; }
  /// RFC 5952; IPv4 in dots.
  std::string to_string() const;
  auto operator<=>(const ip_address&) const = default;

 private:
  byte_array bytes_{};
};

/// Addresses that share their first bits. A network of IPv6 holds no IPv4 address, not even "::/0".
class ip_network {
 public:
  /// "10.0.0.0/8", "2001:db8::/32", "::ffff:10.0.0.0/104" (= 10.0.0.0/8); a single address is a network of one. Bits
  /// behind the prefix are ignored.
  static std::optional<ip_network> parse(std::string_view text);
  bool contains(const ip_address& address) const;
  /// As addresses are kept: "10.0.0.0/8" has 104.
  int prefix_bits() const { return prefix_bits_; }
  auto operator<=>(const ip_network&) const = default;

 private:
  ip_network(const ip_address& address, int prefix_bits) : address_(address), prefix_bits_(prefix_bits) {}
  ip_address address_;
  int prefix_bits_;
};

using ip_networks = std::vector<ip_network>;
bool contains(const ip_networks& networks, const ip_address& address);

}  // namespace waggle
