#include "base/uuid.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <random>

#include "base/checksum.hpp"
#include "base/ids.hpp"

namespace waggle {
namespace {
std::array<std::uint8_t, 16> random_bytes() {
  // Seeded from the system's entropy; ids need uniqueness, not secrecy (keys come from base/crypto).
  thread_local std::mt19937_64 engine{[] {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device(), device(), device(), device(), device()};
    return std::mt19937_64(seed);
  }()};
  const std::uint64_t words[2] = {engine(), engine()};
  std::array<std::uint8_t, 16> bytes;
  std::memcpy(bytes.data(), words, 16);
  return bytes;
}
void stamp(std::array<std::uint8_t, 16>& bytes, int version) {
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | version << 4);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
}
}  // namespace

std::array<std::uint8_t, 16> random_uuid_v4() {
  auto bytes = random_bytes();
  stamp(bytes, 4);
  return bytes;
}

std::array<std::uint8_t, 16> uuid_v5(const std::array<std::uint8_t, 16>& name_space, std::string_view name) {
  std::string text(reinterpret_cast<const char*>(name_space.data()), name_space.size());
  text += name;
  const auto digest = sha1(text);
  std::array<std::uint8_t, 16> bytes;
  std::copy_n(digest.begin(), bytes.size(), bytes.begin());
  stamp(bytes, 5);
  return bytes;
}

std::array<std::uint8_t, 16> random_uuid_v7() {
  auto bytes = random_bytes();
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  auto ms = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  for (int i = 5; i >= 0; --i, ms >>= 8) bytes[i] = static_cast<std::uint8_t>(ms);
  stamp(bytes, 7);
  return bytes;
}

std::string new_uuid_v4() { return format_uuid(random_uuid_v4()); }
std::string new_uuid_v7() { return format_uuid(random_uuid_v7()); }

}  // namespace waggle
