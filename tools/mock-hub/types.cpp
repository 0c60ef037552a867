#include "tools/mock-hub/types.hpp"

#include <charconv>

namespace waggle::mock {

request make_request(std::string method, std::string target) {
  request r;
  r.method = std::move(method);
  r.target = std::move(target);
  const auto question = r.target.find('?');
  r.path = r.target.substr(0, question);
  std::string_view query =
      question == r.target.npos ? std::string_view() : std::string_view(r.target).substr(question + 1);
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto pair = query.substr(0, end);
    const auto equals = std::min(pair.find('='), pair.size());
    r.query[decode_percent(pair.substr(0, equals))] = decode_percent(pair.substr(std::min(equals + 1, pair.size())));
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return r;
}

std::string decode_percent(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned char byte = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16).ptr == text.data() + i + 3) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

answer error_answer(int status, std::string_view why) {
  answer a;
  a.status = status;
  a.body = json::object{{"error", why}};
  return a;
}

}  // namespace waggle::mock
