#include "net/identity/jwt.hpp"

#include "base/crypto.hpp"
#include "base/json.hpp"
#include "base/text_out.hpp"

namespace waggle {
namespace {
constexpr std::size_t token_bytes_max = 8192;
constexpr std::int64_t clock_skew_s = 60;

struct token_parts {
  std::string_view header, payload, signature, signed_text;
};

std::optional<token_parts> split(std::string_view token) {
  const auto first = token.find('.');
  if (first == token.npos) return std::nullopt;
  const auto second = token.find('.', first + 1);
  if (second == token.npos || token.find('.', second + 1) != token.npos) return std::nullopt;
  token_parts p{token.substr(0, first), token.substr(first + 1, second - first - 1), token.substr(second + 1),
                token.substr(0, second)};
  if (p.header.empty() || p.payload.empty() || p.signature.empty()) return std::nullopt;
  return p;
}

/// Exactly one `alg`, HS256; no extension that would have to be understood.
bool is_hs256(std::string_view header) {
  json_parser parser;
  const auto root = parser.parse(header);
  if (!root || !root->is_object()) return false;
  std::size_t algorithms = 0;
  bool hs256 = false;
  for (const auto member : root->as_object()) {
    if (member.key == "crit" || member.key == "zip" || member.key == "enc") return false;
    if (member.key != "alg") continue;
    ++algorithms;
    const json_value value(member.value);
    hs256 = value.is_string() && value.as_string() == "HS256";
  }
  return algorithms == 1 && hs256;
}

bool read_text(const json_value& root, std::string_view name, std::string& out) {
  const auto v = root[name];
  if (!v.is_string()) return false;
  out = v.as_string();
  return true;
}
bool read_texts(const json_value& root, std::string_view name, std::vector<std::string>& out) {
  const auto v = root[name];
  if (!v.is_array()) return false;
  for (const auto element : v.as_array()) {
    const json_value text(element);
    if (!text.is_string()) return false;
    out.emplace_back(text.as_string());
  }
  return true;
}

std::optional<jwt_claims> read_claims(std::string_view payload) {
  json_parser parser;
  const auto root = parser.parse(payload);
  if (!root || !root->is_object()) return std::nullopt;
  jwt_claims c;
  std::string subject;
  const bool whole = read_text(*root, "sub", subject) && read_text(*root, "user_id", c.user_id) &&
                     read_text(*root, "username", c.username) && read_text(*root, "jti", c.id) &&
                     read_texts(*root, "roles", c.roles) && read_texts(*root, "scopes", c.scopes) &&
                     (*root)["gen"].get_uint64(c.generation) && (*root)["iat"].get_int64(c.issued_at) &&
                     (*root)["exp"].get_int64(c.expires_at);
  const bool tenant = (*root)["tenant_id"].missing() || read_text(*root, "tenant_id", c.tenant_id);
  if (!whole || !tenant || subject != c.user_id || c.id.empty()) return std::nullopt;
  return c;
}
}  // namespace

bool has_jwt_shape(std::string_view text) { return split(text).has_value(); }

std::string sign_jwt(std::string_view payload, std::string_view secret) {
  auto token = base64url_encode(R"({"alg":"HS256","typ":"JWT"})") + "." + base64url_encode(payload);
  const auto signature = base64url_encode(hmac_sha256(secret, token));
  return token.append(".").append(signature);
}

std::optional<std::string> open_jwt(std::string_view token, std::string_view secret) {
  if (token.size() > token_bytes_max) return std::nullopt;
  const auto parts = split(token);
  if (!parts) return std::nullopt;
  const auto signature = base64url_decode(parts->signature);
  const auto expected = hmac_sha256(secret, parts->signed_text);
  if (!signature || !constant_time_equal(*signature, expected)) return std::nullopt;
  const auto header = base64url_decode(parts->header);
  if (!header || !is_hs256(*header)) return std::nullopt;
  return base64url_decode(parts->payload);
}

std::string issue_jwt(const jwt_claims& c, std::string_view secret) {
  std::string payload;
  json_writer w(payload);
  w.begin_object().member("sub", c.user_id).member("user_id", c.user_id).member("username", c.username);
  w.member("roles", c.roles);
  if (!c.tenant_id.empty()) w.member("tenant_id", c.tenant_id);
  w.member("scopes", c.scopes);
  w.member("gen", c.generation).member("iat", c.issued_at).member("exp", c.expires_at).member("jti", c.id).end_object();
  return sign_jwt(payload, secret);
}

result<jwt_claims> check_jwt(std::string_view token, std::string_view secret, std::int64_t now_unix_s) {
  const auto payload = open_jwt(token, secret);
  if (!payload) return failure(ec::auth_invalid_key, "Invalid token");
  auto claims = read_claims(*payload);
  if (!claims || claims->issued_at > now_unix_s + clock_skew_s) return failure(ec::auth_invalid_key, "Invalid token");
  if (claims->expires_at <= now_unix_s) return failure(ec::auth_key_expired, "The token has expired; log in again");
  return std::move(*claims);
}

}  // namespace waggle
