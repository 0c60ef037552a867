// Slow and many clients, drain, stop. Timeouts are made short; a test waits for what must happen, never measures how
// long it took.
#include <doctest/doctest.h>

#include "http_support.hpp"

using namespace waggle;
using namespace waggle::test;

TEST_CASE("slow loris: a head that never ends gets 408, an idle connection is just closed") {
  test_server s([](http_options& o) {
    o.header_read_timeout_ms = 100;
    o.keepalive_ms = 100;
  });
  raw_client slow(s.port());
  slow.send("GET / HTTP/1.1\r\nHost: localhost\r\nX-Correlation-ID: late\r\nX: ");
  // One byte now and then does not buy more time.
  int sent = 0;
  while (slow.silent(20) && sent++ < 500) slow.send("x");
  CHECK(sent < 500);
  const auto r = slow.read();
  CHECK(r.status == 408);
  CHECK(has(r.body, "REQUEST_TIMEOUT"));
  CHECK(r.header("X-Content-Type-Options") == "nosniff");
  CHECK(r.header("X-Correlation-ID").size() == 36);
  raw_client idle(s.port());
  CHECK(idle.closed());
  raw_client used(s.port());
  CHECK(used.ask(get("/x")).status == 200);
  CHECK(used.closed());
}

TEST_CASE("a body that stalls, or drips below the lowest rate, gets 408") {
  test_server s([](http_options& o) {
    o.body_stall_timeout_ms = 150;
    o.bytes_per_second_min = 100000;
  });
  const std::string top =
      "POST /x HTTP/1.1\r\nHost: localhost\r\nX-Correlation-ID: mine\r\nContent-Length: 1000\r\n\r\n";
  raw_client stalled(s.port());
  stalled.send(top + "abc");
  const auto r = stalled.read();
  CHECK(r.status == 408);
  CHECK(r.header("X-Correlation-ID") == "mine");
  raw_client dripping(s.port());
  dripping.send(top);
  int sent = 0;
  while (dripping.silent(20) && sent++ < 500) dripping.send("x");
  CHECK(sent < 500);
  CHECK(dripping.read().status == 408);
}

TEST_CASE("a client that does not read its answer is cut off") {
  test_server s([](http_options& o) {
    o.write_stall_timeout_ms = 100;
    o.bytes_per_second_min = 1u << 30;
  });
  raw_client c(s.port());
  c.send(get("/bin/60000000"));
  CHECK(eventually([&] { return s.server->stats().requests == 1; }));
  CHECK(eventually([&] { return s.server->stats().connections_open == 0; }));
}

TEST_CASE("more connections than allowed: 503, and the others are not disturbed") {
  test_server s([](http_options& o) { o.connections_max = 2; });
  raw_client a(s.port()), b(s.port());
  CHECK(a.ask(get("/x")).status == 200);
  CHECK(b.ask(get("/x")).status == 200);
  raw_client extra(s.port());
  const auto r = extra.read();
  CHECK(r.status == 503);
  CHECK(has(r.body, "\"code\":\"NOT_READY\""));
  CHECK(r.header("Retry-After") == "1");
  CHECK(r.header("X-Frame-Options") == "SAMEORIGIN");
  CHECK(extra.closed());
  CHECK(s.server->stats().connections_refused == 1);
  CHECK(a.ask(get("/x")).status == 200);
  { raw_client leaving(s.port()); }
  b.ask(get("/x", {"Connection: close"}));
  CHECK(b.closed());
  CHECK(eventually([&] {
    raw_client again(s.port());
    return again.ask(get("/x")).status == 200;
  }));
}

TEST_CASE("the bodies of all requests together are bounded") {
  test_server s([](http_options& o) { o.buffered_body_bytes_max = 100000; });
  raw_client a(s.port());
  a.send("POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90000\r\n\r\n" + std::string(80000, 'a'));
  CHECK(eventually([&] { return s.server->stats().bytes_in >= 80000; }));
  raw_client b(s.port());
  const auto r = b.ask(post("/x", std::string(50000, 'b')));
  CHECK(r.status == 503);
  CHECK(r.header("Retry-After") == "1");
  CHECK(a.ask(std::string(10000, 'a')).status == 200);
  raw_client c(s.port());
  CHECK(c.ask(post("/x", std::string(50000, 'c'))).status == 200);
}

TEST_CASE("drain: idle connections close, requests in flight finish, new connections are refused") {
  test_server s;
  raw_client idle(s.port()), busy(s.port()), half(s.port());
  CHECK(idle.ask(get("/x")).status == 200);
  busy.send(get("/wait"));
  half.send("GET /x HTTP/1.1\r\nHost: loc");
  CHECK(eventually([&] { return s.handler.waiting() == 1 && s.server->stats().bytes_in > 80; }));
  std::atomic<bool> drained{false};
  s.server->drain(std::chrono::seconds(20), [&] { drained = true; });
  CHECK(idle.closed());
  CHECK_FALSE(drained);
  half.send("alhost\r\n\r\n");
  const auto r = half.read();
  CHECK(r.status == 200);
  CHECK(r.header("Connection") == "close");
  s.handler.release();
  const auto waited = busy.read();
  CHECK(waited.body == "\"waited\"");
  CHECK(waited.header("Connection") == "close");
  CHECK(busy.closed());
  busy.finish_sending();
  half.finish_sending();
  s.join();  // the contexts have nothing left to do
  CHECK(drained);
  CHECK(s.server->stats().connections_open == 0);
}

TEST_CASE("drain is bounded: what is left is cut off") {
  test_server s;
  raw_client busy(s.port());
  busy.send("POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n");
  CHECK(eventually([&] { return s.server->stats().bytes_in > 0; }));
  std::atomic<bool> drained{false};
  s.server->drain(std::chrono::milliseconds(50), [&] { drained = true; });
  CHECK(busy.closed());
  CHECK(eventually([&] { return drained.load(); }));
}

TEST_CASE("drain ends even when a handler hangs") {
  test_server s;
  raw_client busy(s.port());
  busy.send(get("/wait"));
  CHECK(eventually([&] { return s.handler.waiting() == 1; }));
  std::atomic<bool> drained{false};
  s.server->drain(std::chrono::milliseconds(10), [&] { drained = true; });
  CHECK(busy.closed());
  CHECK(eventually([&] { return drained.load(); }));
  CHECK(s.handler.waiting() == 1);
}

TEST_CASE("stop cuts everything off, also while a handler works") {
  test_server s;
  raw_client idle(s.port()), busy(s.port());
  CHECK(idle.ask(get("/x")).status == 200);
  busy.send(get("/wait"));
  CHECK(eventually([&] { return s.handler.waiting() == 1; }));
  s.server->stop();
  CHECK(idle.closed());
  CHECK(busy.closed());
  s.handler.release();
  s.join();
  CHECK(s.server->stats().connections_open == 0);
  CHECK(s.server->stats().requests_in_flight == 0);
}

TEST_CASE("a port in use is an error with the reason") {
  test_server s;
  http_options o;
  o.port = s.port();
  boost::asio::io_context context;
  http_server second(o, {&context}, s.handler);
  const auto started = second.start();
  REQUIRE_FALSE(started.has_value());
  CHECK(has(started.error().message, std::to_string(s.port())));
}

TEST_CASE("many clients at once on two threads") {
  test_server s;
  std::atomic<int> good{0};
  std::vector<std::thread> clients;
  for (int t = 0; t < 8; ++t)
    clients.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        raw_client c(s.port());
        for (int k = 0; k < 5; ++k) {
          const auto id = std::to_string(t) + "-" + std::to_string(i) + "-" + std::to_string(k);
          const auto r =
              c.ask(post("/x/" + id, std::string(static_cast<std::size_t>(i * 997), 'z'), {"X-Correlation-ID: " + id}));
          good += r.status == 200 && r.header("X-Correlation-ID") == id && has(r.body, "[\"x\",\"" + id + "\"]") &&
                  has(r.body, "\"bytes\":" + std::to_string(i * 997));
        }
      }
    });
  for (auto& t : clients) t.join();
  CHECK(good == 800);
  CHECK(eventually([&] { return s.server->stats().connections_open == 0; }));
  CHECK(s.server->stats().requests == 800);
}

TEST_CASE("the bodies of unproven senders have a smaller bound, and only while they are on their way") {
  test_server s([](http_options& o) { o.unproven_body_bytes_max = 100000; });
  raw_client a(s.port()), b(s.port());
  a.send("POST /unproven HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90000\r\n\r\n" + std::string(80000, 'a'));
  CHECK(eventually([&] { return s.server->stats().bytes_in >= 80000; }));
  CHECK(b.ask(post("/unproven", std::string(50000, 'b'))).status == 503);
  raw_client known(s.port());
  CHECK(known.ask(post("/x", std::string(200000, 'c'))).status == 200);
  CHECK(a.ask(std::string(10000, 'a')).status == 200);
  CHECK(a.ask(post("/unproven", std::string(90000, 'a'))).status == 200);
  {
    raw_client gone(s.port());
    const auto before = s.server->stats().bytes_in;
    gone.send("POST /unproven HTTP/1.1\r\nHost: localhost\r\nContent-Length: 95000\r\n\r\n" + std::string(90000, 'a'));
    CHECK(eventually([&] { return s.server->stats().bytes_in >= before + 90000; }));
  }
  CHECK(eventually([&] { return raw_client(s.port()).ask(post("/unproven", std::string(90000, 'a'))).status == 200; }));
}
