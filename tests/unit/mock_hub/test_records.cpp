// Users, keys, limits, quota shapes and paths: without a socket, with a clock of the test's own.
#include <doctest/doctest.h>

#include "tools/mock-hub/routes.hpp"
#include "tools/mock-hub/shapes.hpp"
#include "tools/mock-hub/types.hpp"

using namespace waggle::mock;

namespace {
constexpr unix_ms now = 1'700'000'000'000;

json::object object(const char* text) { return json::parse(text).as_object(); }

int refused(const auto& what) {
  try {
    what();
  } catch (const refusal& why) {
    return why.status;
  }
  return 0;
}

access_key key_of(const user& who) {
  access_key key;
  key.user_id = who.id;
  key.permissions = {"READ_ONLY"};
  return key;
}
}  // namespace

TEST_CASE("the same seed draws the same ids and keys, another seed others") {
  const auto drawn = [](std::uint64_t seed) {
    hub_state state(seed);
    auto& who = state.add_user({});
    return who.id + " " + state.add_key(key_of(who)).secret;
  };
  CHECK(drawn(7) == drawn(7));
  CHECK(drawn(7) != drawn(8));
  CHECK(drawn(7).size() == 36 + 1 + 8 + 32);
  CHECK(drawn(7)[14] == '4');  // a UUID of version 4
}

TEST_CASE("users and keys are there once") {
  hub_state state(1);
  user described;
  described.id = "u";
  auto& who = state.add_user(described);
  CHECK(refused([&] { state.add_user(described); }) == 409);
  CHECK(refused([&] { state.find_user("v"); }) == 404);
  CHECK(refused([&] { state.set_status(who, "asleep"); }) == 400);
  auto key = key_of(who);
  key.secret = "hh_test_x";
  state.add_key(key);
  CHECK(refused([&] { state.add_key(key); }) == 409);
  key.secret = "hh_test_y";
  key.user_id = "v";
  CHECK(refused([&] { state.add_key(key); }) == 404);
  CHECK(state.find_key_by_secret("hh_test_y") == nullptr);
}

TEST_CASE("a rotated key works until its grace is over") {
  hub_state state(1);
  user described;
  described.id = "u";
  state.add_user(described);
  const auto old_id = state.add_key(key_of(state.find_user("u"))).id;
  const auto& fresh = state.rotate_key(old_id, 1000, now);
  const auto& old = state.find_key(old_id);
  CHECK(fresh.secret != old.secret);
  CHECK(fresh.permissions == old.permissions);
  CHECK(rotation_status(fresh, now) == "active");
  CHECK(rotation_status(old, now + 999) == "deprecated");
  CHECK(rotation_status(old, now + 1000) == "expired");
  CHECK(refused([&] { state.rotate_key(old_id, 1000, now); }) == 409);
  state.find_key(old_id).revoked = true;
  CHECK(rotation_status(old, now) == "revoked");
}

TEST_CASE("an expiry is a time or a span, and ends at that time") {
  const auto spanned = read_key(object(R"({"user_id":"u","expires_in_seconds":60})"), now);
  CHECK(rotation_status(spanned, now + 59'999) == "active");
  CHECK(rotation_status(spanned, now + 60'000) == "expired");
  const auto dated = read_key(object(R"({"user_id":"u","expires_at":"2023-11-14T22:13:20.500Z"})"), now);
  CHECK(dated.expires_at == now + 500);
  CHECK(refused([] { parse_rfc3339("2023-11-14T22:13:20+01:00"); }) == 400);
  CHECK(refused([] { parse_rfc3339("tomorrow"); }) == 400);
}

TEST_CASE("no function list and an empty one are different") {
  hub_state state(1);
  user described;
  described.id = "u";
  const auto& who = state.add_user(described);
  const auto free = validation_body(read_key(object(R"({"user_id":"u"})"), now), who, now);
  const auto none = validation_body(read_key(object(R"({"user_id":"u","functions":[]})"), now), who, now);
  CHECK(!free.contains("allowed_functions"));
  CHECK(none.at("allowed_functions").as_array().empty());
  CHECK(refused([] { read_key(object(R"({"functions":"search"})"), now); }) == 400);
}

TEST_CASE("a null limit is unlimited, one that is omitted is absent, in every shape") {
  auto who = read_user(object(R"({"id":"u","limits":{"vector_count":null,"storage_bytes":5}})"), now);
  who.limits.erase("collection_count");
  const counters used = {{"vector_count", 3}, {"storage_bytes", 4}};
  const auto body = [&](const char* shape, bool nested = false) {
    who.quota_shape = shape;
    who.quota_nested = nested;
    return json::serialize(quota_body(who, used));
  };
  const auto limits = json::parse(body("limits")).at("limits").as_object();
  CHECK(limits.at("vector_count").is_null());
  CHECK(limits.at("storage_bytes") == 5);
  CHECK(!limits.contains("collection_count"));
  CHECK(body("max") == R"({"max_vectors":null,"vectors_used":3,"collections_used":0})");
  CHECK(body("max", true) == R"({"quota":{"max_vectors":null,"vectors_used":3,"collections_used":0}})");
  CHECK(body("operations") == R"({"storage_limit_bytes":5,"monthly_operations_limit":null,"storage_used_bytes":4})");
  const auto groups = json::parse(body("groups")).as_object();
  CHECK(groups.at("vectors") == json::parse(R"({"used":3,"limit":null})"));
  CHECK(groups.at("collections") == json::parse(R"({"used":0})"));
  CHECK(groups.at("rate_limits").at("requests_per_minute") == 1000);
  CHECK(refused([] { read_user(object(R"({"limits":{"vectors":1}})"), now); }) == 400);
}

TEST_CASE("both path sets name the same operations") {
  const auto operation = [](const char* method, const char* path) {
    const auto found = find_route(method, path);
    return found ? found->operation : std::string();
  };
  CHECK(operation("GET", "/api/internal/vectorizer/user/u/quota") == "get_quota");
  CHECK(operation("GET", "/api/v1/vectorizer/users/u/quota") == "get_quota");
  CHECK(operation("POST", "/api/internal/anything/usage/update") == "report_usage");
  CHECK(operation("POST", "/api/v1/vectorizer/users/u/usage") == "report_usage");
  CHECK(operation("DELETE", "/api/v1/vectorizer/users/u/usage").empty());
  CHECK(operation("GET", "/api/internal/users/").empty());
  CHECK(operation("GET", "/api/internal/users/u/more").empty());
  CHECK(find_route("GET", "/api/internal/users/a%2Fb")->parameters.at("user_id") == "a/b");
  CHECK(!find_route("GET", "/health")->needs_service_key);
  CHECK(find_route("GET", "/api/internal/users/u")->needs_service_key);
}

TEST_CASE("a query is decoded once") {
  const auto r = make_request("GET", "/a?x=1%2525&y&z=%zz");
  CHECK(r.path == "/a");
  CHECK(r.query.at("x") == "1%25");
  CHECK(r.query.at("y").empty());
  CHECK(r.query.at("z") == "%zz");
}
