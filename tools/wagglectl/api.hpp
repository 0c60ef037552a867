#pragma once
// The node's answers as commands see them: JSON in, exit codes out (contract README §7, cluster.md §6). One thread at a
// time.
#include <string>

#include "base/json.hpp"
#include "tools/wagglectl/http_client.hpp"

namespace waggle::ctl {

/// 401 and 403 → auth, 404 → not_found, 409 and 412 → conflict, anything else → failed. Takes the node's own sentence.
command_failure failure_of(const http_response& response);
/// The stable UPPER_SNAKE code of an error body; "" when it has none.
std::string error_code_of(const http_response& response);

class node_api {
 public:
  explicit node_api(http_client client) : client_(std::move(client)) {}

  /// A 2xx answer's JSON. It is valid until the next call.
  outcome<json_value> get(const std::string& target);
  outcome<json_value> post(const std::string& target, std::string body);
  outcome<json_value> put(const std::string& target, std::string body);
  outcome<json_value> del(const std::string& target);
  /// Any status.
  outcome<http_response> raw(const http_request& request) { return client_.send(request); }
  const endpoint& where() const { return client_.where(); }

 private:
  outcome<json_value> call(const http_request& request);
  http_client client_;
  json_parser parser_;
};

}  // namespace waggle::ctl
