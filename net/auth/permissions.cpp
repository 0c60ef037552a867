#include "net/auth/permissions.hpp"

#include <algorithm>
#include <array>

namespace waggle {
namespace {
constexpr std::array names = {std::string_view("ADMIN"), std::string_view("READ_WRITE"), std::string_view("READ_ONLY"),
                              std::string_view("MCP")};

/// An MCP key works on /mcp; elsewhere it may only ask whether the node lives and what it is itself.
bool open_to_mcp(std::string_view function) { return function == "health" || function == "keys.validate_self"; }

/// The permissions of which one is needed, ADMIN aside, which allows all inside its scope.
struct needed {
  permission_set any_of;
  bool operator_scope = false;
};

std::optional<needed> needed_for(char permission_class, bool read_write_manages_collections) {
  switch (permission_class) {
    case 'P':
    case 'A':
    case 'R': return needed{{permission::read_write, permission::read_only}};
    case 'W':
    case 'D': return needed{{permission::read_write}};
    case 'C':
      return read_write_manages_collections ? needed{{permission::read_write}} : needed{{permission::admin}};
    case 'T': return needed{{permission::admin}};
    case 'O': return needed{{permission::admin}, true};
    default: return std::nullopt;
  }
}

std::string json_list(const std::vector<std::string_view>& list) {
  std::string out = "[";
  for (const auto name : list) out.append(out.size() > 1 ? ",\"" : "\"").append(name).append("\"");
  return out.append("]");
}

failure forbidden(const rights& who, const needed* what) {
  failure f(ec::forbidden);
  if (what && what->operator_scope) f.message = "Admin access required";
  auto required = what ? what->any_of.names() : std::vector<std::string_view>{"ADMIN"};
  f.extra_members = "\"required\":" + json_list(required) + ",\"granted\":" + json_list(who.permissions.names());
  return f;
}
}  // namespace

std::string_view to_string(permission p) { return names[static_cast<std::size_t>(p)]; }

std::optional<permission> parse_hub_permission(std::string_view word) {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (word == names[i]) return static_cast<permission>(i);
  if (word == "Admin") return permission::admin;
  if (word == "Write" || word == "Delete") return permission::read_write;
  if (word == "Read") return permission::read_only;
  if (word == "Mcp") return permission::mcp;
  return std::nullopt;
}

std::vector<std::string_view> permission_set::names() const {
  std::vector<std::string_view> out;
  for (std::size_t i = 0; i < waggle::names.size(); ++i)
    if (has(static_cast<permission>(i))) out.push_back(waggle::names[i]);
  return out;
}

bool function_list::allows(std::string_view function) const {
  return std::any_of(names_.begin(), names_.end(), [function](std::string_view name) {
    return name == function || (name.ends_with(".*") && function.starts_with(name.substr(0, name.size() - 1)));
  });
}

result<void> check_rights(const rights& who, char permission_class, std::string_view function,
                          bool read_write_manages_collections) {
  const auto what = needed_for(permission_class, read_write_manages_collections);
  if (!what) return forbidden(who, nullptr);
  const bool admin = who.permissions.has(permission::admin) && (!what->operator_scope || who.operator_scope);
  bool has_one = admin || (who.permissions.only(permission::mcp) && open_to_mcp(function));
  for (const auto p : {permission::read_write, permission::read_only})
    has_one = has_one || (what->any_of.has(p) && who.permissions.has(p));
  if (!what->operator_scope || who.operator_scope)
    has_one = has_one || who.classes.find(permission_class) != who.classes.npos || who.granted.allows(function);
  if (!has_one) return forbidden(who, &*what);
  if (who.functions && !who.functions->allows(function)) {
    failure f(ec::function_not_allowed);
    f.extra_members = "\"function\":\"" + std::string(function) + "\"";
    return f;
  }
  return {};
}

}  // namespace waggle
