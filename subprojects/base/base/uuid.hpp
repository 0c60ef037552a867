#pragma once
// Random identifiers: UUIDv4 for points, UUIDv7 for correlation ids (RFC 9562). Thread-local generators; any thread.
#include <array>
#include <cstdint>
#include <string>

namespace waggle {

std::array<std::uint8_t, 16> random_uuid_v4();
std::array<std::uint8_t, 16> random_uuid_v7();
std::string new_uuid_v4();
std::string new_uuid_v7();

}  // namespace waggle
