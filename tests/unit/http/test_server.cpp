// The server through raw sockets: keep-alive, pipelining, bodies, limits, time, headers, drain.
#include <doctest/doctest.h>

#include <set>

#include "http_support.hpp"

using namespace waggle;
using namespace waggle::test;

namespace {
/// What auth.md §12 asks of every answer.
void check_standard_headers(const reply& r) {
  CHECK(r.header("X-Content-Type-Options") == "nosniff");
  CHECK(r.header("X-Frame-Options") == "SAMEORIGIN");
  CHECK(r.header("X-XSS-Protection") == "1; mode=block");
  CHECK(r.header("Content-Security-Policy") == "default-src 'none'; frame-ancestors 'none'");
  CHECK(r.header("Referrer-Policy") == "strict-origin-when-cross-origin");
  CHECK(r.header("Permissions-Policy") == "geolocation=(), microphone=(), camera=(), payment=()");
  CHECK_FALSE(r.header("X-Correlation-ID").empty());
  CHECK_FALSE(r.header("Date").empty());
  CHECK(r.header("Server").empty());
  for (const auto& [name, value] : r.headers)
    if (name != "Vary") CHECK(r.count(name) == 1);
}
void check_error(const reply& r, int status, const std::string& code) {
  INFO(r.body);
  CHECK(r.status == status);
  check_standard_headers(r);
  CHECK(r.header("Content-Type") == "application/json");
  json_parser parser;
  const auto body = parser.parse(r.body);
  REQUIRE(body.has_value());
  CHECK((*body)["code"].as_string() == code);
  CHECK((*body)["request_id"].as_string() == r.header("X-Correlation-ID"));
  std::uint64_t n = 0;
  CHECK((*body)["status_code"].get_uint64(n));
  CHECK(n == static_cast<std::uint64_t>(status));
}
}  // namespace

TEST_CASE("one connection serves many requests") {
  test_server s;
  raw_client c(s.port());
  for (int i = 0; i < 50; ++i) {
    const auto r = c.ask(get("/api/v1/n/" + std::to_string(i) + "/?q=a%20b"));
    REQUIRE(r.status == 200);
    CHECK(has(r.body, "\"segments\":[\"n\",\"" + std::to_string(i) + "\"]"));
    CHECK(has(r.body, "\"parameters\":{\"q\":\"a b\"}"));
    CHECK(has(r.body, "\"client\":\"127.0.0.1\""));
    CHECK(r.header("Connection").empty());
    check_standard_headers(r);
  }
  CHECK(s.server->stats().connections_accepted == 1);
  CHECK(s.server->stats().requests == 50);
  CHECK(s.server->stats().bytes_in > 50 * 40);
  CHECK(s.server->stats().bytes_out > 50 * 200);
}

TEST_CASE("Connection: close, HTTP/1.0 and 1.0 keep-alive") {
  test_server s;
  {
    raw_client c(s.port());
    const auto r = c.ask(get("/x", {"Connection: close"}));
    CHECK(r.status == 200);
    CHECK(r.header("Connection") == "close");
    CHECK(c.closed());
  }
  {
    raw_client c(s.port());
    const auto r = c.ask("GET /x HTTP/1.0\r\n\r\n");
    CHECK(r.status == 200);
    CHECK(c.closed());
  }
  {
    raw_client c(s.port());
    CHECK(c.ask("GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").header("Connection") == "keep-alive");
    CHECK(c.ask("GET /x HTTP/1.0\r\n\r\n").status == 200);
    CHECK(c.closed());
  }
}

TEST_CASE("pipelined requests are answered in order, also beyond one batch") {
  test_server s;
  raw_client c(s.port());
  std::string all;
  for (int i = 0; i < 100; ++i)
    all += i % 3 ? get("/p/" + std::to_string(i)) : post("/p/" + std::to_string(i), "body" + std::to_string(i));
  c.send(all);
  for (int i = 0; i < 100; ++i) {
    const auto r = c.read();
    REQUIRE(r.status == 200);
    CHECK(has(r.body, "[\"p\",\"" + std::to_string(i) + "\"]"));
    if (i % 3 == 0) CHECK(has(r.body, "\"body\":\"body" + std::to_string(i) + "\""));
  }
}

TEST_CASE("a pipelined answer does not wait for a slow handler behind it") {
  test_server s;
  raw_client c(s.port());
  c.send(get("/a") + get("/b") + get("/wait") + get("/c"));
  CHECK(has(c.read().body, "[\"a\"]"));
  CHECK(has(c.read().body, "[\"b\"]"));
  CHECK(s.handler.waiting() == 1);
  s.handler.release();
  CHECK(c.read().body == "\"waited\"");
  CHECK(has(c.read().body, "[\"c\"]"));
}

TEST_CASE("a pipelined answer does not wait for the rest of the next request") {
  test_server s;
  raw_client c(s.port());
  c.send(get("/a") + "POST /b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nab");
  CHECK(has(c.read().body, "[\"a\"]"));
  c.send("cd" + get("/c") + "GET /d HT");
  CHECK(has(c.read().body, "\"body\":\"abcd\""));
  CHECK(has(c.read().body, "[\"c\"]"));
  c.send("TP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(has(c.read().body, "[\"d\"]"));
}

TEST_CASE("bytes one by one, and empty lines before a request") {
  test_server s;
  raw_client c(s.port());
  for (const char byte : "\r\n\r\n" + post("/x", "hello")) c.send(std::string_view(&byte, 1));
  CHECK(has(c.read().body, "\"body\":\"hello\""));
}

TEST_CASE("HEAD is GET without the body") {
  test_server s;
  raw_client c(s.port());
  const auto full = c.ask(get("/big/5000"));
  c.send("HEAD /big/5000 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto head = c.read(true);
  CHECK(head.status == 200);
  CHECK(head.header("Content-Length") == full.header("Content-Length"));
  CHECK(head.header("Content-Type") == "text/plain");
  const auto next = c.ask(get("/x"));  // nothing was left over
  CHECK(has(next.body, "\"method\":\"GET\",\"head\":false"));
  const auto none = c.ask(get("/none"));
  CHECK(none.status == 204);
  CHECK(none.count("Content-Length") == 0);
}

TEST_CASE("Expect: 100-continue") {
  test_server s([](http_options& o) { o.body_bytes_max = 10; });
  const auto top = [](int length) {
    return "POST /x HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: " + std::to_string(length) +
           "\r\n\r\n";
  };
  raw_client c(s.port());
  CHECK(c.ask(top(5)).status == 100);
  CHECK(has(c.ask("hello").body, "\"body\":\"hello\""));
  c.send(top(5) + "world");  // a client that does not wait gets no 100
  CHECK(c.read().status == 200);
  check_error(c.ask(top(11)), 413, "PAYLOAD_TOO_LARGE");
  CHECK(c.closed());
}

TEST_CASE("chunked and packed request bodies arrive decoded") {
  test_server s;
  raw_client c(s.port());
  c.send("POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
  CHECK(has(c.read().body, "\"body\":\"hello\""));
  CHECK(has(c.ask(post("/x", gzip("packed"), {"Content-Encoding: gzip"})).body, "\"body\":\"packed\""));
  CHECK(has(c.ask(post("/x", deflate("raw", true), {"Content-Encoding: deflate"})).body, "\"body\":\"raw\""));
  const auto r = c.ask(post("/x", "x", {"Content-Encoding: br"}));
  check_error(r, 415, "UNSUPPORTED_MEDIA_TYPE");
  CHECK(r.header("Accept-Encoding") == "gzip, deflate");
}

TEST_CASE("large bodies both ways") {
  test_server s;
  raw_client c(s.port());
  const std::string body(20 << 20, 'b');
  CHECK(has(c.ask(post("/x", body)).body, "\"bytes\":20971520"));
  const auto r = c.ask(get("/bin/20000000"));
  CHECK(r.body.size() == 20000000);
  CHECK(has(r.body.substr(r.body.size() / 2, 100), " of text\n"));
  CHECK(c.ask(get("/x")).status == 200);
  CHECK(s.server->stats().bytes_in > 20u << 20);
}

TEST_CASE("413 is readable even while the client still sends") {
  test_server s([](http_options& o) { o.body_bytes_max = 1000; });
  for (const bool chunked : {false, true}) {
    raw_client c(s.port());
    c.send(std::string("POST /x HTTP/1.1\r\nHost: localhost\r\n") +
           (chunked ? "Transfer-Encoding: chunked\r\n\r\n800000\r\n" : "Content-Length: 8388608\r\n\r\n"));
    const std::string block(1 << 16, 'x');
    for (int i = 0; i < 128; ++i)
      if (!c.send(block)) break;
    const auto r = c.read();
    check_error(r, 413, "PAYLOAD_TOO_LARGE");
    CHECK(r.header("Connection") == "close");
    c.finish_sending();
    CHECK(c.closed());
  }
  raw_client c(s.port());
  check_error(c.ask(post("/x", gzip(std::string(30 << 20, '\0')).substr(0, 900), {"Content-Encoding: gzip"})), 413,
              "PAYLOAD_TOO_LARGE");
}

TEST_CASE("malformed requests: the contract's error body, then close") {
  test_server s;
  const std::pair<std::string, int> cases[] = {
      {"nonsense\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/3.7\r\nHost: localhost\r\n\r\n", 400},
      {get("/%zz"), 400},
      {get("/%00"), 400},
      {get("/x?a=%"), 400},
      {"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: bad host\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: user@localhost\r\n\r\n", 400},
      {"CONNECT localhost:443 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
      {get("/x", {"X-Request-Timeout-Ms: soon"}), 400},
      {get("/x", {"X: " + std::string(20000, 'x')}), 431},
      {get("/" + std::string(9000, 'x')), 431},
  };
  for (const auto& [bytes, status] : cases) {
    INFO(bytes.substr(0, 100));
    raw_client c(s.port());
    c.send(bytes + get("/smuggled"));
    const auto r = c.read();
    CHECK(r.status == status);
    check_standard_headers(r);
    CHECK(has(r.body, "\"status_code\":" + std::to_string(status)));
    CHECK(r.header("Connection") == "close");
    c.finish_sending();
    CHECK(c.closed());  // what follows a refused request is never served
  }
}

TEST_CASE("a chunk header that never ends is cut off") {
  test_server s;
  raw_client c(s.port());
  c.send("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1;");
  const std::string block(1 << 14, 'x');
  for (int i = 0; i < 64; ++i)
    if (!c.send(block)) break;
  CHECK(c.read().status == 431);
}

TEST_CASE("correlation ids") {
  test_server s;
  raw_client c(s.port());
  CHECK(c.ask(get("/x", {"X-Correlation-ID: abc-1"})).header("X-Correlation-ID") == "abc-1");
  CHECK(has(c.ask(get("/x", {"x-request-id: r\"2"})).body, "\"id\":\"r\\\"2\""));
  std::set<std::string> seen;
  for (const std::string& bad : {std::string("X-Correlation-ID: a b"), "X-Correlation-ID: " + std::string(129, 'a'),
                                 std::string("X-Correlation-ID: \xC3\xA9"), std::string("X-A: b")}) {
    const auto id = c.ask(get("/x", {bad})).header("X-Correlation-ID");
    CHECK(id.size() == 36);
    CHECK(seen.insert(id).second);
  }
  // An error names the client's id, even one that the parser raised.
  CHECK(has(c.ask(get("/fail", {"X-Correlation-ID: q\"x"})).body, "\"request_id\":\"q\\\"x\""));
  const auto r = c.ask("POST / HTTP/1.1\r\nX-Correlation-ID: early\r\nHost: localhost\r\nContent-Length: x\r\n\r\n");
  CHECK(r.status == 400);
  CHECK(r.header("X-Correlation-ID") == "early");
  // A folded header line can't smuggle a second line into the answer.
  raw_client d(s.port());
  const auto folded = d.ask(get("/x", {"X-Correlation-ID: a\r\n b"}));
  CHECK(folded.status == 400);
  CHECK(folded.count("X-Correlation-ID") == 1);
}

TEST_CASE("X-Request-Timeout-Ms lowers the deadline") {
  test_server s([](http_options& o) { o.request_timeout_ms = 5000; });
  raw_client c(s.port());
  CHECK(has(c.ask(get("/x")).body, "\"timeout_ms\":5000"));
  CHECK(has(c.ask(get("/x", {"X-Request-Timeout-Ms: 20"})).body, "\"timeout_ms\":20"));
  CHECK(has(c.ask(get("/x", {"X-Request-Timeout-Ms: 20000"})).body, "\"timeout_ms\":5000"));
}

TEST_CASE("a handler that throws is a 500 without detail, and the connection goes on") {
  test_server s;
  raw_client c(s.port());
  for (const char* path : {"/throw", "/throw_int", "/throw_late"}) {
    const auto r = c.ask(get(path));
    check_error(r, 500, "INTERNAL_ERROR");
    CHECK_FALSE(has(r.body, "secret"));
  }
  CHECK(c.ask(get("/x")).status == 200);
  const auto injected = c.ask(get("/inject"));
  CHECK(injected.header("X-Evil").empty());
  CHECK(injected.header("Cache-Control") == "no-store");
}

TEST_CASE("answers over 1 KiB are packed for those who accept it") {
  test_server s;
  raw_client c(s.port());
  const auto plain = c.ask(get("/big/5000"));
  CHECK(plain.header("Content-Encoding").empty());
  CHECK(plain.header("Vary") == "Accept-Encoding");
  for (const char* coding : {"gzip", "deflate"}) {
    const auto r = c.ask(get("/big/5000", {std::string("Accept-Encoding: ") + coding}));
    CHECK(r.header("Content-Encoding") == coding);
    CHECK(r.body.size() < 5000);
    CHECK(gunzip(r.body) == plain.body);
  }
  CHECK(c.ask(get("/big/1024", {"Accept-Encoding: gzip"})).header("Content-Encoding").empty());
  CHECK(c.ask(get("/bin/5000", {"Accept-Encoding: gzip"})).header("Content-Encoding").empty());
  CHECK(c.ask(get("/big/5000", {"Accept-Encoding: br, gzip;q=0"})).header("Content-Encoding").empty());
  const auto large = c.ask(get("/big/2000000", {"Accept-Encoding: gzip"}));
  CHECK(gunzip(large.body).size() == 2000000);
}

TEST_CASE("Host check of the open loopback mode") {
  test_server s([](http_options& o) {
    o.site.check_host = true;
    o.site.allowed_hosts = {"waggle.internal"};
  });
  const auto ask = [&](const std::string& host) {
    raw_client c(s.port());
    return c.ask("GET /x HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
  };
  CHECK(ask("localhost").status == 200);
  CHECK(ask("127.0.0.1:15002").status == 200);
  CHECK(ask("waggle.internal").status == 200);
  check_error(ask("evil.example"), 403, "ORIGIN_DENIED");
  check_error(ask("localhost.evil.example"), 403, "ORIGIN_DENIED");
  raw_client c(s.port());
  // The absolute form's authority counts, not the Host beside it.
  check_error(c.ask("GET http://evil.example/x HTTP/1.1\r\nHost: localhost\r\n\r\n"), 403, "ORIGIN_DENIED");
  raw_client d(s.port());
  check_error(d.ask("GET /x HTTP/1.1\r\nHost:\r\n\r\n"), 403, "ORIGIN_DENIED");
  raw_client e(s.port());
  CHECK(e.ask("GET /x HTTP/1.0\r\n\r\n").status == 200);
}

TEST_CASE("an open server refuses to listen off loopback") {
  boost::asio::io_context context;
  test_handler handler;
  http_options o;
  o.host = "0.0.0.0";
  o.site.check_host = true;
  http_server open(o, {&context}, handler);
  const auto started = open.start();
  REQUIRE_FALSE(started.has_value());
  CHECK(has(started.error().message, "loopback"));
}

TEST_CASE("Origin: foreign pages are turned away before their body is read; no CORS unless configured") {
  test_server s;
  raw_client c(s.port());
  const std::string own = "Origin: http://localhost:" + std::to_string(s.port());
  const std::string host = "Host: localhost:" + std::to_string(s.port());
  const auto r = c.ask("GET /x HTTP/1.1\r\n" + host + "\r\n" + own + "\r\n\r\n");
  CHECK(r.status == 200);
  CHECK(r.header("Access-Control-Allow-Origin").empty());
  for (const char* origin : {"https://evil.example", "null", "http://localhost:1"}) {
    raw_client d(s.port());
    d.send("POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\nOrigin: " + std::string(origin) +
           "\r\n\r\n");
    const auto denied = d.read();
    check_error(denied, 403, "ORIGIN_DENIED");
    CHECK(denied.header("Access-Control-Allow-Origin").empty());
  }
  raw_client d(s.port());
  check_error(d.ask("OPTIONS /x HTTP/1.1\r\nHost: localhost\r\nOrigin: "
                    "https://evil.example\r\nAccess-Control-Request-Method: POST\r\n\r\n"),
              403, "ORIGIN_DENIED");
  CHECK(has(c.ask("OPTIONS /x HTTP/1.1\r\nHost: localhost\r\n\r\n").body,
            "\"method\":\"OPTIONS\""));  // not CORS: the routes decide
}

TEST_CASE("CORS for allowed origins") {
  test_server s([](http_options& o) { o.site.allowed_origins = {"https://app.example"}; });
  raw_client c(s.port());
  const auto preflight = c.ask(
      "OPTIONS /x HTTP/1.1\r\nHost: localhost\r\nOrigin: https://app.example\r\nAccess-Control-Request-Method: "
      "PUT\r\n\r\n");
  CHECK(preflight.status == 204);
  check_standard_headers(preflight);
  CHECK(preflight.header("Access-Control-Allow-Origin") == "https://app.example");
  CHECK(has(preflight.header("Access-Control-Allow-Methods"), "PUT"));
  CHECK(has(preflight.header("Access-Control-Allow-Headers"), "Authorization"));
  CHECK(preflight.header("Vary") == "Origin");
  CHECK(preflight.header("Access-Control-Allow-Credentials").empty());
  const auto r = c.ask(get("/fail", {"Origin: https://app.example"}));
  CHECK(r.status == 404);
  CHECK(r.header("Access-Control-Allow-Origin") == "https://app.example");
  CHECK(has(r.header("Access-Control-Expose-Headers"), "X-Correlation-ID"));
  const auto plain = c.ask(get("/x"));
  CHECK(plain.header("Access-Control-Allow-Origin").empty());
  CHECK(plain.header("Vary") == "Origin");
}

TEST_CASE("CORS for every origin never allows credentials; reload changes who is allowed") {
  test_server s([](http_options& o) { o.site.allowed_origins = {"*"}; });
  raw_client c(s.port());
  const auto r = c.ask(get("/x", {"Origin: https://any.example"}));
  CHECK(r.header("Access-Control-Allow-Origin") == "*");
  CHECK(r.header("Access-Control-Allow-Credentials").empty());
  auto changed = s.options;
  changed.site.allowed_origins = {};
  CHECK(s.server->reload(changed).has_value());
  CHECK(eventually([&] {
    raw_client d(s.port());
    return d.ask(get("/x", {"Origin: https://any.example"})).status == 403;
  }));
}

TEST_CASE("a body that the handler leaves unread is never taken for a request") {
  test_server s;
  const std::string inner = get("/inner");
  const auto ask = [](const std::string& how) {
    return "POST /unread HTTP/1.1\r\nHost: localhost\r\n" + how + "\r\n\r\n";
  };
  SUBCASE("a small one is skipped, also a packed one, and the connection goes on") {
    raw_client c(s.port());
    for (const std::string packed : {"", "\r\nContent-Encoding: gzip"}) {
      c.send(ask("Content-Length: " + std::to_string(inner.size()) + packed) + inner + get("/next"));
      CHECK(c.read().status == 401);
      CHECK(has(c.read().body, "\"/next\""));
    }
    c.send(ask("Content-Length: 60000"));
    CHECK(c.read().status == 401);  // before its body
    c.send(std::string(60000, 'x') + get("/next"));
    CHECK(has(c.read().body, "\"/next\""));
    CHECK(s.handler.refusals().empty());
  }
  SUBCASE("any other ends the connection") {
    for (const std::string how :
         {"Content-Length: 70000", "Content-Length: 104857600", "Transfer-Encoding: chunked",
          "Content-Length: 5\r\nExpect: 100-continue", "Transfer-Encoding: chunked\r\nExpect: 100-continue"}) {
      CAPTURE(how);
      raw_client c(s.port());
      c.send(ask(how) + (how.find("Expect") == how.npos ? inner : ""));
      const auto r = c.read();
      CHECK(r.status == 401);
      CHECK(r.header("Connection") == "close");
      c.finish_sending();
      CHECK(c.closed());
    }
  }
}

TEST_CASE("what the server answers by itself is told, once") {
  test_server s([](http_options& o) {
    o.header_read_timeout_ms = 100;
    o.site.allowed_origins = {"https://app.example"};
  });
  const auto told = [&](const std::string& sent) {
    raw_client c(s.port());
    c.send(sent);
    c.read();
    return s.handler.refusals().back();
  };
  CHECK(told("GET /x HTTP/1.1\r\n\r\n") == "400 BAD_REQUEST GET");
  CHECK(told(get("/x", {"X: " + std::string(20000, 'x')})) == "431 HEADERS_TOO_LARGE GET");
  CHECK(told(post("/x", "", {"Content-Length: 99999999999"})).starts_with("400"));
  CHECK(told("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999\r\n\r\n") == "413 PAYLOAD_TOO_LARGE POST");
  CHECK(told("GET /half HTTP/1.1\r\nHo") == "408 REQUEST_TIMEOUT ");
  CHECK(told(get("/x", {"Origin: https://evil.example"})) == "403 ORIGIN_DENIED GET");
  CHECK(told("OPTIONS /x HTTP/1.1\r\nHost: h\r\nOrigin: https://app.example\r\nAccess-Control-Request-Method: GET\r\n\r\n") ==
        "204 OK OPTIONS");
  CHECK(s.handler.refusals().size() == 7);
}
