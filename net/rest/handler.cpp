#include "net/rest/handler.hpp"

namespace waggle::rest {

result<body_json> body_json::parse(const http_request& request, bool optional) {
  body_json body;
  body.parser_ = std::make_unique<json_parser>();
  auto root = body.parser_->parse(optional && request.body.empty() ? std::string_view("{}") : request.body);
  if (!root) return root.error();
  body.root_ = *root;
  return body;
}

http_response json_response(std::string body, int status) {
  http_response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

}  // namespace waggle::rest
