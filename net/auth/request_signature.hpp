#pragma once
// Signed requests (contract auth.md §7; seed 002 §10.5): HMAC-SHA256 over a canonical string, a timestamp against old
// requests, a nonce against repeated ones. Pure but for the nonces; any thread.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "net/auth/nonce_store.hpp"

namespace waggle {

/// What is signed and the proof, as they came. A header that was not sent is nothing.
struct signed_request {
  std::string_view method;   ///< as sent: HEAD is not GET
  std::string_view path;     ///< as sent, without query
  std::string_view query;    ///< as sent, without '?'
  std::string_view user_id;  ///< x-hivehub-user-id, or empty
  std::string_view body;
  std::optional<std::string_view> signature;  ///< x-hivehub-signature
  std::optional<std::string_view> timestamp;  ///< x-hivehub-timestamp
  std::optional<std::string_view> nonce;      ///< x-hivehub-nonce
  std::optional<std::string_view> version;    ///< x-hivehub-signature-version; absent = 1
};

enum class signature_version : std::uint8_t { v1 = 1, v2 = 2 };

/// The text that is signed. `timestamp` and `nonce` as in the request.
std::string canonical_text(signature_version version, const signed_request& request);

/// A secret of `hub.signing.secrets`: base64 of at least 16 bytes. The failure's message does not show it.
result<std::string> read_signing_secret(std::string_view base64);

struct signing_policy {
  std::vector<std::string> secrets;  ///< decoded; each may have signed
  bool accept_v1 = true;
  int max_skew_seconds = 300;
};

/// The part of `check_signature` that needs no body: all but the signature itself and the nonce's freshness.
result<void> may_be_signed(const signing_policy& policy, const signed_request& request, std::int64_t unix_seconds);

/// In this order: headers there → timestamp parses → skew → signature → nonce. So only who holds a secret can fill
/// `nonces`. Fails with AUTH_SIGNATURE_INVALID and one of the contract's seven messages, or with NOT_READY (503) while
/// `nonces` is full.
result<void> check_signature(const signing_policy& policy, const signed_request& request, nonce_store& nonces,
                             std::int64_t unix_seconds);

}  // namespace waggle
