#include "tools/wagglectl/api.hpp"

#include "tools/wagglectl/json_access.hpp"

namespace waggle::ctl {

std::string error_code_of(const http_response& response) {
  json_parser parser;
  const auto root = parser.parse(response.body);
  return root ? std::string(text_of((*root)["code"])) : std::string();
}

command_failure failure_of(const http_response& response) {
  std::string text;
  json_parser parser;
  if (const auto root = parser.parse(response.body)) {
    text = text_of((*root)["message"]);
    if (const auto code = text_of((*root)["code"]); !code.empty()) text += " (" + std::string(code) + ")";
  }
  if (text.empty()) text = "The node answered with HTTP status " + std::to_string(response.status);
  switch (response.status) {
    case 401: return {exit_code::auth, text, "give a valid credential with --token-file or WAGGLE_TOKEN"};
    case 403: return {exit_code::auth, text, "use a credential that has this permission"};
    case 404: return {exit_code::not_found, text};
    case 409:
    case 412: return {exit_code::conflict, text};
    case 507: return {exit_code::failed, text, "free disk space on the node; reads and deletes still work"};
    default: return {exit_code::failed, text};
  }
}

outcome<json_value> node_api::get(const std::string& target) {
  http_request request;
  request.target = target;
  request.repeatable = true;
  return call(request);
}

outcome<json_value> node_api::post(const std::string& target, std::string body) {
  http_request request;
  request.method = "POST";
  request.target = target;
  request.body = std::move(body);
  return call(request);
}

outcome<json_value> node_api::put(const std::string& target, std::string body) {
  http_request request;
  request.method = "PUT";
  request.target = target;
  request.body = std::move(body);
  return call(request);
}

outcome<json_value> node_api::del(const std::string& target) {
  http_request request;
  request.method = "DELETE";
  request.target = target;
  return call(request);
}

outcome<json_value> node_api::call(const http_request& request) {
  auto response = client_.send(request);
  if (!response) return response.error();
  if (response->status < 200 || response->status > 299) return failure_of(*response);
  auto root = parser_.parse(response->body);
  if (!root)
    return command_failure(exit_code::failed, "The answer of " + where().text() + " is not JSON",
                           "check that --endpoint is a Waggle node");
  return *root;
}

}  // namespace waggle::ctl
