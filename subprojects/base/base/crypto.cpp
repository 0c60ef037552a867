#include "base/crypto.hpp"

#include <cryptopp/base64.h>
#include <cryptopp/filters.h>
#include <cryptopp/hex.h>
#include <cryptopp/hmac.h>
#include <cryptopp/misc.h>
#include <cryptopp/sha.h>

#include "base/checksum.hpp"

namespace waggle {
namespace {
const CryptoPP::byte* bytes_of(std::string_view text) { return reinterpret_cast<const CryptoPP::byte*>(text.data()); }

std::string hex(const CryptoPP::byte* bytes, std::size_t size) {
  constexpr bool upper_case = false;
  std::string text;
  CryptoPP::StringSource(bytes, size, true, new CryptoPP::HexEncoder(new CryptoPP::StringSink(text), upper_case));
  return text;
}
}  // namespace

std::string sha256_hex(std::string_view bytes) {
  const auto digest = sha256(bytes);
  return hex(digest.data(), digest.size());
}

std::string hmac_sha256_hex(std::string_view key, std::string_view message) {
  CryptoPP::HMAC<CryptoPP::SHA256> mac(bytes_of(key), key.size());
  CryptoPP::byte digest[CryptoPP::SHA256::DIGESTSIZE];
  mac.CalculateDigest(digest, bytes_of(message), message.size());
  return hex(digest, sizeof digest);
}

bool constant_time_equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CryptoPP::VerifyBufsEqual(bytes_of(a), bytes_of(b), a.size());
}

std::optional<std::string> base64_decode(std::string_view text) {
  std::string bytes, again;
  CryptoPP::StringSource(bytes_of(text), text.size(), true,
                         new CryptoPP::Base64Decoder(new CryptoPP::StringSink(bytes)));
  // The decoder skips what it does not know; only the canonical form comes out of the encoder again.
  constexpr bool line_breaks = false;
  CryptoPP::StringSource(bytes, true, new CryptoPP::Base64Encoder(new CryptoPP::StringSink(again), line_breaks));
  if (again != text) return std::nullopt;
  return bytes;
}

}  // namespace waggle
