#pragma once
// Strong ids of the house. Each is explicit both ways: a raw integer or string never becomes one by accident.
// Pure values; any thread.
#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace waggle {

/// An integer with a name. `Tag` makes two ids different types.
template <class Tag, class Rep>
struct strong_id {
  using rep = Rep;
  Rep value{};
  constexpr strong_id() = default;
  constexpr explicit strong_id(Rep v) : value(v) {}
  constexpr auto operator<=>(const strong_id&) const = default;
};

using collection_id = strong_id<struct collection_tag, std::uint64_t>;  ///< unique inside one tenant, never reused
using shard_id = strong_id<struct shard_tag, std::uint32_t>;            ///< 0 … shard_count-1 inside one collection
using group_id = strong_id<struct group_tag, std::uint32_t>;            ///< replication group of a cluster
using log_index = strong_id<struct log_tag, std::uint64_t>;             ///< position in a group's raft log, from 1
using seq_no = strong_id<struct seq_tag, std::uint64_t>;  ///< position in a shard's change sequence, from 1

/// 16 opaque bytes, compared bytewise.
template <class Tag>
struct bytes16 {
  std::array<std::uint8_t, 16> bytes{};
  constexpr auto operator<=>(const bytes16&) const = default;
  constexpr bool is_nil() const { return *this == bytes16{}; }
};

using tenant_id = bytes16<struct tenant_tag>;    ///< HiveHub user UUID; nil = the implicit tenant of standalone mode
using request_id = bytes16<struct request_tag>;  ///< idempotency key of a write; nil = none given

/// "550e8400-e29b-41d4-a716-446655440000", lower case.
std::string to_string(const tenant_id& id);
/// Accepts hyphenated lower- or upper-case UUID text; false when malformed.
bool parse_uuid(std::string_view text, std::array<std::uint8_t, 16>& out);
std::string format_uuid(const std::array<std::uint8_t, 16>& bytes);
/// 16 lower-case hex digits.
std::string to_string(collection_id id);

}  // namespace waggle

template <class Tag, class Rep>
struct std::hash<waggle::strong_id<Tag, Rep>> {
  std::size_t operator()(const waggle::strong_id<Tag, Rep>& id) const noexcept { return std::hash<Rep>{}(id.value); }
};
template <class Tag>
struct std::hash<waggle::bytes16<Tag>> {
  std::size_t operator()(const waggle::bytes16<Tag>& id) const noexcept {
    std::uint64_t a = 0, b = 0;
    for (int i = 0; i < 8; ++i) a = a << 8 | id.bytes[i], b = b << 8 | id.bytes[8 + i];
    return a * 0x9e3779b97f4a7c15ull ^ b;
  }
};
