#include "base/crypto.hpp"

#include <cryptopp/aes.h>
#include <cryptopp/base64.h>
#include <cryptopp/filters.h>
#include <cryptopp/gcm.h>
#include <cryptopp/hmac.h>
#include <cryptopp/misc.h>
#include <cryptopp/osrng.h>
#include <cryptopp/sha.h>

#include "base/checksum.hpp"
#include "base/hex.hpp"

namespace waggle {
namespace {
const CryptoPP::byte* bytes_of(std::string_view text) { return reinterpret_cast<const CryptoPP::byte*>(text.data()); }

std::string hex(const CryptoPP::byte* bytes, std::size_t size) {
  std::string text;
  text.reserve(2 * size);
  append_hex(text, {bytes, size});
  return text;
}
}  // namespace

std::string sha256_hex(std::string_view bytes) {
  const auto digest = sha256(bytes);
  return hex(digest.data(), digest.size());
}

std::string hmac_sha256(std::string_view key, std::string_view message) {
  CryptoPP::HMAC<CryptoPP::SHA256> mac(bytes_of(key), key.size());
  std::string digest(CryptoPP::SHA256::DIGESTSIZE, '\0');
  mac.CalculateDigest(reinterpret_cast<CryptoPP::byte*>(digest.data()), bytes_of(message), message.size());
  return digest;
}

std::string hmac_sha256_hex(std::string_view key, std::string_view message) {
  const auto digest = hmac_sha256(key, message);
  return hex(bytes_of(digest), digest.size());
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

std::string base64url_encode(std::string_view bytes) {
  std::string text;
  CryptoPP::StringSource(bytes_of(bytes), bytes.size(), true,
                         new CryptoPP::Base64URLEncoder(new CryptoPP::StringSink(text)));
  return text;
}

std::optional<std::string> base64url_decode(std::string_view text) {
  std::string bytes;
  CryptoPP::StringSource(bytes_of(text), text.size(), true,
                         new CryptoPP::Base64URLDecoder(new CryptoPP::StringSink(bytes)));
  if (base64url_encode(bytes) != text) return std::nullopt;
  return bytes;
}

namespace {
constexpr std::size_t nonce_bytes = 12, tag_bytes = 16;
CryptoPP::byte* bytes_in(std::string& text) { return reinterpret_cast<CryptoPP::byte*>(text.data()); }
}  // namespace

std::string seal(std::string_view key, std::string_view text, std::string_view bound_to) {
  auto out = random_bytes(nonce_bytes);
  out.resize(nonce_bytes + text.size() + tag_bytes);
  auto* at = bytes_in(out);
  CryptoPP::GCM<CryptoPP::AES>::Encryption cipher;
  cipher.SetKeyWithIV(bytes_of(key), key.size(), at, nonce_bytes);
  cipher.EncryptAndAuthenticate(at + nonce_bytes, at + nonce_bytes + text.size(), tag_bytes, at, nonce_bytes,
                                bytes_of(bound_to), bound_to.size(), bytes_of(text), text.size());
  return out;
}

std::optional<std::string> unseal(std::string_view key, std::string_view sealed, std::string_view bound_to) {
  if (sealed.size() < nonce_bytes + tag_bytes) return std::nullopt;
  std::string text(sealed.size() - nonce_bytes - tag_bytes, '\0');
  const auto* at = bytes_of(sealed);
  CryptoPP::GCM<CryptoPP::AES>::Decryption cipher;
  cipher.SetKeyWithIV(bytes_of(key), key.size(), at, nonce_bytes);
  const bool whole = cipher.DecryptAndVerify(bytes_in(text), at + nonce_bytes + text.size(), tag_bytes, at, nonce_bytes,
                                             bytes_of(bound_to), bound_to.size(), at + nonce_bytes, text.size());
  return whole ? std::optional(std::move(text)) : std::nullopt;
}

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  constexpr bool blocking = false;
  CryptoPP::OS_GenerateRandomBlock(blocking, reinterpret_cast<CryptoPP::byte*>(bytes.data()), bytes.size());
  return bytes;
}

std::string random_alphanumeric(std::size_t count) {
  static constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  constexpr unsigned fair_below = 256 / letters.size() * letters.size();
  std::string text;
  while (text.size() < count)
    for (const unsigned char byte : random_bytes(count))
      if (byte < fair_below && text.size() < count) text += letters[byte % letters.size()];
  return text;
}

}  // namespace waggle
