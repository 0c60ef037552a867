#pragma once
// The one route table: method, path, permission class, function, handler. A route that is not here does not exist; REST,
// the documentation and the tests are generated from it. Immutable after start; any thread.
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/rest/handler.hpp"

namespace waggle::rest {

struct route {
  std::string_view method;    ///< GET, POST, PUT, PATCH, DELETE
  std::string_view path;      ///< bare form; `{name}` matches one segment
  char permission;            ///< class of auth.md §5: P A R W D C T O
  std::string_view function;
  handler_fn handler;
  std::string_view summary;
  std::string_view example;   ///< a request body that works, "" = none
};

std::span<const route> route_table();

/// The class that cluster mode asks for: figures of the whole node are the operator's.
inline char cluster_class(const route& to) { return to.function == "metrics" ? 'O' : to.permission; }

/// A tenant asks about itself; an operator who acts for nobody says whom it asks about.
inline bool operator_names_tenant(const route& to) {
  return to.function == "cluster.usage" || to.function == "tenant.stats";
}

struct route_match {
  const route* found = nullptr;
  std::vector<std::string> values;  ///< of the `{}` parts
  std::string allow;                ///< when only the method is wrong: "GET, POST"
};
/// Literal segments win over `{}`.
route_match match_route(std::string_view method, const std::vector<std::string>& segments);

}  // namespace waggle::rest
