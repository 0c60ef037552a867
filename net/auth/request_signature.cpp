#include "net/auth/request_signature.hpp"

#include <algorithm>
#include <charconv>

#include "base/crypto.hpp"

namespace waggle {
namespace {
constexpr std::size_t nonce_bytes_max = 128;
constexpr std::size_t secret_bytes_min = 16;

failure refused(const char* message) { return failure(ec::auth_signature_invalid, message); }
failure invalid() { return refused("Invalid request signature"); }

std::string upper_case(std::string_view text) {
  std::string upper(text);
  for (char& c : upper)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return upper;
}

std::string joined(std::initializer_list<std::string_view> lines) {
  std::string text;
  for (const auto line : lines) text.append(line).append("\n");
  text.pop_back();
  return text;
}

bool sent(const std::optional<std::string_view>& header) { return header && !header->empty(); }

std::optional<std::int64_t> read_timestamp(std::string_view text) {
  if (text.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  std::int64_t seconds = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (read.ec != std::errc()) return std::nullopt;
  return seconds;
}

bool is_nonce(std::string_view text) {
  return text.size() <= nonce_bytes_max &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

std::optional<signature_version> read_version(const signing_policy& policy, const signed_request& request) {
  const auto text = request.version.value_or("1");
  if (text == "1" && policy.accept_v1) return signature_version::v1;
  if (text == "2") return signature_version::v2;
  return std::nullopt;
}

/// Each secret is tried, whichever fits.
bool signed_with_a_secret(const signing_policy& policy, const std::string& text, std::string_view signature) {
  bool fits = false;
  for (const auto& secret : policy.secrets)
    fits = constant_time_equal(hmac_sha256_hex(secret, text), signature) || fits;
  return fits;
}
}  // namespace

std::string canonical_text(signature_version version, const signed_request& request) {
  const auto method = upper_case(request.method);
  const auto timestamp = request.timestamp.value_or(""), nonce = request.nonce.value_or("");
  if (version == signature_version::v1) {
    const auto body_hash = request.body.empty() ? std::string() : sha256_hex(request.body);
    return joined({method, request.path, timestamp, nonce, body_hash});
  }
  return joined({"WAGGLE-HMAC-V2", method, request.path, request.query, timestamp, nonce, request.user_id,
                 sha256_hex(request.body)});
}

result<std::string> read_signing_secret(std::string_view base64) {
  auto secret = base64_decode(base64);
  if (!secret) return failure(ec::validation_error, "is not base64");
  if (secret->size() < secret_bytes_min) return failure(ec::validation_error, "must be at least 16 bytes, decoded");
  return std::move(*secret);
}

result<void> may_be_signed(const signing_policy& policy, const signed_request& request, std::int64_t unix_seconds) {
  if (!sent(request.signature)) return refused("Missing signature header");
  if (!sent(request.timestamp)) return refused("Missing timestamp header");
  if (!sent(request.nonce)) return refused("Missing nonce header");
  const auto at = read_timestamp(*request.timestamp);
  if (!at) return refused("Invalid timestamp format");
  // The timestamp is no less than 0, so nothing overflows.
  if (*at < unix_seconds - policy.max_skew_seconds || *at > unix_seconds + policy.max_skew_seconds)
    return refused("Request timestamp expired or too far in future");
  if (!read_version(policy, request) || !is_nonce(*request.nonce)) return invalid();
  return {};
}

result<void> check_signature(const signing_policy& policy, const signed_request& request, nonce_store& nonces,
                             std::int64_t unix_seconds) {
  if (auto may = may_be_signed(policy, request, unix_seconds); !may) return may;
  const auto version = read_version(policy, request);
  if (!signed_with_a_secret(policy, canonical_text(*version, request), *request.signature)) return invalid();
  switch (nonces.insert(*request.nonce, unix_seconds)) {
    case nonce_store::verdict::fresh: return {};
    case nonce_store::verdict::repeated: return refused("Duplicate request nonce (possible replay attack)");
    case nonce_store::verdict::full: break;
  }
  failure full(ec::not_ready, "Too many signed requests");
  full.retry_after_seconds = 1;
  return full;
}

}  // namespace waggle
