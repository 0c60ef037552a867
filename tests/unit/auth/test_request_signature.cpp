// Signed requests: the contract's vectors (auth.md §7), the order of the checks, and nonces.
#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "base/crypto.hpp"
#include "net/auth/request_signature.hpp"

using namespace waggle;

namespace {
constexpr std::string_view secret_base64 = "dGVzdF9zZWNyZXRfa2V5XzMyYnl0ZXNfbG9uZyEhIQ==";
constexpr std::int64_t now = 1'700'000'000;
constexpr std::string_view user = "550e8400-e29b-41d4-a716-446655440000";

signing_policy policy_of(std::string_view base64 = secret_base64) {
  signing_policy policy;
  policy.secrets = {read_signing_secret(base64).value()};
  return policy;
}

/// The first vector, of version 2.
signed_request vector_2() {
  signed_request r;
  r.method = "POST";
  r.path = "/test";
  r.body = "test body";
  r.timestamp = "1700000000";
  r.nonce = "nonce-1";
  r.version = "2";
  r.signature = "b18a287bd87eba66fb3f26d471b532ded3cfddb1895b75191edbde53befefc59";
  return r;
}

std::string sign(const signed_request& r, signature_version version = signature_version::v2) {
  return hmac_sha256_hex(read_signing_secret(secret_base64).value(), canonical_text(version, r));
}

/// "ok", or the message.
std::string judge(const signing_policy& policy, const signed_request& r, nonce_store& nonces, std::int64_t at = now) {
  const auto checked = check_signature(policy, r, nonces, at);
  if (checked) return "ok";
  CHECK(checked.error().code == ec::auth_signature_invalid);
  return checked.error().message;
}
std::string judge(const signing_policy& policy, const signed_request& r, std::int64_t at = now) {
  nonce_store nonces(600, 10);
  const auto verdict = judge(policy, r, nonces, at);
  CHECK(nonces.entries() == (verdict == "ok" ? 1u : 0u));  // only a valid signature leaves a nonce
  return verdict;
}
}  // namespace

TEST_CASE("signature: the contract's five vectors") {
  const std::string body = "{\"user_id\":\"" + std::string(user) + "\",\"name\":\"daily_backup\"}";
  const std::string query = "user_id=" + std::string(user);
  struct row {
    std::string_view version, method, path, query, user, body, nonce, signature;
  };
  const row rows[] = {{"1", "POST", "/test", "", "", "test body", "nonce-1",
                       "47b2f270115d6cc95c1a5bb46b1b53465dff612dc63c1887853f42c7d7c6d4c8"},
                      {"1", "GET", "/collections", "", "", "", "nonce-2",
                       "ca36bc65d141f0b9af3907e91735109b1b1266f8f041b61ef99a8e4642364f06"},
                      {"2", "POST", "/test", "", "", "test body", "nonce-1",
                       "b18a287bd87eba66fb3f26d471b532ded3cfddb1895b75191edbde53befefc59"},
                      {"2", "GET", "/api/hub/backups", query, user, "", "nonce-3",
                       "8d27300a13e3ea4684cf562eb983d69d047900ecab21c04a9f68ddbea5a3d14e"},
                      {"2", "POST", "/api/hub/backups", "", user, body, "nonce-4",
                       "6fd283dbe4f3ad11dd7f3a74ff3113ddc8ba669dc46bd5c1427fc81da0584add"}};
  CHECK(sha256_hex("test body") == "63efb315ed71cc7e5a1fc202434bb3aec2091e7838707e148a017faebb7464fe");
  for (const auto& v : rows) {
    INFO(v.version << " " << v.nonce);
    signed_request r;
    r.method = v.method, r.path = v.path, r.query = v.query, r.user_id = v.user, r.body = v.body;
    r.timestamp = "1700000000", r.nonce = v.nonce, r.version = v.version, r.signature = v.signature;
    CHECK(judge(policy_of(), r) == "ok");
    if (v.version == "1") r.version = std::nullopt;  // the default
    CHECK(judge(policy_of(), r) == "ok");
  }
}

TEST_CASE("signature: the canonical texts") {
  auto r = vector_2();
  r.method = "get", r.query = "a=%20b&&c", r.user_id = user, r.body = "";
  CHECK(canonical_text(signature_version::v1, r) == "GET\n/test\n1700000000\nnonce-1\n");
  CHECK(canonical_text(signature_version::v2, r) ==
        "WAGGLE-HMAC-V2\nGET\n/test\na=%20b&&c\n1700000000\nnonce-1\n550e8400-e29b-41d4-a716-446655440000\n"
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("signature: whatever is signed can't be changed") {
  const auto refused_after = [](auto change) {
    auto r = vector_2();
    change(r);
    CHECK(judge(policy_of(), r) == "Invalid request signature");
  };
  refused_after([](auto& r) { r.method = "PUT"; });
  refused_after([](auto& r) { r.path = "/test/"; });
  refused_after([](auto& r) { r.query = "x=1"; });
  refused_after([](auto& r) { r.user_id = user; });
  refused_after([](auto& r) { r.body = "test bodY"; });
  refused_after([](auto& r) { r.body = ""; });
  refused_after([](auto& r) { r.timestamp = "1700000001"; });
  refused_after([](auto& r) { r.timestamp = "01700000000"; });
  refused_after([](auto& r) { r.nonce = "nonce-2"; });
  refused_after([](auto& r) { r.version = "1"; });
  refused_after([](auto& r) { r.version = "3"; });
  refused_after([](auto& r) { r.version = ""; });
  refused_after([](auto& r) { r.signature = "B18A287BD87EBA66FB3F26D471B532DED3CFDDB1895B75191EDBDE53BEFEFC59"; });
  refused_after([](auto& r) { r.signature = r.signature->substr(0, 63); });
  refused_after([](auto& r) { r.signature = "0"; });
  // What version 1 does not sign.
  auto r = vector_2();
  r.version = std::nullopt;
  r.signature = "47b2f270115d6cc95c1a5bb46b1b53465dff612dc63c1887853f42c7d7c6d4c8";
  r.query = "x=1";
  CHECK(judge(policy_of(), r) == "ok");
  auto strict = policy_of();
  strict.accept_v1 = false;
  CHECK(judge(strict, r) == "Invalid request signature");
  CHECK(judge(strict, vector_2()) == "ok");
}

TEST_CASE("signature: the first check that fails answers") {
  auto r = vector_2();
  r.signature = r.timestamp = r.nonce = std::nullopt;
  CHECK(judge(policy_of(), r) == "Missing signature header");
  r.signature = "";
  CHECK(judge(policy_of(), r) == "Missing signature header");
  r.signature = "wrong";
  CHECK(judge(policy_of(), r) == "Missing timestamp header");
  r.timestamp = "soon";
  CHECK(judge(policy_of(), r) == "Missing nonce header");
  r.nonce = "n";
  for (const std::string_view bad :
       {"soon", "-1700000000", "+1700000000", "1700000000.5", " 1700000000", "0x6553f100", "99999999999999999999"}) {
    r.timestamp = bad;
    CHECK(judge(policy_of(), r) == "Invalid timestamp format");
  }
  for (const std::string_view off : {"1699999699", "1700000301", "0", "9223372036854775807"}) {
    r.timestamp = off;
    CHECK(judge(policy_of(), r) == "Request timestamp expired or too far in future");
  }
  for (const std::string_view near : {"1699999700", "1700000300"}) {
    r.timestamp = near;
    CHECK(judge(policy_of(), r) == "Invalid request signature");
    const auto right = sign(r);
    auto valid = r;
    valid.signature = right;
    CHECK(judge(policy_of(), valid) == "ok");
  }
}

TEST_CASE("signature: nonces are 1 to 128 visible characters") {
  const auto judged = [](std::string_view nonce) {
    auto r = vector_2();
    r.nonce = nonce;
    const auto signature = sign(r);
    r.signature = signature;
    return judge(policy_of(), r);
  };
  CHECK(judged("") == "Missing nonce header");
  CHECK(judged("!~") == "ok");
  CHECK(judged(std::string(128, 'n')) == "ok");
  CHECK(judged(std::string(129, 'n')) == "Invalid request signature");
  CHECK(judged("a b") == "Invalid request signature");
  CHECK(judged("\xc3\xa4") == "Invalid request signature");
}

TEST_CASE("signature: two secrets while one replaces the other") {
  auto policy = policy_of("AAAAAAAAAAAAAAAAAAAAAA==");
  CHECK(judge(policy, vector_2()) == "Invalid request signature");
  policy.secrets.push_back(read_signing_secret(secret_base64).value());
  CHECK(judge(policy, vector_2()) == "ok");
  policy.secrets.clear();
  CHECK(judge(policy, vector_2()) == "Invalid request signature");
}

TEST_CASE("signature: secrets are base64 of 16 bytes or more") {
  CHECK(read_signing_secret(secret_base64).value() == "test_secret_key_32bytes_long!!!");
  CHECK(read_signing_secret("AAAAAAAAAAAAAAAAAAAAAA==").value() == std::string(16, '\0'));
  CHECK(read_signing_secret("AAAAAAAAAAAAAAAAAAAA").error().message == "must be at least 16 bytes, decoded");
  CHECK(read_signing_secret("not base64, a password").error().message == "is not base64");
}

TEST_CASE("signature: a request works once; a forged one takes no nonce") {
  nonce_store nonces(600, 10);
  auto forged = vector_2();
  forged.signature = "00";
  CHECK(judge(policy_of(), forged, nonces) == "Invalid request signature");
  CHECK(judge(policy_of(), vector_2(), nonces) == "ok");
  CHECK(judge(policy_of(), vector_2(), nonces) == "Duplicate request nonce (possible replay attack)");
  CHECK(judge(policy_of(), forged, nonces) == "Invalid request signature");
  // As long as its timestamp is accepted.
  CHECK(judge(policy_of(), vector_2(), nonces, now + 300) == "Duplicate request nonce (possible replay attack)");
  CHECK(judge(policy_of(), vector_2(), nonces, now + 301) == "Request timestamp expired or too far in future");
  // Also one from the future, to its last second.
  auto early = vector_2();
  early.timestamp = "1700000300", early.nonce = "early";
  const auto signature = sign(early);
  early.signature = signature;
  CHECK(judge(policy_of(), early, nonces) == "ok");
  CHECK(judge(policy_of(), early, nonces, now + 600) == "Duplicate request nonce (possible replay attack)");
}

TEST_CASE("signature: while the store is full signed requests are told to come back") {
  nonce_store nonces(600, 1);
  CHECK(judge(policy_of(), vector_2(), nonces) == "ok");
  auto next = vector_2();
  next.nonce = "next";
  const auto signature = sign(next);
  next.signature = signature;
  const auto full = check_signature(policy_of(), next, nonces, now);
  REQUIRE_FALSE(full.has_value());
  CHECK(info(full.error().code).http_status == 503);
  CHECK(full.error().retry_after_seconds >= 1);
  CHECK(judge(policy_of(), vector_2(), nonces) == "Duplicate request nonce (possible replay attack)");
}

TEST_CASE("nonces: none is forgotten while it lives, all are afterwards") {
  using enum nonce_store::verdict;
  nonce_store nonces(10, 3);
  CHECK(nonces.insert("a", 100) == fresh);
  CHECK(nonces.insert("b", 105) == fresh);
  CHECK(nonces.insert("c", 105) == fresh);
  CHECK(nonces.insert("d", 110) == full);
  CHECK(nonces.insert("a", 110) == repeated);
  CHECK(nonces.insert("d", 111) == fresh);
  CHECK(nonces.insert("a", 111) == full);
  CHECK(nonces.insert("b", 90) == repeated);  // the clock was set back
  CHECK(nonces.insert("e", 116) == fresh);
  CHECK(nonces.entries() == 2);
  CHECK(nonces.insert("x", 1000) == fresh);
  CHECK(nonces.entries() == 1);
}

TEST_CASE("nonces: of equal ones at the same moment one is fresh") {
  nonce_store nonces(600, 100'000);
  std::atomic<int> fresh{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 5000; ++i)
        fresh += nonces.insert("nonce-" + std::to_string(i), now) == nonce_store::verdict::fresh;
    });
  for (auto& t : threads) t.join();
  CHECK(fresh == 5000);
  CHECK(nonces.entries() == 5000);
}
