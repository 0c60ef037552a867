#pragma once
// What a key may do: its permissions, and the functions that it is limited to (contract auth.md §4, §5). Pure values; any
// thread.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace waggle {

enum class permission : std::uint8_t { admin, read_write, read_only, mcp };
std::string_view to_string(permission p);  ///< ADMIN, READ_WRITE, READ_ONLY, MCP
/// What HiveHub writes: Admin, Write, Delete, Read, Mcp, or the names above; nothing for any other word.
std::optional<permission> parse_hub_permission(std::string_view word);

/// Several permissions of one key unite.
class permission_set {
 public:
  permission_set() = default;
  permission_set(std::initializer_list<permission> list) {
    for (const auto p : list) add(p);
  }
  void add(permission p) { bits_ |= bit(p); }
  bool has(permission p) const { return (bits_ & bit(p)) != 0; }
  bool empty() const { return bits_ == 0; }
  bool only(permission p) const { return bits_ == bit(p); }
  std::vector<std::string_view> names() const;
  bool operator==(const permission_set&) const = default;

 private:
  static std::uint8_t bit(permission p) { return static_cast<std::uint8_t>(1u << static_cast<unsigned>(p)); }
  std::uint8_t bits_ = 0;
};

/// The functions that a key is limited to: exact names; a trailing ".*" stands for a group; an empty list allows nothing.
class function_list {
 public:
  explicit function_list(std::vector<std::string> names) : names_(std::move(names)) {}
  bool allows(std::string_view function) const;
  const std::vector<std::string>& names() const { return names_; }
  bool operator==(const function_list&) const = default;

 private:
  std::vector<std::string> names_;
};

/// What of a principal decides about a function.
struct rights {
  permission_set permissions;
  std::optional<function_list> functions;  ///< absent: no further limit
  bool operator_scope = false;
  // What local keys may hold besides the four permissions. Class O asks for operator scope here too.
  std::string classes;         ///< whole classes, "PAR"
  function_list granted{{}};   ///< functions, whatever their class
};

/// FORBIDDEN with required and granted, or FUNCTION_NOT_ALLOWED with the function; both as extra members of the error
/// body. `permission_class`: P A R W D C T O. An unknown class is refused.
result<void> check_rights(const rights& who, char permission_class, std::string_view function,
                          bool read_write_manages_collections);

}  // namespace waggle
