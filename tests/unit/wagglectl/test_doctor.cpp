#include <doctest/doctest.h>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/text_out.hpp"
#include "tests/unit/wagglectl/scripted_node.hpp"
#include "tools/wagglectl/doctor.hpp"

using namespace waggle;
using namespace waggle::ctl;
using namespace waggle::ctl::test;

namespace {
json_value parsed(json_parser& parser, const char* text) { return *parser.parse(text); }
std::string result_of(const std::string& json, const std::string& check) {
  json_parser parser;
  auto root = parser.parse(json);
  REQUIRE(root.has_value());
  for (const auto item : (*root)["checks"].as_array())
    if (json_value(item)["check"].as_string() == check) return std::string(json_value(item)["result"].as_string());
  return "absent";
}
canned_answer healthy_node(const seen_request& r, std::int64_t skew_ms = 0) {
  if (r.target == "/health")
    return {200, "{\"status\":\"healthy\",\"version\":\"" WAGGLE_VERSION "\",\"timestamp\":\"" +
                     format_rfc3339(system_clock().unix_ms() + skew_ms) + "\"}"};
  return {200, R"({"collections":[{"name":"a","status":"ready"}],"total":1})"};
}
}  // namespace

TEST_CASE("judgements have thresholds and a remedy for everything that is not ok") {
  CHECK(judge_version("1.2.3", "1.2.3").result == verdict::ok);
  CHECK(judge_version("1.2.3", "1.2.4").result == verdict::warning);
  CHECK(judge_version("1.2.3", "1.3.0").result == verdict::fault);
  CHECK(judge_version("1.2.3", "").result == verdict::skipped);
  CHECK(judge_space({1000, 500}).result == verdict::ok);
  CHECK(judge_space({1000, 140}).result == verdict::warning);
  CHECK(judge_space({1000, 50}).result == verdict::fault);
  CHECK(judge_space({0, 0}).result == verdict::ok);
  CHECK(judge_fsync({100, 900, 50}).result == verdict::ok);
  CHECK(judge_fsync({100, 50'000, 50}).result == verdict::warning);
  CHECK(judge_fsync({100, 500'000, 50}).result == verdict::fault);
  CHECK(judge_open_files(512).result == verdict::fault);
  CHECK(judge_open_files(4096).result == verdict::warning);
  CHECK(judge_open_files(1u << 20).result == verdict::ok);
  CHECK(judge_clock(0, 5).result == verdict::ok);
  CHECK(judge_clock(-1200, 500).result == verdict::ok);
  CHECK(judge_clock(-2000, 500).result == verdict::warning);
  CHECK(judge_clock(60'000, 5).result == verdict::fault);
  CHECK(judge_clock(std::nullopt, 0).result == verdict::skipped);
  const auto local = *parse_endpoint("http://127.0.0.1");
  const auto remote = *parse_endpoint("http://db.example.org");
  const auto secure = *parse_endpoint("https://db.example.org");
  CHECK(judge_exposure(local, true).result == verdict::ok);
  CHECK(judge_exposure(remote, false).result == verdict::fault);
  CHECK(judge_exposure(secure, true).result == verdict::fault);
  CHECK(judge_exposure(secure, false).result == verdict::ok);
  for (const auto& f : {judge_space({1000, 50}), judge_fsync({0, 500'000, 1}), judge_open_files(1),
                        judge_clock(60'000, 0), judge_exposure(remote, true), judge_version("1.2", "2.0")})
    CHECK_FALSE(f.remedy.empty());
}

TEST_CASE("judgements of health and collections") {
  json_parser p;
  CHECK(judge_health(200, parsed(p, R"({"status":"healthy"})")).result == verdict::ok);
  CHECK(judge_health(200, parsed(p, R"({"status":"degraded"})")).result == verdict::warning);
  CHECK(judge_health(503, parsed(p, R"({"status":"unhealthy"})")).result == verdict::fault);
  CHECK(judge_health(401, json_value()).result == verdict::skipped);
  CHECK(judge_health(500, json_value()).result == verdict::fault);
  CHECK(judge_collections(json_value()).result == verdict::skipped);
  CHECK(judge_collections(parsed(p, R"([{"name":"a","status":"ready"}])")).result == verdict::ok);
  CHECK(judge_collections(parsed(p, R"([{"name":"a","status":"indexing"}])")).result == verdict::warning);
  const auto bad = judge_collections(parsed(p, R"([{"name":"a","status":"degraded"},{"name":"b","status":"ready"}])"));
  CHECK(bad.result == verdict::fault);
  CHECK(bad.detail.find("1 degraded: a") != std::string::npos);
}

TEST_CASE("doctor: a healthy node and disk") {
  scripted_node node([](const seen_request& r) { return healthy_node(r); });
  scratch_directory dir;
  const auto r = run(node.url(), {"doctor", "--data-dir", dir.path(), "--fsync-samples", "10", "--output", "json"});
  for (const char* check : {"endpoint", "version", "health", "clock", "listener", "collections"})
    CHECK(result_of(r.out, check) == "ok");
  CHECK(result_of(r.out, "disk latency") != "absent");
  CHECK(result_of(r.out, "disk space") != "absent");
  CHECK(dir.list().empty());  // the scratch file is gone
}

TEST_CASE("doctor: faults give exit code 1 and a remedy") {
  scripted_node late([](const seen_request& r) { return healthy_node(r, -3'600'000); });
  const auto skewed = run(late.url(), {"doctor", "--output", "json"});
  CHECK(skewed.code == 1);
  CHECK(result_of(skewed.out, "clock") == "fault");
  const auto dead = run(dead_url(), {"doctor"});
  CHECK(dead.code == 1);
  CHECK(dead.out.find("endpoint: check that waggled is running") != std::string::npos);
  scripted_node node([](const seen_request& r) { return healthy_node(r); });
  const auto nowhere = run(node.url(), {"doctor", "--data-dir", "/nonexistent/dir", "--output", "json"});
  CHECK(nowhere.code == 1);
  CHECK(result_of(nowhere.out, "disk space") == "fault");
}

TEST_CASE("the probe refuses a directory it cannot write") {
  CHECK_FALSE(measure_fsync("/proc", 3).has_value());
  CHECK_FALSE(measure_space("/nonexistent").has_value());
  scratch_directory dir;
  const auto latency = measure_fsync(dir.path(), 20);
  REQUIRE(latency.has_value());
  CHECK(latency->samples == 20);
  CHECK(latency->p99_us >= latency->p50_us);
}
