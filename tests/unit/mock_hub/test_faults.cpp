// Which requests are hit, and what becomes of a body.
#include <doctest/doctest.h>

#include "tools/mock-hub/faults.hpp"

using namespace waggle::mock;

namespace {
json::object object(const char* text) { return json::parse(text).as_object(); }

std::string hits(fault_table& table, int requests, const char* operation = "get_user") {
  std::string out;
  for (int i = 0; i < requests; ++i) out += table.plan(operation).last ? 'x' : '.';
  return out;
}

std::string refused(const char* description) {
  fault_table table(1);
  try {
    table.add(object(description));
  } catch (const refusal& why) {
    return why.what();
  }
  return "";
}
}  // namespace

TEST_CASE("the same seed hits the same requests, and other operations don't matter") {
  const char* rule = R"({"kind":"status","operation":"get_user","probability":0.5})";
  fault_table one(1), same(1), other(2);
  for (auto* table : {&one, &same, &other}) table->add(object(rule));
  std::string disturbed;
  for (int i = 0; i < 64; ++i) {
    CHECK(!same.plan("get_quota").last);
    disturbed += hits(same, 1);
  }
  const auto plain = hits(one, 64);
  CHECK(plain == disturbed);
  CHECK(plain != hits(other, 64));
  CHECK(plain.find('x') != plain.npos);
  CHECK(plain.find('.') != plain.npos);
}

TEST_CASE("count ends a rule, pass and fail make it flap") {
  fault_table counted(1), flapping(1);
  counted.add(object(R"({"kind":"reset","count":2})"));
  CHECK(hits(counted, 5) == "xx...");
  flapping.add(object(R"({"kind":"reset","pass":2,"fail":1})"));
  CHECK(hits(flapping, 7) == "..x..x.");
  CHECK(counted.list().at(0).at("fired") == 2);
  CHECK(counted.list().at(0).at("seen") == 5);
}

TEST_CASE("latency and duplicates add to what decides; the first that decides wins") {
  fault_table table(1);
  table.add(object(R"({"kind":"latency","ms":10,"ms_max":20})"));
  table.add(object(R"({"kind":"latency","ms":5})"));
  table.add(object(R"({"kind":"duplicate"})"));
  table.add(object(R"({"kind":"reset","when":"after"})"));
  table.add(object(R"({"kind":"status","status":500})"));
  const auto plan = table.plan("ping");
  CHECK(plan.delay_ms >= 15);
  CHECK(plan.delay_ms <= 25);
  CHECK(plan.times == 2);
  REQUIRE(plan.last);
  CHECK(plan.last->kind == fault_kind::reset);
  CHECK(plan.last->after);
  CHECK(plan.rules.size() == 4);
}

TEST_CASE("handshakes are hit by tls alone, requests never by it") {
  fault_table table(1);
  table.add(object(R"({"kind":"reset"})"));
  CHECK(!table.plan("connect").last);
  table.add(object(R"({"kind":"tls","count":1})"));
  CHECK(table.plan("connect").last->kind == fault_kind::tls);
  CHECK(!table.plan("connect").last);
  table.remove(1);
  CHECK(!table.plan("ping").last);
}

TEST_CASE("a rule that could never do what it says is refused") {
  CHECK(refused(R"({"operation":"ping"})") == "kind is missing");
  CHECK(refused(R"({"kind":"explode"})") == "there is no fault 'explode'");
  CHECK(refused(R"({"kind":"reset","operation":"get_usr"})") == "there is no operation get_usr");
  CHECK(refused(R"({"kind":"reset","when":"later"})") == "when must be before or after");
  CHECK(refused(R"({"kind":"reset","probability":1.5})") == "probability must be 0 to 1");
  CHECK(refused(R"({"kind":"status","status":200})") == "status must be 400 to 599");
  CHECK(refused(R"({"kind":"latency","ms":10,"ms_max":5})").starts_with("ms_max must be 10"));
  CHECK(refused(R"({"kind":"reset"})").empty());
}

TEST_CASE("spoiled bodies") {
  fault f;
  const std::string body = R"({"valid":true,"name":"x","n":1,"list":[],"inner":{},"none":null})";
  CHECK(spoil(f, body) == body);
  f.kind = fault_kind::malformed;
  json::error_code code;
  json::parse(spoil(f, body), code);
  CHECK(code);
  f.kind = fault_kind::wrong_type;
  const auto mistyped = json::parse(spoil(f, body)).as_object();
  const auto before = json::parse(body).as_object();
  for (const auto& member : before) CHECK(mistyped.at(member.key()).kind() != member.value().kind());
  f.kind = fault_kind::oversized;
  f.bytes = 1000;
  const auto padded = json::parse(spoil(f, body));
  CHECK(padded.at("padding").as_string().size() == 1000);
  CHECK(padded.at("valid") == true);
}
