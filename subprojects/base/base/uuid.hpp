#pragma once
// Random identifiers: UUIDv4 for points, UUIDv7 for correlation ids, UUIDv5 of names (RFC 9562). Thread-local generators; any thread.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace waggle {

std::array<std::uint8_t, 16> random_uuid_v4();
std::array<std::uint8_t, 16> random_uuid_v7();
/// UUIDv5 of a name: the same name gives the same id.
std::array<std::uint8_t, 16> uuid_v5(const std::array<std::uint8_t, 16>& name_space, std::string_view name);
std::string new_uuid_v4();
std::string new_uuid_v7();

}  // namespace waggle
