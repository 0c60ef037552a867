// The pure parts: reader, target, codings, Host and Origin, error body, response head.
#include <doctest/doctest.h>

#include <random>

#include "http_support.hpp"
#include "net/http/body_coding.hpp"
#include "net/http/error_body.hpp"
#include "net/http/request_reader.hpp"
#include "net/http/response_writer.hpp"
#include "net/http/site_policy.hpp"
#include "net/http/target.hpp"

using namespace waggle;
using namespace waggle::test;

namespace {
struct outcome {
  read_state state = read_state::head;
  int status = 0;
  std::size_t taken = 0;
  std::string method, target, body, message;
  std::vector<std::pair<std::string, std::string>> headers;
  bool operator==(const outcome&) const = default;
};

/// Feeds `bytes` as a connection would: what was not taken is offered again with more behind it. `cuts` = sizes of the
/// pieces.
outcome read_all(const std::string& bytes, const std::vector<std::size_t>& cuts = {}, const read_limits& limits = {}) {
  request_reader reader(limits);
  http_request request;
  reader.start(request);
  std::string held;
  std::size_t given = 0, taken = 0, cut = 0;
  while (reader.state() != read_state::complete && reader.state() != read_state::failed) {
    const std::size_t n = reader.feed(held);
    taken += n;
    held.erase(0, n);
    if (n > 0 && reader.state() == read_state::body) continue;
    if (reader.state() == read_state::complete || reader.state() == read_state::failed || given == bytes.size()) break;
    const std::size_t size = cuts.empty() ? bytes.size() : cuts[cut++ % cuts.size()];
    held += bytes.substr(given, size);
    given = std::min(bytes.size(), given + size);
  }
  outcome o;
  o.state = reader.state();
  o.method = request.method;
  o.target = request.target;
  o.body = request.body;
  if (o.state == read_state::complete) o.taken = taken;
  if (o.state == read_state::failed) {
    o.status = info(reader.error().code).http_status;
    o.message = reader.error().message;
    o.body.clear();
    o.method.clear();
    o.target.clear();
    return o;
  }
  for (const auto& h : request.headers) o.headers.emplace_back(h.name, h.value);
  return o;
}
int status_of(const std::string& bytes, const read_limits& limits = {}) { return read_all(bytes, {}, limits).status; }
bool completes(const std::string& bytes) { return read_all(bytes).state == read_state::complete; }

const std::vector<std::string> samples = {
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /x?y=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nX: y\r\n\r\nhello",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nTrailer: "
    "t\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "PUT / HTTP/1.1\r\nhOsT:a\r\ncontent-length:0\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\n",
};
}  // namespace

TEST_CASE("reader: a request is the same however its bytes are cut") {
  std::mt19937 random(7);
  for (const auto& sample : samples) {
    const auto whole = read_all(sample);
    CHECK(whole.state == read_state::complete);
    CHECK(whole.taken == sample.size());
    CHECK(read_all(sample, {1}) == whole);
    for (int i = 0; i < 50; ++i) CHECK(read_all(sample, {1 + random() % 9, 1 + random() % 30}) == whole);
    // What follows is left alone.
    CHECK(read_all(sample + "GET /next").taken == sample.size());
  }
  CHECK(read_all(samples[2]).body == "hello world");
}

TEST_CASE("reader: damaged requests never crash, and none is complete for one cut of its bytes and not for another") {
  std::mt19937 random(11);
  for (int i = 0; i < 20000; ++i) {
    std::string bytes = samples[random() % samples.size()];
    for (unsigned n = 1 + random() % 3; n > 0; --n) {
      const auto at = random() % bytes.size();
      switch (random() % 4) {
        case 0: bytes[at] = static_cast<char>(random()); break;
        case 1: bytes.erase(at, 1 + random() % 4); break;
        case 2: bytes.insert(at, 1, "\r\n:\0 \t;,5"[random() % 9]); break;
        default: bytes.insert(at, bytes.substr(random() % bytes.size(), 8));
      }
      if (bytes.empty()) bytes = "x";
    }
    const auto whole = read_all(bytes);
    const auto cut = read_all(bytes, {1 + random() % 5});
    INFO(bytes);
    // (One may fail where the other still waits for the end of the head.)
    CHECK((whole.state == read_state::complete) == (cut.state == read_state::complete));
    if (whole.state == read_state::complete) CHECK(whole == cut);
  }
}

TEST_CASE("reader: what two readers could understand differently is refused") {
  const auto with = [](const std::string& lines, const std::string& rest = "") {
    return "POST / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n" + rest;
  };
  const std::string chunks = "0\r\n\r\n";
  CHECK(status_of(with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", chunks)) == 400);
  CHECK(status_of(with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", chunks)) == 400);
  CHECK(status_of(with("Content-Length: 5\r\nContent-Length: 6\r\n", "hello")) == 400);
  CHECK(status_of(with("Content-Length: 5\r\nContent-Length: 5\r\n", "hello")) == 400);
  CHECK(status_of(with("Content-Length: 5, 5\r\n", "hello")) == 400);
  CHECK(status_of(with("Content-Length: +5\r\n", "hello")) == 400);
  CHECK(status_of(with("Content-Length: -5\r\n", "hello")) == 400);
  CHECK(status_of(with("Content-Length: 0x5\r\n", "hello")) == 400);
  CHECK(status_of(with("Content-Length: \r\n", "hello")) == 400);
  CHECK(status_of(with("Content-Length: 99999999999999999999999\r\n")) == 400);
  CHECK(status_of(with("Content-Length : 5\r\n", "hello")) == 400);
  CHECK(status_of(with("Transfer-Encoding: gzip, chunked\r\n", chunks)) == 400);
  CHECK(status_of(with("Transfer-Encoding: gzip\r\n")) == 400);
  CHECK(status_of(with("Transfer-Encoding: identity\r\n")) == 400);
  CHECK(status_of(with("Transfer-Encoding: xchunked\r\n", chunks)) == 400);
  CHECK(status_of(with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", chunks)) == 400);
  CHECK(status_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks) == 400);
  for (const std::string bad : {"g\r\n", "-1\r\n", "5\nhello\r\n", "5\r\nhelloXY5\r\n", "FFFFFFFFFFFFFFFFF\r\n", "\r\n",
                                " 5\r\nhello\r\n0\r\n\r\n", "5 x\r\nhello"}) {
    INFO(bad);
    CHECK(status_of(with("Transfer-Encoding: chunked\r\n", bad)) >= 400);
  }
  CHECK(status_of("GET / HTTP/1.1\r\n\r\n") == 400);
  CHECK(status_of("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n") == 400);
  CHECK(status_of("GET / HTTP/1.1\r\nHost: a\r\n\0X: y\r\n\r\n") != 200);
  CHECK(status_of(std::string("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 39)) == 400);
  CHECK(status_of(std::string("GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n", 30)) == 400);
  CHECK(status_of("GET / HTTP/1.1\nHost: a\n\n") == 400);
  CHECK(status_of("GET / HTTP/2.0\r\nHost: a\r\n\r\n") == 400);
  CHECK(status_of("GET  / HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
  CHECK(status_of("G\x01T / HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
  CHECK(status_of("\x16\x03\x01\x02\x00\x01\x00") == 400);  // a TLS hello on the plain port
  CHECK(status_of("GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n") == 400);
  CHECK(status_of("GET / HTTP/1.1\r\nHost: a\r\n: empty\r\n\r\n") == 400);
  CHECK(completes("GET / HTTP/1.1\r\nHost: a\r\nX:\r\n\r\n"));
  for (const char* fields : {"Host: a\r\nX: a\r\n b\r\n\r\n", "X: a\r\n\tb\r\nHost: a\r\n\r\n", "Host: a\r\n\t\r\nX: b\r\n\r\n"}) {
    const auto folded = std::string("GET / HTTP/1.1\r\n") + fields;
    CHECK(status_of(folded) == 400);
    for (std::size_t cut = 1; cut < folded.size(); ++cut) CHECK(read_all(folded, {cut}).status == 400);
  }
}

TEST_CASE("reader: limits") {
  read_limits limits;
  limits.body_bytes_max = 10;
  const std::string top = "POST / HTTP/1.1\r\nHost: a\r\n";
  CHECK(read_all(top + "Content-Length: 10\r\n\r\n0123456789", {}, limits).state == read_state::complete);
  CHECK(status_of(top + "Content-Length: 11\r\n\r\n", limits) == 413);
  CHECK(read_all(top + "Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n", {}, limits).state ==
        read_state::complete);
  CHECK(status_of(top + "Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n6\r\n", limits) == 413);
  CHECK(status_of("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(17000, 'x') + "\r\n\r\n") == 431);
  CHECK(status_of("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(170000, 'x')) == 431);
  CHECK(status_of("GET /" + std::string(9000, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n") == 431);
  CHECK(status_of(std::string(20000, 'G')) == 431);
  std::string many = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 99; ++i) many += "X: y\r\n";
  CHECK(completes(many + "\r\n"));
  CHECK(status_of(many + "X: y\r\n\r\n") == 431);
}

TEST_CASE("reader: packed bodies, and the limit counts what they unpack to") {
  const auto packed = [](const std::string& coding, const std::string& bytes) {
    return "POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: " + coding +
           "\r\nContent-Length: " + std::to_string(bytes.size()) + "\r\n\r\n" + bytes;
  };
  const std::string text(5000, 'q');
  CHECK(read_all(packed("gzip", gzip(text))).body == text);
  CHECK(read_all(packed("X-GZIP", gzip(text)), {3}).body == text);
  CHECK(read_all(packed("deflate", deflate(text, false)), {1}).body == text);
  CHECK(read_all(packed("deflate", deflate(text, true)), {2}).body == text);
  CHECK(read_all(packed("gzip", gzip("a") + gzip("b"))).body == "ab");
  CHECK(read_all(packed("identity", text)).body == text);
  CHECK(read_all(packed("gzip", "")).state == read_state::complete);
  CHECK(status_of(packed("br", text)) == 415);
  CHECK(status_of(packed("gzip, gzip", text)) == 415);
  CHECK(status_of(packed("gzip", text)) == 400);
  CHECK(status_of(packed("gzip", gzip(text).substr(0, 20))) == 400);
  CHECK(status_of(packed("gzip", gzip(text) + "tail")) == 400);
  CHECK(status_of(packed("deflate", deflate(text, false) + "x")) == 400);
  CHECK(status_of("POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Encoding: gzip\r\nContent-Length: "
                  "1\r\n\r\nx") == 415);
  read_limits limits;
  limits.body_bytes_max = 4999;
  CHECK(status_of(packed("gzip", gzip(text)), limits) == 413);
  limits.body_bytes_max = 5000;
  CHECK(read_all(packed("gzip", gzip(text)), {}, limits).body == text);
}

TEST_CASE("inflater: a bomb costs no more than the limit") {
  const std::string bomb = gzip(std::string(64 << 20, '\0'));
  REQUIRE(bomb.size() < 100 * 1024);
  body_inflater inflater;
  inflater.start(body_coding::gzip);
  std::string out;
  const auto fed = inflater.feed(bomb, out, 1 << 20);
  REQUIRE_FALSE(fed.has_value());
  CHECK(fed.error().code == ec::payload_too_large);
  CHECK(out.size() <= 1 << 20);
  CHECK(out.capacity() <= 4 << 20);
}

TEST_CASE("target: prefixes, slashes, decoding once") {
  const auto segments = [](const std::string& target) {
    http_request r;
    r.target = target;
    std::string_view authority;
    const auto read = read_target(r, authority);
    if (!read) return std::string("error");
    std::string out;
    for (const auto& s : r.segments) out += "[" + s + "]";
    return out;
  };
  CHECK(segments("/") == "");
  CHECK(segments("/api") == "");
  CHECK(segments("/api/v1/") == "");
  CHECK(segments("/collections") == "[collections]");
  CHECK(segments("/api/v1/collections/docs/") == "[collections][docs]");
  CHECK(segments("/api/collections") == "[collections]");
  CHECK(segments("/v1/collections") == "[collections]");
  CHECK(segments("/v1/api/collections") == "[api][collections]");
  CHECK(segments("/api/api/v1") == "[api][v1]");
  CHECK(segments("/apix/v1") == "[apix][v1]");
  CHECK(segments("/a%2Fb/c%20d/%2561") == "[a/b][c d][%61]");
  CHECK(segments("/a//b") == "[a][][b]");
  CHECK(segments("/a/b//") == "[a][b][]");
  CHECK(segments("/%C3%A9") == "[\xC3\xA9]");
  CHECK(segments("/a+b") == "[a+b]");
  CHECK(segments("http://h:1/x/y?z") == "[x][y]");
  CHECK(segments("HTTPS://h") == "");
  for (const char* bad : {"", "x", "/%", "/%4", "/%zz", "/%00", "/a%00b", "/%ff", "/%C3", "/?a=%", "/?a=%00", "/a#b",
                          "/?#", "ftp://h/", "http:///x", "h:443"}) {
    INFO(bad);
    CHECK(segments(bad) == "error");
  }
  http_request r;
  r.target = "/p/?a=1&b=x+y%2B&a=2&c&=v&&d=e=f";
  std::string_view authority;
  REQUIRE(read_target(r, authority).has_value());
  CHECK(r.raw_path == "/p/");
  CHECK(r.raw_query == "a=1&b=x+y%2B&a=2&c&=v&&d=e=f");
  CHECK(r.parameter("a") == "1");
  CHECK(r.parameter("b") == "x y+");
  CHECK(r.parameter("c") == "");
  CHECK(r.parameter("d") == "e=f");
  CHECK_FALSE(r.parameter("A").has_value());
}

TEST_CASE("correlation id: taken when harmless, else made") {
  const auto chosen = [](std::vector<http_header_view> headers) {
    http_request r;
    r.headers = std::move(headers);
    choose_correlation_id(r);
    return r.correlation_id;
  };
  CHECK(chosen({{"x-correlation-id", "abc"}}) == "abc");
  CHECK(chosen({{"X-Request-Id", "def"}}) == "def");
  CHECK(chosen({{"X-Request-Id", "def"}, {"X-Correlation-ID", "abc"}}) == "abc");
  CHECK(chosen({{"X-Correlation-ID", std::string_view()}, {"X-Request-Id", "def"}}) == "def");
  const std::string longest(128, 'a'), too_long(129, 'a');
  CHECK(chosen({{"X-Correlation-ID", longest}}) == longest);
  for (const std::string& bad :
       {too_long, std::string("a b"), std::string("a\tb"), std::string("\xC3\xA9"), std::string("a\x7f")}) {
    const auto id = chosen({{"X-Correlation-ID", bad}});
    CHECK(id.size() == 36);
    CHECK(id[14] == '7');
  }
  CHECK(chosen({}) != chosen({}));
}

TEST_CASE("deadline") {
  const auto ms = [](const char* text) {
    http_request r;
    if (text) r.headers = {{"X-Request-Timeout-Ms", text}};
    const auto set = set_deadline(r, 1000, 30000);
    return set ? static_cast<int>((r.deadline_steady_us - 1000) / 1000) : -1;
  };
  CHECK(ms(nullptr) == 30000);
  CHECK(ms("250") == 250);
  CHECK(ms("30001") == 30000);
  CHECK(ms("99999999999999999999999") == 30000);
  for (const char* bad : {"", "0", "-5", "1.5", "1s", " 5", "-99999999999999999999999"}) CHECK(ms(bad) == -1);
}

TEST_CASE("Host in open loopback mode") {
  site_policy p;
  p.allowed_hosts = {"waggle.internal", "proxy:8080"};
  for (const char* ok : {"localhost", "LOCALHOST:15002", "127.0.0.1", "127.8.9.255:1", "[::1]", "[::1]:15002",
                         "waggle.internal", "Waggle.Internal:99", "proxy:8080", "localhost:"}) {
    INFO(ok);
    CHECK(host_allowed(p, ok));
  }
  for (const char* bad : {"", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "127.0.0",
                          "127.0.0.256", "127.1", "128.0.0.1", "0.0.0.0", "[::2]", "[::1", "::1", "proxy:8081",
                          "localhost:x", "proxy", "2130706433", "127.0.0.1:123456"}) {
    INFO(bad);
    CHECK_FALSE(host_allowed(p, bad));
  }
}

TEST_CASE("Origin") {
  site_policy p;
  p.allowed_origins = {"https://app.example"};
  using enum origin_verdict;
  CHECK(judge_origin(p, "http://localhost:15002", "localhost:15002", false) == none);
  CHECK(judge_origin(p, "http://LocalHost", "localhost:80", false) == none);
  CHECK(judge_origin(p, "https://node", "node:443", true) == none);
  CHECK(judge_origin(p, "https://localhost", "localhost", false) == denied);
  CHECK(judge_origin(p, "http://localhost", "localhost", true) == denied);
  CHECK(judge_origin(p, "http://localhost:1", "localhost:2", false) == denied);
  CHECK(judge_origin(p, "https://APP.example", "localhost", false) == allowed);
  CHECK(judge_origin(p, "https://app.example.evil", "localhost", false) == denied);
  CHECK(judge_origin(p, "http://app.example", "localhost", false) == denied);
  CHECK(judge_origin(p, "null", "localhost", false) == denied);
  CHECK(judge_origin(p, "", "localhost", false) == denied);
  CHECK(judge_origin(p, "http://", "", false) == denied);
  p.allowed_origins = {"*"};
  CHECK(judge_origin(p, "null", "localhost", false) == allowed);
}

TEST_CASE("Accept-Encoding") {
  CHECK(choose_response_coding("gzip, deflate, br") == body_coding::gzip);
  CHECK(choose_response_coding("deflate") == body_coding::deflate);
  CHECK(choose_response_coding("gzip;q=0.5, deflate;q=0.9") == body_coding::deflate);
  CHECK(choose_response_coding("gzip;q=0") == body_coding::identity);
  CHECK(choose_response_coding("gzip;q=0, *") == body_coding::deflate);
  CHECK(choose_response_coding("*") == body_coding::gzip);
  CHECK(choose_response_coding("br") == body_coding::identity);
  CHECK(choose_response_coding("") == body_coding::identity);
  CHECK(choose_response_coding(",,;;q=,gzip ;Q=1") == body_coding::gzip);
}

TEST_CASE("error body: the contract's members, in every style") {
  const auto r = error_response(failure(ec::collection_not_found, "Collection 'docs' not found"), "id-1");
  CHECK(r.status == 404);
  CHECK(r.body ==
        R"({"error_type":"collection_not_found","code":"COLLECTION_NOT_FOUND","error":"Collection 'docs' not found",)"
        R"("message":"Collection 'docs' not found","status_code":404,"request_id":"id-1","details":{}})");
  failure full(ec::quota_exceeded, "m", "{\"a\":1}");
  full.extra_members = "\"usage\":3";
  const auto quota = error_response(full, "i");
  CHECK(quota.body ==
        R"({"error_type":"QUOTA_EXCEEDED","code":"QUOTA_EXCEEDED","error":"m","message":"m","status_code":429,)"
        R"("request_id":"i","details":{"a":1},"retry_after_seconds":1,"usage":3})");
  REQUIRE(quota.headers.size() == 1);
  CHECK(quota.headers[0].name == "Retry-After");
  CHECK(has(error_response(failure(ec::conflict), "i", error_style::hub).body, "\"error_type\":\"CONFLICT\""));
  CHECK(has(error_response(failure(ec::auth_invalid_key), "i", error_style::auth).body,
            "\"error\":\"auth_invalid_key\""));
  CHECK(error_response(failure(ec::auth_missing_key), "i").headers[0].name == "WWW-Authenticate");
  // What only the log may know, and bytes that are no JSON, stay out.
  auto inside = failure(ec::io_error, "cannot open /var/lib/x", "{\"path\":1}");
  CHECK_FALSE(has(error_response(inside, "i").body, "/var"));
  CHECK_FALSE(has(error_response(inside, "i").body, "path"));
  CHECK(error_response(inside, "i").status == 500);
  CHECK(has(error_response(failure(ec::bad_request, "\xff"), "i").body, "\"message\":\"Bad request\""));
  json_parser parser;
  for (int i = 1; i < static_cast<int>(ec::count_); ++i) {
    const auto any = error_response(failure(static_cast<ec>(i), "q\"\\\n"), "id\"\\");
    const auto parsed = parser.parse(any.body);
    REQUIRE(parsed.has_value());
    CHECK((*parsed)["request_id"].as_string() == "id\"\\");
    if (any.status == 429) CHECK(any.headers.size() == 1);
  }
}

TEST_CASE("response head: any status, dates, no header injection") {
  response_writer writer;
  writer.set_time(784111777);
  http_response r;
  r.status = 299;
  r.headers = {{"X-A", "b\r\nX-Evil: 1"}};
  response_facts facts;
  facts.correlation_id = "c";
  facts.tls = true;
  facts.body_bytes = 5;
  std::string out;
  writer.append_head(out, r, facts);
  CHECK(out.starts_with("HTTP/1.1 299 \r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
  CHECK(has(out, "\r\nX-A: bX-Evil: 1\r\n"));
  CHECK(has(out, "\r\nStrict-Transport-Security: max-age=31536000\r\n"));
  CHECK(has(out, "\r\nContent-Length: 5\r\n"));
  CHECK(out.ends_with("\r\n\r\n"));
}
