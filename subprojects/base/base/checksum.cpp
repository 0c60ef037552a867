#include "base/checksum.hpp"

#include <cryptopp/crc.h>
#include <cryptopp/sha.h>

#include <cstring>

namespace waggle {

std::uint32_t crc32c(std::string_view bytes) {
  CryptoPP::CRC32C crc;
  crc.Update(reinterpret_cast<const CryptoPP::byte*>(bytes.data()), bytes.size());
  std::uint32_t value = 0;
  crc.TruncatedFinal(reinterpret_cast<CryptoPP::byte*>(&value), sizeof value);
  return value;
}

std::array<std::uint8_t, 32> sha256(std::string_view bytes) {
  std::array<std::uint8_t, 32> digest;
  CryptoPP::SHA256().CalculateDigest(digest.data(), reinterpret_cast<const CryptoPP::byte*>(bytes.data()),
                                     bytes.size());
  return digest;
}

std::array<std::uint8_t, 20> sha1(std::string_view bytes) {
  std::array<std::uint8_t, 20> digest;
  CryptoPP::SHA1().CalculateDigest(digest.data(), reinterpret_cast<const CryptoPP::byte*>(bytes.data()), bytes.size());
  return digest;
}

std::uint64_t content_hash(std::string_view bytes) {
  const auto digest = sha256(bytes);
  std::uint64_t value;
  std::memcpy(&value, digest.data(), sizeof value);
  return value;
}

}  // namespace waggle
