#pragma once
// What a route's handler gets and gives. A handler is a coroutine on the connection's thread: decode, ask the actors,
// write the answer. It throws nothing; a failure becomes the contract's error body in the pipeline.
#include <boost/asio/awaitable.hpp>

#include "base/error.hpp"
#include "base/json.hpp"
#include "net/auth/principal.hpp"
#include "net/bridge/database.hpp"
#include "net/bridge/request_scope.hpp"
#include "net/config/settings.hpp"
#include "net/metrics/metrics.hpp"
#include "net/rest/decoder.hpp"

namespace waggle {
class authenticator;
class local_identity;
}  // namespace waggle

namespace waggle::rest {

class audit_trail;
struct tenant_services;
class node_state;  // server-wide facts: start time, version, connections (net/rest/node_state.hpp)

struct handler_context {
  request_scope& scope;
  database& db;
  const settings& config;
  metric_registry& metrics;
  node_state& node;
  tenant_services& tenants;
  principal_ptr who;         ///< none where nobody has to be known; a log-in sets it
  local_identity* identity;  ///< none without auth.enabled
  authenticator& door;
  const audit_trail* audit;  ///< none where nothing is recorded

  http_request& http() { return scope.http(); }
};

using answer = boost::asio::awaitable<result<http_response>>;
using handler_fn = answer (*)(handler_context&);

/// A JSON body, parsed. The parser's memory lives as long as this object.
class body_json {
 public:
  /// An empty body counts as `{}` when `optional`. A member that is given twice at the top is refused.
  static result<body_json> parse(const http_request& request, bool optional = false);
  json_value root() const { return root_; }

 private:
  std::unique_ptr<json_parser> parser_;
  json_value root_;
};

/// An integer of the query string, at least `least`; anything else is a fault that names it.
result<std::uint64_t> query_number(const http_request& http, std::string_view name, std::uint64_t otherwise,
                                   std::uint64_t least = 0);

http_response json_response(std::string body, int status = 200);

}  // namespace waggle::rest
