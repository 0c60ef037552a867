#pragma once
// A request as the mock hub's parts see it, and an answer, without the socket. Pure values.
#include <map>

#include "tools/mock-hub/json_access.hpp"

namespace waggle::mock {

struct request {
  std::string method, target, body;
  std::string path;                            ///< as sent, without the query
  std::map<std::string, std::string> query;    ///< decoded
  std::map<std::string, std::string> headers;  ///< names in lower case
};

struct answer {
  int status = 200;
  json::value body = json::object();
  std::optional<std::int64_t> retry_after_seconds;
};

/// Splits the target into path and query.
request make_request(std::string method, std::string target);
/// "%41" → "A"; what is no escape stays.
std::string decode_percent(std::string_view text);
answer error_answer(int status, std::string_view why);

}  // namespace waggle::mock
