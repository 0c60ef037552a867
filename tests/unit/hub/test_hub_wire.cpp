// HiveHub's answers about keys: what each says, and that what is not understood says nothing about the key.
#include <doctest/doctest.h>

#include "base/limits.hpp"
#include "net/hub/hub_wire.hpp"

using namespace waggle;

namespace {
const std::string uuid = "11111111-1111-4111-8111-111111111111";

/// An answer with these members besides `valid` and the tenant.
std::string valid_with(const std::string& members) {
  return R"({"valid":true,"tenant_id":")" + uuid + "\"" + (members.empty() ? "" : "," + members) + "}";
}
const std::string readable = R"("permissions":["Read"])";

principal_ptr principal_in(const std::string& body, std::string_view prefix = "hh_live_") {
  CAPTURE(body);
  const auto verdict = read_key_answer(200, body, prefix);
  REQUIRE(verdict.has_value());
  CHECK_FALSE(verdict->refusal.has_value());
  REQUIRE(verdict->value != nullptr);
  return verdict->value;
}
ec refusal_in(const std::string& body) {
  CAPTURE(body);
  const auto verdict = read_key_answer(200, body, "hh_live_");
  REQUIRE(verdict.has_value());
  CHECK(verdict->value == nullptr);
  REQUIRE(verdict->refusal.has_value());
  return verdict->refusal->code;
}
result<std::string> path_of(std::string_view entry, std::string_view service) {
  return read_hub_path("validate_key", entry, "POST", service);
}
/// Neither let in nor refused: as if HiveHub had not answered.
bool says_nothing(std::string_view body) {
  const auto verdict = read_key_answer(200, body, "hh_live_");
  return !verdict && verdict.error().code == ec::io_error && !verdict.error().log_text.empty();
}
}  // namespace

TEST_CASE("hub wire: a whole answer") {
  const auto who = principal_in(
      R"({"valid":true,"tenant_id":")" + uuid + R"(","tenant_name":"Acme","permissions":["Write","Mcp"],)" +
      R"("allowed_functions":["search","keys.*"],"key_id":"k-1","name":"ci","created_at":"2026-01-01T00:00:00Z",)"
      R"("expires_at":null,"rotation_status":"active","rotation_expires_at":null,"status":"active","scope":"tenant",)"
      R"("plan":"pro","rate_limit_override":{"requests_per_minute":5},"unknown":[{"to":"us"}]})");
  CHECK(who->kind == principal_kind::hub_key);
  REQUIRE(who->tenant.has_value());
  CHECK(to_string(*who->tenant) == uuid);
  CHECK(who->tenant_name == "Acme");
  CHECK(who->key_id == "k-1");
  CHECK(who->key_prefix == "hh_live_");
  CHECK(who->may.permissions == permission_set{permission::read_write, permission::mcp});
  REQUIRE(who->may.functions.has_value());
  CHECK(*who->may.functions == function_list({"search", "keys.*"}));
  CHECK_FALSE(who->may.operator_scope);
  CHECK_FALSE(who->is_test);
  CHECK_FALSE(who->suspended);
  CHECK_FALSE(who->deprecated);
  CHECK(who->deprecated_until.empty());
}

TEST_CASE("hub wire: the least that lets a key in, and nothing less") {
  const auto who = principal_in(valid_with(readable));
  CHECK_FALSE(who->may.functions.has_value());
  CHECK(who->tenant_name.empty());
  CHECK_FALSE(who->suspended);
  CHECK(says_nothing(R"({"tenant_id":")" + uuid + R"(","permissions":["Read"]})"));
  CHECK(says_nothing(R"({"valid":true,"permissions":["Read"]})"));
  CHECK(says_nothing(valid_with("")));
  CHECK(says_nothing("{}"));
}

TEST_CASE("hub wire: a refusal needs no other member") {
  CHECK(refusal_in(R"({"valid":false})") == ec::auth_invalid_key);
  CHECK(refusal_in(R"({"valid":false,"permissions":"none","tenant_id":7})") == ec::auth_invalid_key);
  CHECK(refusal_in(R"({"valid":false,"error":"revoked","permissions":["Admin"]})") == ec::auth_invalid_key);
}

TEST_CASE("hub wire: rotation") {
  for (const std::string flag : {"true", "false"}) {
    CAPTURE(flag);
    CHECK(refusal_in(R"({"valid":)" + flag + R"(,"rotation_status":"expired"})") == ec::auth_key_expired);
    CHECK(refusal_in(R"({"valid":)" + flag + R"(,"rotation_status":"revoked"})") == ec::auth_invalid_key);
  }
  // Revoked and unknown can't be told apart.
  const auto revoked = read_key_answer(200, R"({"valid":true,"rotation_status":"revoked"})", "hh_live_");
  const auto unknown = read_key_answer(200, R"({"valid":false})", "hh_live_");
  CHECK(revoked->refusal->message == unknown->refusal->message);
  CHECK(revoked->refusal->extra_members == unknown->refusal->extra_members);

  for (const std::string word : {"rotating", "deprecated"}) {
    const auto old = principal_in(
        valid_with(readable + R"(,"rotation_status":")" + word + R"(","rotation_expires_at":"2026-12-01T00:00:00Z")"));
    CHECK(old->deprecated);
    CHECK(old->deprecated_until == "2026-12-01T00:00:00Z");
    CHECK(principal_in(valid_with(readable + R"(,"rotation_status":")" + word + "\""))->deprecated_until.empty());
  }
  CHECK_FALSE(principal_in(valid_with(readable + R"(,"rotation_status":"active")"))->deprecated);
  CHECK_FALSE(principal_in(valid_with(readable + R"(,"rotation_status":null)"))->deprecated);
}

TEST_CASE("hub wire: whoever is not active is suspended") {
  for (const std::string word : {"suspended", "inactive", "deleted", "Active", "a word of tomorrow"})
    CHECK(principal_in(valid_with(readable + R"(,"status":")" + word + "\""))->suspended);
  CHECK_FALSE(principal_in(valid_with(readable + R"(,"status":"active")"))->suspended);
  CHECK_FALSE(principal_in(valid_with(readable + R"(,"status":null)"))->suspended);
}

TEST_CASE("hub wire: permissions") {
  const auto granted = [](const std::string& list) { return principal_in(valid_with("\"permissions\":" + list))->may; };
  CHECK(granted(R"(["Admin"])").permissions == permission_set{permission::admin});
  CHECK(granted(R"(["Write"])").permissions == permission_set{permission::read_write});
  CHECK(granted(R"(["Delete"])").permissions == permission_set{permission::read_write});
  CHECK(granted(R"(["Read"])").permissions == permission_set{permission::read_only});
  CHECK(granted(R"(["Mcp"])").permissions == permission_set{permission::mcp});
  CHECK(granted(R"(["ADMIN","READ_WRITE","READ_ONLY","MCP"])").permissions ==
        permission_set{permission::admin, permission::read_write, permission::read_only, permission::mcp});
  // Words that nobody knows are dropped, whatever they resemble; with none left the key may do nothing.
  CHECK(granted(R"(["Read","admin","ADMINISTRATOR","Admin ","*","","Read","A\u0000dmin"])").permissions ==
        permission_set{permission::read_only});
  for (const std::string list : {R"([])", R"(["admin"])", R"(["read","write"])", R"(["Admin\u0000"])"})
    CHECK(refusal_in(valid_with("\"permissions\":" + list)) == ec::forbidden);
  for (const std::string list : {R"("Admin")", "null", "true", "7", R"({"Admin":true})", R"(["Read",7])",
                                 R"(["Read",null])", R"([["Admin"]])", R"([{"name":"Admin"}])"})
    CHECK_MESSAGE(says_nothing(valid_with("\"permissions\":" + list)), list);
}

TEST_CASE("hub wire: function lists") {
  const auto functions = [](const std::string& list) {
    return principal_in(valid_with(readable + ",\"allowed_functions\":" + list))->may.functions;
  };
  CHECK_FALSE(functions("null").has_value());
  REQUIRE(functions("[]").has_value());
  CHECK_FALSE(functions("[]")->allows("search"));
  CHECK(functions(R"(["search"])")->allows("search"));
  CHECK_FALSE(functions(R"(["search\u0000"])")->allows("search"));
  for (const std::string list :
       {R"("search")", "false", "0", R"({"search":true})", R"(["search",1])", R"([null])", R"([["search"]])"})
    CHECK_MESSAGE(says_nothing(valid_with(readable + ",\"allowed_functions\":" + list)), list);
}

TEST_CASE("hub wire: tenants are UUIDs") {
  const auto with = [](const std::string& id) {
    return R"({"valid":true,"permissions":["Admin"],"tenant_id":)" + id + "}";
  };
  CHECK(to_string(*principal_in(with(R"("ABCDEF01-2345-4678-9ABC-DEF012345678")"))->tenant) ==
        "abcdef01-2345-4678-9abc-def012345678");
  for (const std::string& id : std::initializer_list<std::string>{
           "null", "7", "true", "{}", R"([")" + uuid + R"("])", R"("")", R"("acme")",
           R"("00000000-0000-0000-0000-000000000000")", "\"{" + uuid + "}\"", "\"" + uuid + " \"", "\" " + uuid + "\"",
           "\"" + uuid + R"(\u0000")", R"("11111111111141118111111111111111")",
           R"("1111111-11111-4111-8111-111111111111")", R"("urn:uuid:)" + uuid + "\"",
           R"("g1111111-1111-4111-8111-111111111111")"})
    CHECK_MESSAGE(says_nothing(with(id)), id);
}

TEST_CASE("hub wire: operator scope needs the prefix and HiveHub's word") {
  const std::string as_operator = R"({"valid":true,"permissions":["Admin"],"scope":"operator"})";
  const auto who = principal_in(as_operator, "hh_admin");
  CHECK(who->may.operator_scope);
  CHECK_FALSE(who->tenant.has_value());
  // With a tenant or without: an operator acts for nobody until a request says for whom.
  CHECK_FALSE(principal_in(valid_with(readable + R"(,"scope":"operator")"), "hh_admin")->tenant.has_value());

  const auto plain = principal_in(valid_with(readable + R"(,"scope":"operator")"), "hh_live_");
  CHECK_FALSE(plain->may.operator_scope);
  CHECK(to_string(*plain->tenant) == uuid);
  CHECK_FALSE(principal_in(valid_with(readable + R"(,"scope":"operator")"), "hh_test_")->may.operator_scope);
  CHECK(says_nothing(as_operator));  // a tenant's key without a tenant
  for (const std::string scope : {R"("tenant")", R"("Operator")", R"("operator ")", "null", "true", R"(["operator"])"})
    CHECK_FALSE_MESSAGE(principal_in(valid_with(readable + ",\"scope\":" + scope), "hh_admin")->may.operator_scope,
                        scope);
}

TEST_CASE("hub wire: test keys are known by their prefix") {
  CHECK(principal_in(valid_with(readable), "hh_test_")->is_test);
  CHECK_FALSE(principal_in(valid_with(readable + R"(,"is_test":true)"), "hh_live_")->is_test);
}

TEST_CASE("hub wire: `valid` is a boolean or the answer says nothing") {
  for (const std::string value : {R"("true")", R"("false")", "1", "0", "null", "[true]", R"({"valid":true})"})
    CHECK_MESSAGE(says_nothing(R"({"valid":)" + value + R"(,"tenant_id":")" + uuid + R"(","permissions":["Read"]})"),
                  value);
  CHECK(says_nothing(R"({"Valid":true,"tenant_id":")" + uuid + R"(","permissions":["Read"]})"));
}

TEST_CASE("hub wire: hostile bytes say nothing") {
  const auto deep = [](std::size_t depth) {
    return valid_with(readable + ",\"x\":" + std::string(depth, '[') + std::string(depth, ']'));
  };
  for (const std::string& body : {std::string(),
                                  std::string(" "),
                                  std::string("null"),
                                  std::string("true"),
                                  std::string("[]"),
                                  std::string("\"valid\""),
                                  std::string("{\"valid\":true"),
                                  std::string("{valid:true}"),
                                  std::string("<html>502</html>"),
                                  std::string(1, '\0'),
                                  "[" + valid_with(readable) + "]",
                                  valid_with(readable) + "x",
                                  valid_with(readable) + valid_with(readable),
                                  valid_with(readable) + std::string(1, '\0'),
                                  valid_with(readable + ",\"x\":\"\xff\xfe\""),
                                  valid_with(readable + ",\"x\":NaN"),
                                  valid_with(readable + ",\"x\":1e999999"),
                                  deep(limits::json_depth_max + 1),
                                  deep(30'000),
                                  std::string(60'000, '{')})
    CHECK_MESSAGE(says_nothing(body), body.substr(0, 80));
}

TEST_CASE("hub wire: a whole answer, cut off anywhere, says nothing") {
  const auto body = valid_with(R"("permissions":["Admin"],"allowed_functions":["search"],"status":"suspended")");
  for (std::size_t n = 0; n < body.size(); ++n) CHECK_MESSAGE(says_nothing(body.substr(0, n)), n);
}

TEST_CASE("hub wire: of members given twice the first counts, for all of them alike") {
  CHECK(refusal_in(R"({"valid":false,"valid":true,"tenant_id":")" + uuid + R"(","permissions":["Admin"]})") ==
        ec::auth_invalid_key);
  CHECK(principal_in(valid_with(R"("permissions":["Read"],"permissions":["Admin"])"))->may.permissions ==
        permission_set{permission::read_only});
}

TEST_CASE("hub wire: the request carries the key as a JSON string") {
  CHECK(validate_key_request("hh_live_abc") == R"({"access_key":"hh_live_abc"})");
  CHECK(validate_key_request("a\"b\\\n\x01") == R"({"access_key":"a\"b\\\n\u0001"})");
}

TEST_CASE("hub wire: the path of an entry of the path map") {
  CHECK(*path_of("POST /api/v1/access-keys/validate", "vectorizer") == "/api/v1/access-keys/validate");
  CHECK(*path_of("POST /api/{service}/keys", "waggle") == "/api/waggle/keys");
  for (const std::string_view entry :
       {"", "POST", "POST ", "/keys", "GET /keys", "post /keys", "POST keys", "POST http://x/", "POST  /keys"}) {
    const auto path = path_of(entry, "s");
    CAPTURE(entry);
    REQUIRE_FALSE(path.has_value());
    CHECK(path.error().code == ec::validation_error);
    CHECK(path.error().details.find("hub.paths.validate_key") != std::string::npos);
  }
}

TEST_CASE("hub wire: a member of the wrong kind is no permission") {
  // hub.md §3: a malformed 2xx counts as a failed call.
  for (const std::string value : {"7", "true", "{}", R"(["suspended"])"})
    CHECK_MESSAGE(says_nothing(valid_with(readable + ",\"status\":" + value)), value);
  for (const std::string value : {"7", "true", "{}", R"(["revoked"])", R"("Revoked")", R"("a word of tomorrow")"})
    CHECK_MESSAGE(says_nothing(valid_with(readable + ",\"rotation_status\":" + value)), value);
}

TEST_CASE("hub wire: the end of a key's time") {
  const auto read = [](const std::string& time) {
    return read_key_answer(200, valid_with(readable + ",\"expires_at\":\"" + time + "\""), "hh_live_");
  };
  for (const std::string good : {"2026-01-02T03:04:05Z", "2026-01-02T03:04:05.123Z", "2026-01-02T03:04:05+00:00"}) {
    const auto verdict = read(good);
    REQUIRE_MESSAGE(verdict.has_value(), good);
    CHECK(verdict->value->expires_at == "2026-01-02T03:04:05");
  }
  for (const std::string bad : {"soon", "2026-01-02", "2026-01-02T03:04:05", "2026-01-02T03:04:05+02:00", "2026-1-2T3:4:5Z"})
    CHECK_MESSAGE(says_nothing(valid_with(readable + ",\"expires_at\":\"" + bad + "\"")), bad);
}

TEST_CASE("hub wire: a user is active, is not, or nothing is said") {
  tenant_id user;
  REQUIRE(parse_uuid(uuid, user.bytes));
  const auto answer = [&](const std::string& status, const std::string& id = uuid) {
    return read_user_answer(200, R"({"id":")" + id + R"(","status":")" + status + R"(","plan":"pro"})", user);
  };
  CHECK(answer("active")->value);
  for (const char* status : {"suspended", "inactive", "deleted"}) {
    REQUIRE(answer(status).has_value());
    CHECK_FALSE(answer(status)->value);
    CHECK_FALSE(answer(status)->refusal.has_value());
  }
  for (const char* status : {"", "Active", "unknown"}) CHECK(answer(status).error().code == ec::io_error);
  CHECK(answer("active", "22222222-2222-4222-8222-222222222222").error().code == ec::io_error);
  for (const char* body : {"", "[]", "{}", R"({"status":1})", R"({"status":"active"})"})
    CHECK(read_user_answer(200, body, user).error().code == ec::io_error);
  CHECK(read_user_answer(404, "", user)->refusal->code == ec::tenant_suspended);
  CHECK(read_key_answer(404, "not even JSON", "hh_live_")->refusal->code == ec::auth_invalid_key);
  CHECK(with_user("/users/{user_id}?x", user) == "/users/" + uuid + "?x");
  CHECK(*read_hub_path("get_user", "GET /{service}/users/{user_id}", "GET", "s") == "/s/users/{user_id}");
  CHECK(read_hub_path("get_user", "POST /users", "GET", "s").error().message.find("GET /") != std::string::npos);
}

TEST_CASE("quota answers: each shape, null and -1 as unlimited, what is left out as not said") {
  const auto quota = [](std::string_view body) {
    CAPTURE(body);
    const auto verdict = read_quota_answer(200, body);
    REQUIRE(verdict.has_value());
    return verdict->value;
  };
  const auto is = [](const said_limit& limit, std::uint64_t most) { return limit.said && limit.most == most; };
  auto q = quota(R"({"limits":{"collection_count":3,"vector_count":null,"storage_bytes":-1,"requests_per_month":7}})");
  CHECK(is(q.collections, 3));
  CHECK(q.points.said);
  CHECK_FALSE(q.points.most);
  CHECK(q.bytes.said);
  CHECK_FALSE(q.bytes.most);
  CHECK(is(q.per_month, 7));
  CHECK_FALSE(q.per_minute.said);
  q = quota(R"({"quota":{"max_vectors":5,"max_collections":2,"vectors_used":9}})");
  CHECK(is(q.points, 5));
  CHECK(is(q.collections, 2));
  CHECK_FALSE(q.bytes.said);
  q = quota(R"({"storage_limit_bytes":100,"monthly_operations_limit":0})");
  CHECK(is(q.bytes, 100));
  CHECK(is(q.per_month, 0));
  q = quota(R"({"storage":{"limit":1,"used":2},"vectors":{"limit":3},"collections":{"limit":4},
               "rate_limits":{"requests_per_minute":5,"requests_per_hour":6,"requests_per_day":null}})");
  CHECK(is(q.bytes, 1));
  CHECK(is(q.points, 3));
  CHECK(is(q.collections, 4));
  CHECK(is(q.per_minute, 5));
  CHECK(is(q.per_hour, 6));
  CHECK(q.per_day.said);
  CHECK_FALSE(quota("{}").points.said);
  CHECK_FALSE(read_quota_answer(404, "")->value.points.said);
  for (const auto* body : {R"({"lease":{"id":"l","expires_at":"2026-11-21T00:00:10Z"}})",
                           R"({"quota":{"max_vectors":5,"lease":{"expires_at":"2026-11-21T00:00:10.250Z"}}})"})
    CHECK_MESSAGE(read_quota_answer(200, body)->value.expires_ms == 1795219210000, body);
  CHECK(read_quota_answer(200, R"({"lease":{}})")->value.expires_ms == 0);
  for (const auto* bad : {"", "[]", "null", R"({"max_vectors":-2})", R"({"max_vectors":"5"})", R"({"max_vectors":1.5})",
                          R"({"limits":{"vector_count":true}})", R"({"vectors":{"limit":{}}})"})
    CHECK_MESSAGE(!read_quota_answer(200, bad), bad);
  CHECK_FALSE(read_quota_answer(409, "{}").has_value());
}

TEST_CASE("hub wire: address lists of the tenant") {
  const auto with = [](const std::string& lists) { return valid_with(readable + ",\"ip_lists\":" + lists); };
  CHECK(principal_in(valid_with(readable))->ip_lists == nullptr);
  CHECK(principal_in(with("null"))->ip_lists == nullptr);
  const auto lists = principal_in(with(R"({"allowlist":["10.0.0.0/8","::ffff:192.0.2.1"],"blocklist":["10.6.6.6"]})"))->ip_lists;
  REQUIRE(lists != nullptr);
  const auto in = [&](std::string_view text) { return admits(*lists, ip_address::parse(text).value()); };
  CHECK(in("10.1.1.1"));
  CHECK(in("192.0.2.1"));
  CHECK_FALSE(in("10.6.6.6"));
  CHECK_FALSE(in("2001:db8::1"));
  const auto empty = principal_in(with("{}"))->ip_lists;
  REQUIRE(empty != nullptr);
  CHECK(admits(*empty, ip_address::parse("10.6.6.6").value()));
  for (const char* wrong : {"[]", "\"10.0.0.1\"", R"({"allowlist":"10.0.0.1"})", R"({"blocklist":[1]})", R"({"blocklist":["x"]})",
                            R"({"allowlist":["10.0.0.0/33"]})"})
    CHECK(says_nothing(with(wrong)));
}

TEST_CASE("hub wire: what HiveHub is asked before growth, and its opinion") {
  tenant_id user;
  REQUIRE(parse_uuid(uuid, user.bytes));
  CHECK(check_quota_request(user, "insert", 3) == R"({"project_id":")" + uuid + R"(","operation":"insert","estimated_size":3})");
  const auto no = read_check_quota_answer(200, R"({"allowed":false,"remaining":2,"limit":10,"more":[]})");
  REQUIRE((no.has_value() && no->has_value()));
  CHECK_FALSE((*no)->allowed);
  CHECK((*no)->remaining == std::optional<std::uint64_t>(2));
  CHECK((*no)->limit == std::optional<std::uint64_t>(10));
  for (const auto* unnumbered : {R"({"allowed":true})", R"({"allowed":true,"remaining":null,"limit":-1})",
                                 R"({"allowed":true,"remaining":"2","limit":1.5})"}) {
    CAPTURE(unnumbered);
    const auto yes = read_check_quota_answer(200, unnumbered);
    REQUIRE((yes.has_value() && yes->has_value()));
    CHECK((*yes)->allowed);
    CHECK_FALSE(((*yes)->limit || (*yes)->remaining));
  }
  const auto unknown = read_check_quota_answer(404, R"({"allowed":false})");
  CHECK((unknown.has_value() && !unknown->has_value()));
  CHECK_FALSE(read_check_quota_answer(409, R"({"allowed":false})").has_value());
  for (const auto* bad : {"", "[]", "{}", R"({"allowed":"false"})", R"({"allowed":null})", R"({"allowed":0})"}) {
    CAPTURE(bad);
    CHECK_FALSE(read_check_quota_answer(200, bad).has_value());
  }
}

TEST_CASE("hub wire: who asks") {
  const auto once = hub_headers("key", "vectorizer", true), plain = hub_headers("key", "vectorizer", false);
  REQUIRE((once.size() == 4 && plain.size() == 3));
  CHECK((plain[0].second == "Bearer key" && plain[1] == std::pair<std::string, std::string>("X-Service-Name", "vectorizer")));
  CHECK((once[3].first == "Idempotency-Key" && !once[3].second.empty()));
  CHECK(once[3].second != hub_headers("key", "vectorizer", true)[3].second);
}
