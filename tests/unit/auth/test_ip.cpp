// Addresses, networks, the lists, and the client behind proxies.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <bitset>

#include "net/auth/client_address.hpp"
#include "net/auth/ip_rules.hpp"

using namespace waggle;

namespace {
ip_address ip(std::string_view text) { return ip_address::parse(text).value(); }
ip_networks nets(std::initializer_list<std::string_view> texts) {
  ip_networks list;
  for (const auto text : texts) list.push_back(ip_network::parse(text).value());
  return list;
}
bool inside(std::string_view address, std::string_view network) {
  return ip_network::parse(network).value().contains(ip(address));
}

/// The bits of an address, one by one: what `ip_network` is compared with.
std::string bits_of(const std::vector<std::uint8_t>& bytes) {
  std::string bits;
  for (const auto byte : bytes) bits += std::bitset<8>(byte).to_string();
  return bits;
}
std::string text_of(const std::vector<std::uint8_t>& bytes) {
  std::string text;
  if (bytes.size() == 4) {
    for (const auto byte : bytes) text += (text.empty() ? "" : ".") + std::to_string(byte);
    return text;
  }
  for (std::size_t i = 0; i < 16; i += 2) {
    char group[8];
    std::snprintf(group, sizeof group, "%s%x", i ? ":" : "", bytes[i] << 8 | bytes[i + 1]);
    text += group;
  }
  return text;
}
}  // namespace

TEST_CASE("ip: addresses are read strictly and written in one form") {
  for (const auto& [text, form] : {std::pair{"192.0.2.1", "192.0.2.1"},
                                   {"::ffff:192.0.2.1", "192.0.2.1"},
                                   {"::FFFF:C000:0201", "192.0.2.1"},
                                   {"2001:DB8:0:0::1", "2001:db8::1"},
                                   {"::", "::"},
                                   {"::1", "::1"}})
    CHECK(ip(text).to_string() == form);
  for (const std::string_view bad : {"", " ", "192.0.2", "192.0.2.1.5", "192.0.2.256", "192.0.2.01", "0x7f.0.0.1",
                                     "2130706433", "192.0.2.1 ", " 192.0.2.1", "192.0.2.1:80", "[::1]", "::1%lo",
                                     "1::2::3", ":::", "12345::", "localhost", "192.0.2.1/32", "::ffff:192.0.2.256"}) {
    INFO(bad);
    CHECK_FALSE(ip_address::parse(bad));
  }
  CHECK_FALSE(ip_address::parse(std::string_view("127.0.0.1\0x", 11)));
  CHECK_FALSE(ip_address::parse(std::string(5000, '1')));
}

TEST_CASE("ip: localhost and private") {
  for (const auto text : {"127.0.0.1", "127.255.3.4", "::1", "::ffff:127.0.0.1"}) CHECK(ip(text).is_loopback());
  for (const auto text : {"128.0.0.1", "126.255.255.255", "::2", "::", "::127.0.0.1", "0.0.0.0"})
    CHECK_FALSE(ip(text).is_loopback());
  for (const auto text : {"10.0.0.0", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "fc00::1",
                          "fdff::1", "::ffff:10.1.2.3"})
    CHECK(ip(text).is_private());
  for (const auto text : {"9.255.255.255", "11.0.0.0", "172.15.0.1", "172.32.0.1", "192.167.0.1", "192.169.0.1",
                          "127.0.0.1", "fb00::1", "fe80::1", "2001:db8::1"})
    CHECK_FALSE(ip(text).is_private());
}

TEST_CASE("ip: networks") {
  CHECK(inside("10.255.0.1", "10.0.0.0/8"));
  CHECK(inside("10.255.0.1", "10.9.9.9/8"));  // bits behind the prefix mean nothing
  CHECK_FALSE(inside("11.0.0.1", "10.0.0.0/8"));
  CHECK(inside("192.0.2.1", "192.0.2.1"));
  CHECK_FALSE(inside("192.0.2.2", "192.0.2.1"));
  CHECK(inside("2001:db8:ffff::", "2001:db8::/32"));
  CHECK_FALSE(inside("2001:db9::", "2001:db8::/32"));
  CHECK(inside("2001:db8::7", "2001:db8::7"));
  // One client has one form.
  CHECK(inside("::ffff:10.1.1.1", "10.0.0.0/8"));
  CHECK(inside("10.1.1.1", "::ffff:10.0.0.0/104"));
  CHECK(inside("10.1.1.1", "::ffff:0:0/96"));
  CHECK(inside("10.1.1.1", "0.0.0.0/0"));
  CHECK_FALSE(inside("2001:db8::1", "0.0.0.0/0"));
  CHECK(inside("2001:db8::1", "::/0"));
  CHECK_FALSE(inside("10.1.1.1", "::/0"));
  CHECK_FALSE(inside("10.1.1.1", "::ffff:10.0.0.0/90"));
  for (const std::string_view bad :
       {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/-0", "10.0.0.0/+8", "10.0.0.0/8 ",
        "10.0.0.0/8/8", "10.0.0.0/x", "10.0.0/8", "::/129", "::/99999999999", "10.0.0.0/104", "example.com"}) {
    INFO(bad);
    CHECK_FALSE(ip_network::parse(bad));
  }
}

TEST_CASE("ip: a network holds what a comparison bit by bit says") {
  const bool holds = rc::check([] {
    const bool v4 = *rc::gen::arbitrary<bool>();
    const std::size_t size = v4 ? 4 : 16;
    const auto network = *rc::gen::container<std::vector<std::uint8_t>>(size, rc::gen::arbitrary<std::uint8_t>());
    auto address = network;
    // Near misses are what matters: an equal beginning, one bit turned somewhere, then anything.
    const auto turned = *rc::gen::inRange<std::size_t>(0, size * 8 + 1);
    if (turned < size * 8) address[turned / 8] ^= static_cast<std::uint8_t>(0x80 >> turned % 8);
    for (auto i = turned / 8 + 1; i < size; ++i) address[i] = *rc::gen::arbitrary<std::uint8_t>();
    const auto prefix = *rc::gen::inRange<std::size_t>(0, size * 8 + 1);
    const auto parsed = ip_network::parse(text_of(network) + "/" + std::to_string(prefix));
    RC_ASSERT(parsed.has_value());
    const bool same_family = ip(text_of(address)).is_v4() == ip(text_of(network)).is_v4();
    const bool expected = same_family && bits_of(network).substr(0, prefix) == bits_of(address).substr(0, prefix);
    RC_ASSERT(parsed->contains(ip(text_of(address))) == expected);
  });
  CHECK(holds);
}

TEST_CASE("ip: the order of the global rules") {
  ip_rules rules;
  rules.blocklist = nets({"10.0.0.7", "127.0.0.9", "198.51.100.0/24", "203.0.113.0/24"});
  rules.allowlist = nets({"198.51.100.1", "192.0.2.0/24"});
  rules.allow_by_default = false;
  CHECK(admits(rules, ip("198.51.100.1")));  // off: admits everybody
  rules.enabled = true;
  CHECK_FALSE(admits(rules, ip("198.51.100.1")));  // block before allow
  CHECK_FALSE(admits(rules, ip("10.0.0.7")));      // and before private
  CHECK_FALSE(admits(rules, ip("127.0.0.9")));     // and before localhost
  CHECK(admits(rules, ip("10.0.0.8")));
  CHECK(admits(rules, ip("127.0.0.1")));
  CHECK(admits(rules, ip("::1")));
  CHECK(admits(rules, ip("192.0.2.200")));
  CHECK(admits(rules, ip("::ffff:192.0.2.200")));
  CHECK_FALSE(admits(rules, ip("8.8.8.8")));
  CHECK_FALSE(admits(rules, ip("2001:db8::1")));
  rules.allow_private = rules.allow_localhost = false;
  CHECK_FALSE(admits(rules, ip("10.0.0.8")));
  CHECK_FALSE(admits(rules, ip("127.0.0.1")));
  rules.allow_by_default = true;
  CHECK(admits(rules, ip("10.0.0.8")));
  CHECK(admits(rules, ip("8.8.8.8")));
  CHECK_FALSE(admits(rules, ip("203.0.113.5")));
}

TEST_CASE("ip: asking the tenant's lists afterwards is the contract's one order") {
  const bool holds = rc::check([] {
    const auto coin = rc::gen::arbitrary<bool>();
    const auto pool = nets({"127.0.0.1", "10.0.0.1", "192.0.2.1"});
    const auto some = [&] {
      ip_networks chosen;
      for (const auto& n : pool)
        if (*coin) chosen.push_back(n);
      return chosen;
    };
    const ip_rules rules{true, *coin, *coin, *coin, some(), some()};
    const tenant_ip_lists tenant{some(), some()};
    const auto client = ip(*rc::gen::element<std::string>("127.0.0.1", "10.0.0.1", "192.0.2.1", "198.51.100.1"));
    const bool expected = [&] {
      if (contains(rules.blocklist, client)) return false;
      if (contains(tenant.blocklist, client)) return false;
      if (!tenant.allowlist.empty() && !contains(tenant.allowlist, client)) return false;
      if (client.is_loopback() && rules.allow_localhost) return true;
      if (client.is_private() && rules.allow_private) return true;
      if (contains(rules.allowlist, client)) return true;
      return rules.allow_by_default;
    }();
    RC_ASSERT((admits(rules, client) && admits(tenant, client)) == expected);
  });
  CHECK(holds);
}

TEST_CASE("client address: only what trusted proxies wrote is believed") {
  const forwarding_policy policy{nets({"10.0.0.0/8", "2001:db8:aa::/48"})};
  const auto client = [&](std::string_view peer, std::vector<std::string_view> lines) {
    const auto found = client_address(policy, ip(peer), lines);
    return found ? found->to_string() : std::string(info(found.error().code).name);
  };
  CHECK(client("192.0.2.9", {"198.51.100.1"}) == "192.0.2.9");  // not a proxy of ours
  CHECK(client("192.0.2.9", {"garbage"}) == "192.0.2.9");
  CHECK(client("10.0.0.1", {}) == "10.0.0.1");
  CHECK(client("10.0.0.1", {"198.51.100.1"}) == "198.51.100.1");
  CHECK(client("10.0.0.1", {"127.0.0.1, 198.51.100.1"}) == "198.51.100.1");  // the client wrote the first
  CHECK(client("10.0.0.1", {"127.0.0.1,198.51.100.1,10.0.0.2 ,\t10.0.0.3"}) == "198.51.100.1");
  CHECK(client("10.0.0.1", {"127.0.0.1", "198.51.100.1"}) == "198.51.100.1");  // two lines are one list
  CHECK(client("10.0.0.1", {"198.51.100.1", "10.0.0.2"}) == "198.51.100.1");
  CHECK(client("10.0.0.1", {"10.0.0.3, 10.0.0.2"}) == "10.0.0.3");
  CHECK(client("10.0.0.1", {"::ffff:198.51.100.1"}) == "198.51.100.1");
  CHECK(client("::ffff:10.0.0.1", {"198.51.100.1"}) == "198.51.100.1");
  CHECK(client("2001:db8:aa::1", {"2001:db8:bb::5, 2001:db8:aa::2"}) == "2001:db8:bb::5");
  CHECK(client("10.0.0.1", {"198.51.100.1:8080"}) == "198.51.100.1");
  CHECK(client("10.0.0.1", {"[2001:db8::1]:8080"}) == "2001:db8::1");
  CHECK(client("10.0.0.1", {"[2001:db8::1]"}) == "2001:db8::1");
  for (const std::string_view bad :
       {"", " ", ",", "198.51.100.1,", ",198.51.100.1", "unknown", "unknown, 198.51.100.1", "198.51.100.1 198.51.100.2",
        "198.51.100.1:", "198.51.100.1:x", "198.51.100.1:123456", "[198.51.100.1]", "[2001:db8::1", "[2001:db8::1]8",
        "for=198.51.100.1", "198.51.100.0/24", "\"198.51.100.1\""}) {
    INFO(bad);
    CHECK(client("10.0.0.1", {bad}) == "BAD_REQUEST");
  }
  CHECK(client("10.0.0.1", {"garbage", "198.51.100.1"}) == "BAD_REQUEST");
}
