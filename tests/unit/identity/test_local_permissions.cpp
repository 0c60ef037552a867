// What the words of local keys open, and that nobody gives what they have not.
#include <doctest/doctest.h>

#include "net/identity/local_permissions.hpp"

using namespace waggle;

namespace {
using word_list = std::vector<std::string>;

bool may(const rights& who, char permission_class, std::string_view function) {
  return check_rights(who, permission_class, function, true).has_value();
}
principal with(word_list words, bool operator_scope = false) {
  principal who;
  who.may = rights_of_words(words);
  who.may.operator_scope = operator_scope;
  return who;
}
bool gives(const principal& who, word_list words) {
  return may_grant(who, {std::move(words), std::nullopt, std::nullopt}, true).has_value();
}
}  // namespace

TEST_CASE("local words: each opens its class and no other") {
  struct row {
    const char* word;
    const char* classes;
  };
  for (const auto& [word, classes] : {row{"read", "PAR"}, row{"write", "PAW"}, row{"delete", "PAD"}, row{"READ_ONLY", "PAR"},
                                      row{"READ_WRITE", "PARWDC"}, row{"ADMIN", "PARWDCT"}, row{"create_collection", "PA"},
                                      row{"manage_users", "PA"}, row{"ApiUser", "PA"}, row{"nonsense", "PA"}}) {
    CAPTURE(word);
    const auto who = with({word}).may;
    for (const char c : std::string_view("PARWDCTO"))
      CHECK_MESSAGE(may(who, c, "some.function") == (std::string_view(classes).find(c) != std::string_view::npos), c);
  }
  CHECK(may(with({"ADMIN"}, true).may, 'O', "admin.restart"));
  CHECK_FALSE(may(with({}).may, 'R', "search"));
}

TEST_CASE("local words: single functions, those of the operator with operator scope only") {
  CHECK(may(with({"create_collection"}).may, 'C', "create_collection"));
  CHECK_FALSE(may(with({"create_collection"}).may, 'C', "delete_collection"));
  CHECK(may(with({"manage_api_keys"}).may, 'T', "auth.keys.create"));
  CHECK_FALSE(may(with({"manage_api_keys"}).may, 'T', "audit.read"));
  CHECK(may(with({"view_logs"}).may, 'T', "audit.read"));
  CHECK_FALSE(may(with({"view_logs"}).may, 'O', "admin.logs"));
  CHECK(may(with({"view_logs"}, true).may, 'O', "admin.logs"));
  CHECK_FALSE(may(with({"manage_users"}).may, 'O', "auth.users.create"));
  CHECK(may(with({"manage_users"}, true).may, 'O', "auth.users.create"));
  CHECK(may(with({"system_config"}, true).may, 'O', "admin.config"));
  CHECK_FALSE(may(with({"system_config"}, true).may, 'O', "tenant.cleanup"));
}

TEST_CASE("local words: a key of MCP alone is no other key") {
  CHECK_FALSE(may(with({"MCP"}).may, 'R', "search"));
  CHECK_FALSE(may(with({"MCP"}).may, 'A', "auth.me"));
  CHECK(may(with({"MCP", "read"}).may, 'R', "search"));
}

TEST_CASE("local words: nobody gives what they have not") {
  const auto admin = with({"ADMIN"}, true), tenant_admin = with({"ADMIN"}), reader = with({"read"}),
             clerk = with({"manage_api_keys", "read"});
  for (const auto& word : {"read", "write", "delete", "create_collection", "manage_api_keys", "manage_users", "view_logs",
                           "system_config", "ADMIN", "READ_WRITE", "READ_ONLY", "MCP"}) {
    CAPTURE(word);
    CHECK(gives(admin, {word}));
    const bool of_operator = std::string_view(word) == "manage_users" || std::string_view(word) == "system_config";
    CHECK(gives(tenant_admin, {word}) == !of_operator);
    const bool reads = std::string_view(word) == "read" || std::string_view(word) == "READ_ONLY";
    CHECK(gives(reader, {word}) == reads);
    CHECK(gives(clerk, {word}) == (reads || std::string_view(word) == "manage_api_keys"));
  }
  CHECK_FALSE(gives(reader, {"read", "write"}));
  CHECK_FALSE(gives(admin, {"nonsense"}));
}

TEST_CASE("local words: nor a function or a collection") {
  const auto grants = [](const principal& who, wanted_grant wanted) { return may_grant(who, wanted, true).has_value(); };
  auto limited = with({"ADMIN"});
  limited.may.functions = function_list({"search", "auth.keys.*"});
  CHECK(grants(limited, {{"read"}, word_list{"search"}, std::nullopt}));
  CHECK(grants(limited, {{"read"}, word_list{"auth.keys.*"}, std::nullopt}));
  CHECK(grants(limited, {{"read"}, word_list{}, std::nullopt}));
  CHECK_FALSE(grants(limited, {{"read"}, std::nullopt, std::nullopt}));
  CHECK_FALSE(grants(limited, {{"read"}, word_list{"search", "insert_text"}, std::nullopt}));
  CHECK_FALSE(grants(limited, {{"read"}, word_list{"auth.*"}, std::nullopt}));
  auto scoped = with({"ADMIN"});
  const word_list read_only{"read"};
  scoped.scopes = std::vector<collection_scope>{{"docs", rights_of_words(read_only)}};
  using scopes = std::vector<written_scope>;
  CHECK(grants(scoped, {{"read"}, std::nullopt, scopes{{"docs", {"read"}}}}));
  CHECK_FALSE(grants(scoped, {{"read"}, std::nullopt, std::nullopt}));
  CHECK_FALSE(grants(scoped, {{"read"}, std::nullopt, scopes{{"docs", {"write"}}}}));
  CHECK_FALSE(grants(scoped, {{"read"}, std::nullopt, scopes{{"other", {"read"}}}}));
  const word_list user{"User"}, administrator{"Admin"};
  CHECK_FALSE(may_grant_roles(scoped, user).has_value());
  CHECK_FALSE(may_grant_roles(limited, user).has_value());
  CHECK(may_grant_roles(with({"READ_WRITE"}), user).has_value());
  CHECK_FALSE(may_grant_roles(with({"READ_WRITE"}), administrator).has_value());
}
