#include <doctest/doctest.h>

#include "net/hub/hub_access_keys.hpp"

using namespace waggle;

TEST_CASE("hub access keys: what is asked for") {
  hub_access_key wanted;
  wanted.user = "u";
  wanted.name = "ci";
  wanted.permissions = {"Read"};
  CHECK(create_key_request(wanted) == R"({"user_id":"u","name":"ci","permissions":["Read"]})");
  wanted.functions.emplace();
  wanted.expires_at = "2030-01-01T00:00:00Z";
  CHECK(create_key_request(wanted) == R"({"user_id":"u","name":"ci","permissions":["Read"],"allowed_functions":[],)"
                                      R"("expires_at":"2030-01-01T00:00:00Z"})");
}

TEST_CASE("hub access keys: an answer about one, under either name of its members") {
  const auto one = read_access_key(R"({"id":"k","name":"ci","user_id":"u","permissions":["Read",7],"allowed_functions":["search"],)"
                                   R"("rotation_status":"active","status":"x","created_at":"c","expires_at":null,"key":"s","more":1})");
  REQUIRE(one.has_value());
  CHECK(one->id == "k");
  CHECK(one->user == "u");
  CHECK(one->permissions == std::vector<std::string>{"Read"});
  CHECK(one->functions == std::vector<std::string>{"search"});
  CHECK(one->status == "active");
  CHECK(one->created_at == "c");
  CHECK(one->expires_at.empty());
  CHECK(one->secret == "s");
  const auto other = read_access_key(R"({"key_id":"k","tenant_id":"u","status":"revoked","access_key":"s"})");
  REQUIRE(other.has_value());
  CHECK((other->id == "k" && other->user == "u" && other->status == "revoked" && other->secret == "s"));
  CHECK_FALSE(other->functions.has_value());
}

TEST_CASE("hub access keys: what is not understood") {
  for (const auto* bad : {"", "[]", "{}", "7", R"({"id":""})", R"({"id":7})", R"({"key":"s"})"}) {
    CAPTURE(bad);
    CHECK_FALSE(read_access_key(bad).has_value());
  }
  for (const auto* bad : {"", "[]", "{}", R"({"keys":{}})", R"({"keys":[{"id":"k"},{}]})", R"({"keys":[7]})"}) {
    CAPTURE(bad);
    CHECK_FALSE(read_access_keys(bad).has_value());
  }
  const auto none = read_access_keys(R"({"keys":[]})");
  CHECK((none.has_value() && none->empty()));
  const auto two = read_access_keys(R"({"keys":[{"id":"a"},{"id":"b"}]})");
  REQUIRE(two.has_value());
  CHECK((two->size() == 2 && two->back().id == "b"));
}
