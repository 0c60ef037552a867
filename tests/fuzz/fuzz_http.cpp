// A connection's bytes to decoded requests: the reader of net/http, the target, and every body decoder of net/rest.
// Input: how (raw connection, or a body: plain, gzip, deflate) · bytes per read · the bytes.
#include <optional>
#include <string>
#include <vector>

#include "fuzz.hpp"
#include "net/http/body_coding.hpp"
#include "net/http/request_reader.hpp"
#include "net/http/target.hpp"
#include "net/rest/collection_request.hpp"
#include "net/rest/point_request.hpp"
#include "net/rest/search_request.hpp"
#include "net/rest/text_request.hpp"
#include "storage/payload/payload.hpp"

using namespace waggle;
using fuzz::require;

namespace {

constexpr std::size_t body_bytes_max = 64 * 1024;
constexpr std::size_t payload_bytes_max = 4 * 1024;

/// Everything of a request that must not depend on how the network cut its bytes.
struct received {
  read_state state = read_state::head;
  std::string method, target, body;
  std::vector<std::string> headers;
  std::size_t taken = 0;
  bool operator==(const received&) const = default;
};

/// Offers `bytes` as a connection does: `piece` at a time, what was not taken again with more behind it.
received receive(std::string_view bytes, std::size_t piece, http_request& request) {
  request_reader reader({.headers_max = 20, .body_bytes_max = body_bytes_max});
  reader.start(request);
  std::size_t end = 0;
  received r;
  for (;;) {
    const bool had_head = reader.state() != read_state::head;
    const auto taken = reader.feed(bytes.substr(r.taken, end - r.taken));
    require(taken <= end - r.taken, "the reader takes no more than it was offered");
    r.taken += taken;
    r.state = reader.state();
    if (r.state == read_state::complete || r.state == read_state::failed) break;
    if (!had_head && r.state == read_state::body) continue;
    if (end == bytes.size()) break;
    end = std::min(bytes.size(), end + piece);
  }
  if (r.state == read_state::failed) {
    require(info(reader.error().code).http_status >= 400, "a refused request has an error status");
    return {.state = r.state};
  }
  if (r.state != read_state::complete) return {.state = r.state};
  require(request.body.size() <= body_bytes_max, "a decoded body keeps its limit");
  r.method = request.method;
  r.target = request.target;
  r.body = request.body;
  for (const auto& h : request.headers) r.headers.push_back(std::string(h.name).append(": ").append(h.value));
  return r;
}

void read_head(http_request& request) {
  choose_correlation_id(request);
  require(!request.correlation_id.empty() && request.correlation_id.size() <= 128, "there is a correlation id");
  std::string_view authority;
  if (!read_target(request, authority)) return;
  for (const auto& segment : request.segments)
    require(is_utf8(segment) && segment.find('\0') == segment.npos, "path segments are UTF-8 without NUL");
  if (set_deadline(request, 1'000'000, 30'000))
    require(request.deadline_steady_us > 1'000'000 && request.deadline_steady_us <= 31'000'000, "deadlines are bounded");
}

void check_payload(const std::string& payload) {
  if (payload.empty()) return;
  json_parser parser;
  const auto json = parser.parse(payload);
  require(json && json->is_object(), "a decoded payload is a JSON object");
  const auto again = compact_payload(*json);
  require(again && *again == payload, "a decoded payload is in its stored form");
}

void check_points(const std::vector<point>& points) {
  for (const auto& p : points) {
    require(point_id::parse(p.id.str()).has_value(), "a decoded id is valid");
    require(p.sparse.indices.size() == p.sparse.values.size(), "sparse indices and values pair up");
    require(p.payload.size() <= payload_bytes_max, "a decoded payload keeps its limit");
    check_payload(p.payload);
  }
}

void decode_body(const std::string& body) {
  json_parser parser;
  const auto root = parser.parse(body);
  if (!root) return;
  if (const auto points = rest::read_upsert(*root, payload_bytes_max)) check_points(*points);
  if (const auto point = rest::read_point(*root, payload_bytes_max)) check_points({*point});
  if (auto text = rest::read_text(*root, {}, payload_bytes_max))
    if (rest::cut_text(*text, payload_bytes_max)) check_points(text->points);
  rest::decoder fields(*root);
  const auto options = rest::read_search_options(fields, 1000);
  require(options.limit >= 1 && options.limit <= 1000, "search limits are bounded");
  if (options.accept) options.accept->matches("a", R"({"a":1,"b":["x"]})", false);
  (void)fields.id({"id"});
  (void)fields.sparse({"query_sparse"});
  const collection_default_settings defaults{.dimension = 8, .metric = "cosine", .embedding_provider = "bm25"};
  (void)rest::read_config(*root, defaults);
}

/// A request that carries `body`, packed as `coding` says.
std::string wrap(std::string_view body, body_coding coding) {
  std::string packed(body);
  std::string request = "POST /collections/c/points HTTP/1.1\r\nHost: a\r\n";
  body_deflater deflater;
  if (coding != body_coding::identity && deflater.pack(body, coding, packed))
    request.append("Content-Encoding: ").append(to_string(coding)).append("\r\n");
  else
    packed = body;
  return request.append("Content-Length: ").append(std::to_string(packed.size())).append("\r\n\r\n").append(packed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto input = fuzz::view(data, size);
  const auto how = fuzz::take_choice(input) % 4;
  const std::size_t piece = 1 + fuzz::take_choice(input);
  constexpr body_coding codings[] = {body_coding::identity, body_coding::identity, body_coding::gzip,
                                     body_coding::deflate};
  const auto bytes = how == 0 ? std::string(input) : wrap(input, codings[how]);
  http_request whole, cut;
  const auto expected = receive(bytes, bytes.size() + 1, whole);
  const auto in_pieces = receive(bytes, piece, cut);
  // An unfinished head may be refused earlier when its lines arrive one by one; what is complete must be the same.
  if (expected.state == read_state::complete || in_pieces.state == read_state::complete)
    require(in_pieces == expected, "a request is the same however its bytes are cut");
  if (how != 0 && input.size() <= body_bytes_max)
    require(expected.state == read_state::complete && expected.body == input, "a packed body comes back");
  if (expected.state != read_state::complete) return 0;
  read_head(whole);
  decode_body(whole.body);
  return 0;
}
