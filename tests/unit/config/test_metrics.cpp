// Metrics and the log.
#include <doctest/doctest.h>

#include <thread>

#include "base/log.hpp"
#include "net/metrics/metrics.hpp"

using namespace waggle;

namespace {
bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
}  // namespace

TEST_CASE("exposition: Prometheus text") {
  metric_registry r;
  auto& requests = r.family(metric_kind::counter, "waggle_http_requests_total", "Requests", {"endpoint", "status"});
  auto& ok = requests.counter({"/collections/{n}", "200"});
  ok.add();
  ok.add(41);
  requests.counter({"quote\" back\\ line\n", "500"}).add();
  r.gauge("waggle_connections_open", "Open").set(3);
  auto& latency = r.histogram("waggle_latency_seconds", "Latency", {0.1, 1});
  latency.observe(0.1);
  latency.observe(0.5);
  latency.observe(5);
  const auto text = r.expose(exposition::prometheus_text);
  INFO(text);
  CHECK(has(text, "# HELP waggle_http_requests_total Requests\n# TYPE waggle_http_requests_total counter\n"));
  CHECK(has(text, "waggle_http_requests_total{endpoint=\"/collections/{n}\",status=\"200\"} 42\n"));
  CHECK(has(text, "endpoint=\"quote\\\" back\\\\ line\\n\""));
  CHECK(has(text, "waggle_connections_open 3\n"));
  CHECK(has(text, "waggle_latency_seconds_bucket{le=\"0.1\"} 1\n"));
  CHECK(has(text, "waggle_latency_seconds_bucket{le=\"1\"} 2\n"));
  CHECK(has(text, "waggle_latency_seconds_bucket{le=\"+Inf\"} 3\n"));
  CHECK(has(text, "waggle_latency_seconds_count 3\n"));
  CHECK(has(text, "waggle_latency_seconds_sum 5.6"));
}

TEST_CASE("exposition: OpenMetrics") {
  metric_registry r;
  r.family(metric_kind::counter, "a_total", "Help \"x\"", {"l"}).counter({"v"}).add(7);
  r.histogram("h", "H", {1}).observe(2);
  const auto text = r.expose(exposition::open_metrics);
  CHECK(has(text, "# TYPE a counter\n# HELP a Help \\\"x\\\"\na_total{l=\"v\"} 7\n"));
  CHECK(has(text, "h_bucket{le=\"1\"} 0\nh_bucket{le=\"+Inf\"} 1\nh_count 1\nh_sum 2\n"));
  CHECK(text.ends_with("# EOF\n"));
  CHECK(
      choose_exposition("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1") ==
      exposition::open_metrics);
  CHECK(choose_exposition("text/plain;q=0.9, application/openmetrics-text;q=0.1") == exposition::prometheus_text);
  CHECK(choose_exposition("application/openmetrics-text;q=0") == exposition::prometheus_text);
  CHECK(choose_exposition("*/*") == exposition::prometheus_text);
  CHECK(choose_exposition("") == exposition::prometheus_text);
}

TEST_CASE("a handle is the same cell, and many threads lose nothing") {
  metric_registry r;
  auto& family = r.family(metric_kind::counter, "c_total", "C", {"l"});
  auto& cell = family.counter({"x"});
  CHECK(&cell == &family.counter({"x"}));
  CHECK(&cell == &r.family(metric_kind::counter, "c_total", "C", {"l"}).counter({"x"}));
  auto& histogram = r.histogram("h", "H", {10});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 10000; ++i) {
        cell.add();
        histogram.observe(i % 20);
        family.counter({i % 2 ? "y" : "z"}).add();
      }
    });
  for (auto& t : threads) t.join();
  CHECK(cell.value() == 40000);
  CHECK(histogram.read().cumulative == std::vector<std::uint64_t>{22000, 40000});
  CHECK(histogram.read().sum == doctest::Approx(380000));
  CHECK(family.counter({"y"}).value() + family.counter({"z"}).value() == 40000);
}

TEST_CASE("a family that is full counts under _other") {
  metric_registry r;
  auto& family = r.family(metric_kind::counter, "c_total", "C", {"l"}, {}, 2);
  family.counter({"a"}).add();
  family.counter({"b"}).add();
  family.counter({"c"}).add();
  family.counter({"d"}).add();
  family.counter({"a"}).add();
  CHECK(family.counter({"_other"}).value() == 2);
  CHECK(family.counter({"a"}).value() == 2);
}

TEST_CASE("sampled values and the process set") {
  metric_registry r;
  int asked = 0;
  r.family(metric_kind::gauge, "s", "S").sampled({}, [&] { return ++asked * 10.0; });
  CHECK(has(r.expose(exposition::prometheus_text), "s 10\n"));
  CHECK(has(r.expose(exposition::open_metrics), "s 20\n"));
  register_process_metrics(r);
  const auto text = r.expose(exposition::prometheus_text);
  for (const char* name :
       {"process_cpu_seconds_total ", "process_resident_memory_bytes ", "process_virtual_memory_bytes ",
        "process_open_fds ", "process_max_fds ", "process_start_time_seconds "}) {
    const auto at = text.find(std::string("\n") + name);
    REQUIRE(at != std::string::npos);
    CHECK(std::stod(text.substr(at + 1 + std::string(name).size())) >= 0);
  }
  const auto at = text.find("\nprocess_start_time_seconds ");
  CHECK(std::stod(text.substr(at + 28)) > 1.6e9);
}

TEST_CASE("series listed at a scrape, and past the limit summed under _other") {
  metric_registry r;
  metric_family::listed now{{{"a"}, 1}, {{"b"}, 2}, {{"c"}, 4}, {{"d"}, 8}};
  r.family(metric_kind::counter, "cpu_seconds_total", "CPU", {"tenant_id"}, {}, 2).sampled_list([&] { return now; });
  auto text = r.expose(exposition::prometheus_text);
  INFO(text);
  CHECK(has(text, "cpu_seconds_total{tenant_id=\"a\"} 1\n"));
  CHECK(has(text, "cpu_seconds_total{tenant_id=\"b\"} 2\n"));
  CHECK(has(text, "cpu_seconds_total{tenant_id=\"_other\"} 12\n"));
  now.resize(1);
  text = r.expose(exposition::prometheus_text);
  CHECK_FALSE(has(text, "_other"));
  CHECK_FALSE(has(text, "tenant_id=\"b\""));
}

TEST_CASE("what several metrics read is asked for once per scrape, and before them") {
  metric_registry r;
  int asked = 0, now = 0;
  r.before_each([&] { now = ++asked; });
  for (const auto* name : {"a", "b", "z"}) r.family(metric_kind::gauge, name, "One of three").sampled({}, [&] { return now; });
  for (int scrape = 1; scrape <= 2; ++scrape) {
    const auto text = r.expose(scrape == 1 ? exposition::prometheus_text : exposition::open_metrics);
    for (const auto* name : {"a ", "b ", "z "}) CHECK(has(text, std::string("\n") + name + std::to_string(scrape) + "\n"));
  }
  CHECK(asked == 2);
}

TEST_CASE("summaries in both formats") {
  metric_registry r;
  r.family(metric_kind::summary, "sync_seconds", "Syncs").sampled_summary([] {
    return summary_values{7, 1.5, {{0.5, 0.25}, {0.75, 0.5}}};
  });
  for (const auto format : {exposition::prometheus_text, exposition::open_metrics}) {
    const auto text = r.expose(format);
    INFO(text);
    CHECK(has(text, "# TYPE sync_seconds summary\n"));
    CHECK(has(text, "sync_seconds{quantile=\"0.5\"} 0.25\n"));
    CHECK(has(text, "sync_seconds{quantile=\"0.75\"} 0.5\n"));
    CHECK(has(text, "sync_seconds_count 7\n"));
    CHECK(has(text, "sync_seconds_sum 1.5\n"));
  }
}

TEST_CASE("log lines: text") {
  const auto line = format_log_line(
      log_format::text, 0, log_level::info, "http", "served",
      {{"path", "/a b\nINFO forged"}, {"n", 3}, {"ok", true}, {"id", "x-1"}, {"share", 0.5}, {"neg", -2}});
  CHECK(line ==
        "1970-01-01T00:00:00.000Z INFO  http served path=\"/a b\\nINFO forged\" n=3 ok=true id=x-1 share=0.5 neg=-2");
  CHECK(has(format_log_line(log_format::text, 0, log_level::warn, "a", "two\r\nlines", {}), "a two  lines"));
}

TEST_CASE("log lines: JSON, always valid, never a secret") {
  const auto line =
      format_log_line(log_format::json, 0, log_level::error, "auth", "refused",
                      {{"bytes", "a\xff\x01\"b"}, {"api_key", "hh_live_secret"}, {"password", 5}, {"token", "t"}});
  CHECK(line ==
        "{\"ts\":\"1970-01-01T00:00:00.000Z\",\"level\":\"error\",\"component\":\"auth\",\"message\":\"refused\","
        "\"bytes\":\"a\xEF\xBF\xBD\\u0001\\\"b\",\"api_key\":\"***\",\"password\":\"***\",\"token\":\"***\"}");
  const auto cut =
      format_log_line(log_format::json, 0, log_level::info, "a", "b", {{"long", std::string(100000, 'x')}});
  CHECK(cut.size() < 5000);
}

TEST_CASE("the log: level, sink, stop") {
  std::vector<std::string> lines;
  log_options options;
  options.level = log_level::warn;
  options.sink = [&](std::string_view line) { lines.emplace_back(line); };
  log_event(log_level::error, "t", "before start");
  log_start(options);
  CHECK(log_enabled(log_level::error));
  CHECK_FALSE(log_enabled(log_level::info));
  log_event(log_level::info, "t", "too low");
  log_event(log_level::warn, "t", "one");
  log_set_level(log_level::debug);
  log_event(log_level::debug, "t", "two {} %v", {{"k", "v"}});
  log_stop();
  log_event(log_level::error, "t", "after stop");
  REQUIRE(lines.size() == 2);
  CHECK(has(lines[0], "WARN  t one"));
  CHECK(has(lines[1], "DEBUG t two {} %v k=v"));
  log_level level{};
  CHECK(parse_log_level("error", level));
  CHECK(level == log_level::error);
  CHECK_FALSE(parse_log_level("ERROR!", level));
}

TEST_CASE("a slow sink drops old lines instead of blocking") {
  std::atomic<bool> open{false};
  std::atomic<int> written{0};
  log_options options;
  options.queue_lines_max = 16;
  options.sink = [&](std::string_view) {
    while (!open) std::this_thread::yield();
    ++written;
  };
  log_start(options);
  const auto before = log_lines_dropped();
  for (int i = 0; i < 1000; ++i) log_event(log_level::info, "t", "line", {{"i", i}});
  CHECK(log_lines_dropped() - before >= 900);
  open = true;
  log_stop();
  CHECK(written >= 15);
  CHECK(written <= 100);
}
