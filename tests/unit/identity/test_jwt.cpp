// Tokens: what is signed is read back, and nothing else gets in.
#include <doctest/doctest.h>

#include "base/crypto.hpp"
#include "net/identity/jwt.hpp"

using namespace waggle;

namespace {
const std::string secret = "0123456789abcdef0123456789abcdef";
constexpr std::int64_t now = 1'700'000'000;

jwt_claims some_claims() {
  jwt_claims c;
  c.user_id = "550e8400-e29b-41d4-a716-446655440000";
  c.username = "root";
  c.roles = {"Admin"};
  c.scopes = {"ADMIN"};
  c.generation = 1;
  c.issued_at = now;
  c.expires_at = now + 3600;
  c.id = "jti-1";
  return c;
}
const std::string payload =
    R"({"sub":"u","user_id":"u","username":"root","roles":["Admin"],"scopes":[],"gen":1,"iat":1700000000,)"
    R"("exp":1700003600,"jti":"j"})";

/// A token with any header, signed as `key` says.
std::string forged(std::string_view header, std::string_view key = secret, std::string_view body = payload) {
  auto token = base64url_encode(header) + "." + base64url_encode(body);
  const auto signature = base64url_encode(hmac_sha256(key, token));
  return token.append(".").append(signature);
}
ec refused(std::string_view token, std::int64_t at = now) {
  const auto claims = check_jwt(token, secret, at);
  return claims ? ec::ok : claims.error().code;
}
}  // namespace

TEST_CASE("jwt: the example of RFC 7515 appendix A.1") {
  const auto key =
      base64url_decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow");
  REQUIRE(key.has_value());
  const std::string token =
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvb"
      "S9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  const auto opened = open_jwt(token, *key);
  REQUIRE(opened.has_value());
  CHECK(*opened == "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}");
  CHECK_FALSE(open_jwt(token, secret).has_value());
}

TEST_CASE("jwt: an independent signature") {
  // python3: hmac.new(secret, b64(header) + b"." + b64(payload), sha256)
  CHECK(sign_jwt("{}", secret) == "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.svo3sQiBr6VRrugrrB1OoHS7Y-c0pzdPFYhCfjX7elM");
}

TEST_CASE("jwt: claims come back") {
  auto claims = some_claims();
  claims.tenant_id = "a0000000-0000-0000-0000-000000000000";
  const auto back = check_jwt(issue_jwt(claims, secret), secret, now);
  REQUIRE(back.has_value());
  CHECK(back->user_id == claims.user_id);
  CHECK(back->username == "root");
  CHECK(back->roles == claims.roles);
  CHECK(back->scopes == claims.scopes);
  CHECK(back->tenant_id == claims.tenant_id);
  CHECK(back->generation == 1);
  CHECK(back->id == "jti-1");
  CHECK(back->expires_at == now + 3600);
}

TEST_CASE("jwt: time") {
  const auto token = issue_jwt(some_claims(), secret);
  CHECK(refused(token, now + 3599) == ec::ok);
  CHECK(refused(token, now + 3600) == ec::auth_key_expired);
  CHECK(refused(token, now - 60) == ec::ok);
  CHECK(refused(token, now - 61) == ec::auth_invalid_key);
}

TEST_CASE("jwt: alg is compared, not obeyed") {
  REQUIRE(refused(forged(R"({"alg":"HS256"})")) == ec::ok);
  for (const std::string_view header :
       {R"({"alg":"none"})", R"({"alg":"None","typ":"JWT"})", R"({"alg":"NONE"})", R"({"alg":""})", R"({"alg":null})",
        R"({"typ":"JWT"})", R"({"alg":"RS256"})", R"({"alg":"HS384"})", R"({"alg":"HS512"})", R"({"alg":"ES256"})",
        R"({"alg":"hs256"})", R"({"alg":"HS256 "})", R"({"alg":["HS256"]})", R"({"alg":"none","alg":"HS256"})",
        R"({"alg":"HS256","alg":"HS256"})", R"({"alg":"HS256","crit":["exp"]})", R"({"alg":"HS256","zip":"DEF"})",
        R"({"alg":"HS256","enc":"A128GCM"})", R"("HS256")", R"([])", R"()", R"({"alg":"HS256")"}) {
    CAPTURE(header);
    CHECK(refused(forged(header)) == ec::auth_invalid_key);
  }
}

TEST_CASE("jwt: no signature, somebody else's, or a public key as the secret") {
  const auto token = issue_jwt(some_claims(), secret);
  const auto unsigned_part = token.substr(0, token.rfind('.') + 1);
  CHECK(refused(unsigned_part) == ec::auth_invalid_key);
  CHECK(refused(base64url_encode(R"({"alg":"none"})") + "." + base64url_encode(payload) + ".") == ec::auth_invalid_key);
  CHECK(refused(base64url_encode(R"({"alg":"none"})") + "." + base64url_encode(payload) + ".x") == ec::auth_invalid_key);
  CHECK(refused(forged(R"({"alg":"HS256"})", "")) == ec::auth_invalid_key);
  CHECK(refused(forged(R"({"alg":"HS256"})", "-----BEGIN PUBLIC KEY-----")) == ec::auth_invalid_key);
  CHECK(refused(forged(R"({"alg":"HS256"})", secret + "0")) == ec::auth_invalid_key);
}

TEST_CASE("jwt: every changed character is noticed") {
  const auto token = issue_jwt(some_claims(), secret);
  for (std::size_t i = 0; i < token.size(); ++i) {
    auto changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    CHECK_MESSAGE(refused(changed) == ec::auth_invalid_key, i);
    CHECK(refused(token.substr(0, i)) == ec::auth_invalid_key);
  }
  CHECK(refused(token + "A") == ec::auth_invalid_key);
  CHECK(refused(token + "=") == ec::auth_invalid_key);
  CHECK(refused(token + ".") == ec::auth_invalid_key);
  CHECK(refused(std::string(100'000, 'a') + ".b.c") == ec::auth_invalid_key);
}

TEST_CASE("jwt: a signed payload that lacks a claim, or has it in another kind, is none of ours") {
  const auto with = [](std::string_view from, std::string_view to) {
    auto body = payload;
    const auto at = body.find(from);
    REQUIRE(at != body.npos);
    return forged(R"({"alg":"HS256"})", secret, body.replace(at, from.size(), to));
  };
  CHECK(refused(with("\"jti\":\"j\"", "\"jti\":\"\"")) == ec::auth_invalid_key);
  CHECK(refused(with("\"jti\":\"j\"", "\"x\":\"j\"")) == ec::auth_invalid_key);
  CHECK(refused(with("\"sub\":\"u\"", "\"sub\":\"v\"")) == ec::auth_invalid_key);
  CHECK(refused(with("1700003600", "\"1700003600\"")) == ec::auth_invalid_key);
  CHECK(refused(with("1700003600", "null")) == ec::auth_invalid_key);
  CHECK(refused(with("[\"Admin\"]", "\"Admin\"")) == ec::auth_invalid_key);
  CHECK(refused(with("\"gen\":1", "\"gen\":-1")) == ec::auth_invalid_key);
  CHECK(refused(with("\"gen\":1", "\"gen\":1,\"tenant_id\":7")) == ec::auth_invalid_key);
}

TEST_CASE("jwt: shape") {
  for (const auto& good : {"a.b.c", "...a"}) CHECK(has_jwt_shape(good) == (std::string_view(good) == "a.b.c"));
  for (const auto& bad : {"", ".", "..", "a.b", "a.b.", ".b.c", "a..c", "a.b.c.d", "wk_x"}) CHECK_FALSE(has_jwt_shape(bad));
}
