#include <doctest/doctest.h>

#include "net/identity/credentials.hpp"
#include "net/identity/scrape_token.hpp"

using namespace waggle;

namespace {
const std::string key = "hh_live_0123456789abcdef0123456789abcdef";
const std::string other = "hh_live_fedcba9876543210fedcba9876543210";

http_request with(std::vector<http_header_view> headers) {
  http_request request;
  request.headers = std::move(headers);
  return request;
}
std::string found(std::vector<http_header_view> headers) {
  const auto request = with(std::move(headers));
  const auto got = find_key(request, false);
  REQUIRE(got.has_value());
  return got->has_value() ? std::string(**got) : "none";
}
ec refused(std::vector<http_header_view> headers) {
  const auto request = with(std::move(headers));
  const auto got = find_key(request, false);
  REQUIRE_FALSE(got.has_value());
  return got.error().code;
}
}  // namespace

TEST_CASE("credentials: every carrier, names in any case") {
  const auto bearer = "Bearer " + key;
  CHECK(found({{"Authorization", bearer}}) == key);
  CHECK(found({{"authorization", bearer}}) == key);
  CHECK(found({{"Authorization", key}}) == key);
  CHECK(found({{"X-API-Key", key}}) == key);
  CHECK(found({{"x-api-key", key}}) == key);
  CHECK(found({{"api-key", key}}) == key);
  CHECK(found({{"API-KEY", key}}) == key);
  for (const std::string scheme : {"bearer ", "BEARER ", "bEaReR ", "Bearer   "})
    CHECK(found({{"Authorization", scheme + key}}) == key);
}

TEST_CASE("credentials: nothing else carries a key") {
  CHECK(found({}) == "none");
  CHECK(found({{"Cookie", key},
               {"Proxy-Authorization", "Bearer " + key},
               {"X-Auth-Token", key},
               {"apikey", key},
               {"X-API-Key2", key},
               {"api_key", key},
               {"XAuthorization", key},
               {"Host", "localhost"}}) == "none");
}

TEST_CASE("credentials: other schemes and empty values are no keys") {
  for (const std::string& value : {std::string(), std::string("Bearer "), std::string("Bearer    "), "Basic " + key,
                                   "Token " + key, std::string("Digest a=b"), "Bearer " + key + " " + key,
                                   "Bearer " + key + " ", "Bearerx " + key, " " + key, "Bearer, Bearer " + key}) {
    CAPTURE(value);
    CHECK(refused({{"Authorization", value}}) == ec::auth_invalid_format);
  }
  CHECK(refused({{"X-API-Key", ""}}) == ec::auth_invalid_format);
  CHECK(refused({{"api-key", ""}}) == ec::auth_invalid_format);
  // A carrier that is no good is not made good by another one.
  CHECK(refused({{"Authorization", "Basic " + key}, {"X-API-Key", key}}) == ec::auth_invalid_format);
  CHECK(refused({{"X-API-Key", key}, {"Authorization", "Basic " + key}}) == ec::auth_invalid_format);
  CHECK(refused({{"X-API-Key", key}, {"api-key", ""}}) == ec::auth_invalid_format);
}

TEST_CASE("credentials: the scheme's name alone is a key, of no shape that anybody accepts") {
  CHECK(found({{"Authorization", "Bearer"}}) == "Bearer");
}

TEST_CASE("credentials: several carriers must say the same") {
  const std::vector<std::string> carriers = {"Authorization", "X-API-Key", "api-key"};
  for (const auto& a : carriers)
    for (const auto& b : carriers) {
      CAPTURE(a);
      CAPTURE(b);
      CHECK(found({{a, key}, {b, key}}) == key);
      CHECK(refused({{a, key}, {b, other}}) == ec::bad_request);
      CHECK(refused({{a, other}, {b, key}}) == ec::bad_request);
    }
  const auto bearer = "Bearer " + key;
  CHECK(found({{"Authorization", bearer}, {"X-API-Key", key}, {"api-key", key}}) == key);
  CHECK(refused({{"Authorization", bearer}, {"X-API-Key", key}, {"api-key", other}}) == ec::bad_request);
  auto upper = key;
  upper[0] = 'H';
  CHECK(refused({{"Authorization", bearer}, {"X-API-Key", upper}}) == ec::bad_request);
}

TEST_CASE("credentials: the answer to a conflict names no key") {
  const auto request = with({{"X-API-Key", key}, {"api-key", other}});
  const auto got = find_key(request, false);
  REQUIRE_FALSE(got.has_value());
  for (const auto& text : {got.error().message, got.error().details, got.error().extra_members, got.error().log_text})
    CHECK(text.find("hh_live") == std::string::npos);
}

TEST_CASE("credentials: a key in the query, only where it may be") {
  auto request = with({{"X-API-Key", key}});
  request.parameters = {{"api_key", other}};
  CHECK(**find_key(request, false) == key);
  CHECK(find_key(request, true).error().code == ec::bad_request);
  request.parameters = {{"api_key", key}};
  CHECK(**find_key(request, true) == key);
  request.headers.clear();
  CHECK_FALSE(find_key(request, false)->has_value());
  CHECK(**find_key(request, true) == key);
  request.parameters = {{"API_KEY", key}, {"key", key}};
  CHECK_FALSE(find_key(request, true)->has_value());
  request.parameters = {{"api_key", key}, {"api_key", other}};
  CHECK(find_key(request, true).error().code == ec::bad_request);
  request.parameters = {{"api_key", ""}};
  CHECK(find_key(request, true).error().code == ec::auth_invalid_format);
}

TEST_CASE("credentials: the scrape token, as Bearer and alone") {
  const std::string token = "scrape-token-0123456789";
  const scrape_token door(token), none("");
  const auto bearer = "Bearer " + token;
  const auto who = door.owner_of(with({{"authorization", bearer}}));
  REQUIRE(who != nullptr);
  CHECK(check_rights(who->may, 'O', "metrics", true).has_value());
  for (const char* function : {"health", "list_collections", "admin.runtime", "metrics.other", "cluster.tenants"})
    CHECK(check_rights(who->may, 'P', function, true).error().code == ec::function_not_allowed);
  CHECK_FALSE(who->tenant.has_value());
  CHECK(none.owner_of(with({{"authorization", "Bearer "}})) == nullptr);
  const auto longer = bearer + "x", scheme = "Basic " + token;
  for (const auto& headers : std::vector<std::vector<http_header_view>>{{},
                                                                        {{"authorization", longer}},
                                                                        {{"authorization", scheme}},
                                                                        {{"authorization", token}},
                                                                        {{"x-api-key", token}},
                                                                        {{"authorization", bearer}, {"api-key", key}},
                                                                        {{"authorization", bearer}, {"x-hivehub-service", "true"}}})
    CHECK(door.owner_of(with(headers)) == nullptr);
}
