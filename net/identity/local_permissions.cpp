#include "net/identity/local_permissions.hpp"

#include <algorithm>
#include <array>

namespace waggle {
namespace {

struct word_row {
  std::string_view word;
  std::string_view classes;                       ///< that it opens whole
  std::array<std::string_view, 2> functions;      ///< that it opens beside them; "" = none
  std::string_view needed;                        ///< classes that its giver must hold, unless they hold the word itself
};
constexpr std::array words{
    word_row{"read", "R", {}, "R"},
    word_row{"write", "W", {}, "W"},
    word_row{"delete", "D", {}, "D"},
    word_row{"create_collection", "", {"create_collection"}, "C"},
    word_row{"delete_collection", "", {"delete_collection"}, "C"},
    word_row{"manage_api_keys", "", {"auth.keys.*"}, "T"},
    word_row{"manage_users", "", {"auth.users.*"}, "O"},
    word_row{"view_logs", "", {"admin.logs", "audit.read"}, "T"},
    word_row{"system_config", "", {"admin.*"}, "O"},
};

const word_row* find_word(std::string_view word) {
  const auto it = std::find_if(words.begin(), words.end(), [word](const auto& row) { return row.word == word; });
  return it == words.end() ? nullptr : &*it;
}

std::optional<permission> find_permission(std::string_view word) {
  for (const auto p : {permission::admin, permission::read_write, permission::read_only, permission::mcp})
    if (word == to_string(p)) return p;
  return std::nullopt;
}

bool holds_class(const rights& who, char permission_class, bool read_write_manages_collections) {
  rights unlimited = who;
  unlimited.functions.reset();
  return check_rights(unlimited, permission_class, "", read_write_manages_collections).has_value();
}

bool holds_classes(const rights& who, std::string_view classes, bool manages) {
  return std::all_of(classes.begin(), classes.end(), [&](char c) { return holds_class(who, c, manages); });
}

bool holds_word(const rights& who, std::string_view word, bool manages) {
  if (const auto p = find_permission(word)) {
    if (who.permissions.has(*p) || who.permissions.has(permission::admin)) return true;
    switch (*p) {
      case permission::admin: return false;
      case permission::read_write: return holds_classes(who, manages ? "RWDC" : "RWD", manages);
      case permission::read_only: return holds_class(who, 'R', manages);
      case permission::mcp: return holds_classes(who, "RW", manages);
    }
  }
  const auto* row = find_word(word);
  if (!row) return false;
  if (holds_classes(who, row->needed, manages)) return true;
  const auto granted = [&who](std::string_view function) { return function.empty() || who.granted.allows(function); };
  return row->classes.empty() && std::all_of(row->functions.begin(), row->functions.end(), granted);
}

bool holds_functions(const rights& who, const std::optional<std::vector<std::string>>& wanted) {
  if (!who.functions) return true;
  return wanted && std::all_of(wanted->begin(), wanted->end(), [&](const auto& f) { return who.functions->allows(f); });
}

const rights* scope_rights(const principal& who, const std::string& collection) {
  if (!who.scopes) return &who.may;
  for (const auto& scope : *who.scopes)
    if (scope.collection == collection) return &scope.may;
  return nullptr;
}

bool holds_scopes(const principal& who, const std::optional<std::vector<written_scope>>& wanted, bool manages) {
  if (!wanted) return !who.scopes;
  return std::all_of(wanted->begin(), wanted->end(), [&](const written_scope& scope) {
    const auto* own = scope_rights(who, scope.collection);
    return own && std::all_of(scope.permissions.begin(), scope.permissions.end(),
                              [&](const auto& word) { return holds_word(*own, word, manages); });
  });
}

failure not_held(std::string_view what) {
  return failure(ec::forbidden, "Nobody can give what they don't hold: " + std::string(what));
}
}  // namespace

bool is_local_permission(std::string_view word) { return find_word(word) || find_permission(word); }

bool is_role(std::string_view word) {
  return word == "Admin" || word == "User" || word == "ReadOnly" || word == "ApiUser";
}

rights rights_of_words(std::span<const std::string> list) {
  rights may;
  std::vector<std::string> functions;
  bool beside_mcp = false;
  for (const auto& word : list) {
    if (const auto p = find_permission(word)) may.permissions.add(*p);
    beside_mcp = beside_mcp || word != to_string(permission::mcp);
    const auto* row = find_word(word);
    if (!row) continue;
    may.classes += row->classes;
    for (const auto function : row->functions)
      if (!function.empty()) functions.emplace_back(function);
  }
  if (beside_mcp) may.classes += "PA";
  may.granted = function_list(std::move(functions));
  return may;
}

rights rights_of_roles(std::span<const std::string> roles) {
  std::vector<std::string> list;
  for (const auto& role : roles) {
    if (role == "Admin") list.emplace_back("ADMIN");
    if (role == "User") list.emplace_back("READ_WRITE");
    if (role == "ReadOnly") list.emplace_back("READ_ONLY");
    if (role == "ApiUser") list.emplace_back("ApiUser");  // no permission of its own; class A
  }
  return rights_of_words(list);
}

result<void> may_grant(const principal& giver, const wanted_grant& wanted, bool manages) {
  for (const auto& word : wanted.permissions)
    if (!holds_word(giver.may, word, manages)) return not_held(word);
  if (!holds_functions(giver.may, wanted.functions)) return not_held("allowed_functions");
  if (!holds_scopes(giver, wanted.scopes, manages)) return not_held("scopes");
  return {};
}

result<void> may_grant_roles(const principal& giver, std::span<const std::string> roles) {
  constexpr bool manages = true;
  for (const auto& role : roles) {
    const std::string_view word = role == "Admin"      ? "ADMIN"
                                  : role == "User"     ? "READ_WRITE"
                                  : role == "ReadOnly" ? "READ_ONLY"
                                                       : "";
    if (!word.empty() && !holds_word(giver.may, word, manages)) return not_held(role);
  }
  // A user has no list of functions or collections: whoever has one can't make one.
  if (giver.may.functions) return not_held("allowed_functions");
  if (giver.scopes) return not_held("scopes");
  return {};
}

}  // namespace waggle
