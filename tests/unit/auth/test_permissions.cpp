// The matrix of contract auth.md §5, cell by cell, and what is said to whom it refuses.
#include <doctest/doctest.h>

#include <map>

#include "base/json.hpp"
#include "net/auth/permissions.hpp"

using namespace waggle;

namespace {
rights with(permission_set permissions, bool operator_scope = false) {
  return {permissions, std::nullopt, operator_scope};
}
rights limited(std::vector<std::string> functions) {
  return {{permission::admin}, function_list(std::move(functions)), false};
}

bool may(const rights& who, char permission_class, std::string_view function = "some_function") {
  const auto answer = check_rights(who, permission_class, function, true);
  if (!answer) CHECK(answer.error().code == ec::forbidden);
  return answer.has_value();
}
std::string extra(const rights& who, char permission_class, std::string_view function = "some_function") {
  const auto answer = check_rights(who, permission_class, function, true);
  REQUIRE_FALSE(answer.has_value());
  const auto body = "{" + answer.error().extra_members + "}";
  json_parser parser;
  CHECK_MESSAGE(parser.parse(body).has_value(), body);
  return body;
}

const rights operator_admin = with({permission::admin}, true);
const rights tenant_admin = with({permission::admin});
const rights read_write = with({permission::read_write});
const rights read_only = with({permission::read_only});
const rights mcp = with({permission::mcp});
constexpr std::string_view classes = "PARWDCTO";
}  // namespace

TEST_CASE("permissions: the matrix") {
  struct row {
    char permission_class;
    bool operator_admin, tenant_admin, read_write, read_only;
  };
  for (const auto& r :
       {row{'P', true, true, true, true}, row{'A', true, true, true, true}, row{'R', true, true, true, true},
        row{'W', true, true, true, false}, row{'D', true, true, true, false}, row{'C', true, true, true, false},
        row{'T', true, true, false, false}, row{'O', true, false, false, false}}) {
    CAPTURE(r.permission_class);
    CHECK(may(operator_admin, r.permission_class) == r.operator_admin);
    CHECK(may(tenant_admin, r.permission_class) == r.tenant_admin);
    CHECK(may(read_write, r.permission_class) == r.read_write);
    CHECK(may(read_only, r.permission_class) == r.read_only);
    CHECK_FALSE(may(with({}), r.permission_class));
    CHECK_FALSE(may(with({}, true), r.permission_class));
  }
}

TEST_CASE("permissions: operator scope without ADMIN is no more than the permission") {
  for (const char c : classes) {
    CAPTURE(c);
    CHECK(may(with({permission::read_only}, true), c) == may(read_only, c));
    CHECK(may(with({permission::read_write}, true), c) == may(read_write, c));
  }
}

TEST_CASE("permissions: an MCP key has two functions outside /mcp") {
  for (const char c : classes) {
    CAPTURE(c);
    CHECK_FALSE(may(mcp, c));
    CHECK_FALSE(may(mcp, c, "search"));
    CHECK_FALSE(may(mcp, c, "health.more"));
  }
  CHECK(may(mcp, 'P', "health"));
  CHECK(may(mcp, 'P', "keys.validate_self"));
}

TEST_CASE("permissions: several permissions of a key unite") {
  for (const char c : classes) {
    CAPTURE(c);
    CHECK(may(with({permission::mcp, permission::read_only}), c) == may(read_only, c));
    CHECK(may(with({permission::read_only, permission::read_write}), c) == may(read_write, c));
    CHECK(may(with({permission::read_only, permission::admin}), c) == may(tenant_admin, c));
    CHECK(may(with({permission::mcp, permission::admin}, true), c));
  }
}

TEST_CASE("permissions: a class that nobody knows allows nothing") {
  for (int c = 0; c < 256; ++c) {
    if (c != 0 && classes.find(static_cast<char>(c)) != classes.npos) continue;
    CHECK_FALSE(may(operator_admin, static_cast<char>(c)));
    CHECK_FALSE(may(mcp, static_cast<char>(c), "health"));
  }
}

TEST_CASE("permissions: READ_WRITE may be kept from managing collections") {
  for (const char c : classes) {
    CAPTURE(c);
    CHECK(check_rights(read_write, c, "f", false).has_value() == (may(read_write, c) && c != 'C'));
    CHECK(check_rights(tenant_admin, c, "f", false).has_value() == may(tenant_admin, c));
    CHECK(check_rights(read_only, c, "f", false).has_value() == may(read_only, c));
  }
  CHECK(check_rights(read_write, 'C', "f", false).error().extra_members ==
        R"("required":["ADMIN"],"granted":["READ_WRITE"])");
}

TEST_CASE("permissions: a refusal says what was needed and what there is") {
  CHECK(extra(read_only, 'W') == R"({"required":["READ_WRITE"],"granted":["READ_ONLY"]})");
  CHECK(extra(read_only, 'D') == R"({"required":["READ_WRITE"],"granted":["READ_ONLY"]})");
  CHECK(extra(read_only, 'C') == R"({"required":["READ_WRITE"],"granted":["READ_ONLY"]})");
  CHECK(extra(read_write, 'T') == R"({"required":["ADMIN"],"granted":["READ_WRITE"]})");
  CHECK(extra(mcp, 'R') == R"({"required":["READ_WRITE","READ_ONLY"],"granted":["MCP"]})");
  CHECK(extra(with({}), 'W') == R"({"required":["READ_WRITE"],"granted":[]})");
  CHECK(extra(with({permission::mcp, permission::read_only}), 'W') ==
        R"({"required":["READ_WRITE"],"granted":["READ_ONLY","MCP"]})");
  CHECK(extra(tenant_admin, 'O') == R"({"required":["ADMIN"],"granted":["ADMIN"]})");
  CHECK(extra(operator_admin, '?') == R"({"required":["ADMIN"],"granted":["ADMIN"]})");
}

TEST_CASE("permissions: the operator's functions say so") {
  CHECK(check_rights(tenant_admin, 'O', "f", true).error().message == "Admin access required");
  CHECK(check_rights(read_only, 'O', "f", true).error().message == "Admin access required");
  CHECK(check_rights(read_only, 'W', "f", true).error().message != "Admin access required");
}

TEST_CASE("permissions: function lists are exact, with groups") {
  const function_list list({"search", "keys.*", "Insert", "a.b.*"});
  for (const std::string_view yes : {"search", "keys.list", "keys.rotate.now", "keys.", "Insert", "a.b.c"})
    CHECK_MESSAGE(list.allows(yes), yes);
  for (const std::string_view no : {"", "Search", "search ", "search.text", "searc", "search_all", "keys", "keysx.list",
                                    "Keys.list", "insert", "a.b", "a.c", "a.bc", "usage.statistics"})
    CHECK_FALSE_MESSAGE(list.allows(no), no);
  CHECK_FALSE(function_list({}).allows("search"));
  CHECK_FALSE(function_list({}).allows(""));
  CHECK_FALSE(function_list({""}).allows("search"));
  // Nothing but a trailing ".*" is special.
  for (const std::string pattern : {"*", ".*", "s*", "sea*", "*.list", "keys.*.list", "search|insert", "keys.?"})
    for (const std::string_view function : {"search", "insert", "keys.list"})
      CHECK_FALSE_MESSAGE(function_list({pattern}).allows(function), pattern);
}

TEST_CASE("permissions: a key needs the class and the function") {
  CHECK(check_rights(limited({"search"}), 'R', "search", true).has_value());
  CHECK(check_rights(limited({"keys.*"}), 'T', "keys.rotate", true).has_value());
  for (const auto& who : {limited({}), limited({"insert"}), limited({"Search"})}) {
    const auto answer = check_rights(who, 'R', "search", true);
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error().code == ec::function_not_allowed);
    CHECK(extra(who, 'R', "search") == R"({"function":"search"})");
  }
  // A function on the list gives no permission.
  rights reader = limited({"insert", "metrics"});
  reader.permissions = {permission::read_only};
  CHECK_FALSE(may(reader, 'W', "insert"));
  CHECK_FALSE(may(reader, 'O', "metrics"));
  // Not even health for a list without it.
  rights agent = limited({"search"});
  agent.permissions = {permission::mcp};
  CHECK(check_rights(agent, 'P', "health", true).error().code == ec::function_not_allowed);
}

TEST_CASE("permissions: the operator's list holds too") {
  rights who = limited({"metrics"});
  who.operator_scope = true;
  CHECK(check_rights(who, 'O', "metrics", true).has_value());
  CHECK(check_rights(who, 'O', "admin.restart", true).error().code == ec::function_not_allowed);
}

TEST_CASE("permissions: HiveHub's words") {
  const std::map<std::string_view, permission> words = {{"Admin", permission::admin},
                                                        {"Write", permission::read_write},
                                                        {"Delete", permission::read_write},
                                                        {"Read", permission::read_only},
                                                        {"Mcp", permission::mcp},
                                                        {"ADMIN", permission::admin},
                                                        {"MCP", permission::mcp},
                                                        {"READ_WRITE", permission::read_write},
                                                        {"READ_ONLY", permission::read_only}};
  for (const auto& [word, meaning] : words) CHECK_MESSAGE(parse_hub_permission(word) == meaning, word);
  for (const std::string_view word :
       {"", "admin", "ADMIN ", "Admins", "read", "WRITE", "ReadWrite", "read_only", "mcp", "Root"})
    CHECK_FALSE_MESSAGE(parse_hub_permission(word).has_value(), word);
  for (const auto p : {permission::admin, permission::read_write, permission::read_only, permission::mcp})
    CHECK(parse_hub_permission(to_string(p)) == p);
}
