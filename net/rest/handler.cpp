#include "net/rest/handler.hpp"

#include <algorithm>
#include <charconv>

namespace waggle::rest {
namespace {

/// No request has more than a few dozen, and a worker looks through them.
constexpr std::size_t top_members_max = 1024;

result<void> no_name_twice(json_value root) {
  if (!root.is_object()) return {};
  std::vector<std::string_view> names;
  for (const auto member : root.as_object()) {
    if (names.size() == top_members_max) return failure::validation("body", "has too many members");
    names.push_back(member.key);
  }
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice == names.end()) return {};
  return failure::validation(*twice, "is given more than once");
}

}  // namespace

result<body_json> body_json::parse(const http_request& request, bool optional) {
  body_json body;
  body.parser_ = std::make_unique<json_parser>();
  auto root = body.parser_->parse(optional && request.body.empty() ? std::string_view("{}") : request.body);
  if (!root) return root.error();
  if (auto once = no_name_twice(*root); !once) return once.error();
  body.root_ = *root;
  return body;
}

result<std::uint64_t> query_number(const http_request& http, std::string_view name, std::uint64_t otherwise,
                                   std::uint64_t least) {
  const auto text = http.parameter(name);
  if (!text) return otherwise;
  std::uint64_t v = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), v);
  if (error != std::errc{} || end != text->data() + text->size() || v < least)
    return failure::validation(name, "must be an integer of at least " + std::to_string(least));
  return v;
}

http_response json_response(std::string body, int status) {
  http_response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

}  // namespace waggle::rest
