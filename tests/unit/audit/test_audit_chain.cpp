// The chain: its vector, its form, and that nothing can be done to a file without being found.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "net/audit/audit_verify.hpp"

using namespace waggle;

namespace {
constexpr std::int64_t new_year_ms = 1767225600000;  // 2026-01-01T00:00:00Z

audit_record about_itself(std::string event) {
  audit_record r;
  r.unix_ms = new_year_ms;
  r.event = std::move(event);
  return r;
}

audit_record request_record(std::string target, int status = 200) {
  auto r = about_itself("AUTH_SUCCESS");
  auto& q = r.request.emplace();
  q.function = "search";
  q.permission_class = "R";
  q.action = "read";
  q.actor_kind = "hub_key";
  q.actor_id = "k-1";
  q.actor_key_prefix = "hh_live_";
  q.tenant_id = "t-1";
  q.target = std::move(target);
  q.protocol = "rest";
  q.method = "POST";
  q.route = "/search";
  q.status = status;
  q.result = "ok";
  q.client_ip = "127.0.0.1";
  q.user_agent = "test";
  q.correlation_id = "c-1";
  q.duration_ms = 3;
  return r;
}

using lines = std::vector<std::string>;

/// A chain of `count` records, one line each, without newlines.
lines chain_of(std::size_t count) {
  lines out;
  chain_head head;
  for (std::size_t i = 0; i < count; ++i) {
    std::string line;
    append_audit_line(line, request_record("docs" + std::to_string(i)), "n1", head);
    line.pop_back();
    out.push_back(std::move(line));
  }
  return out;
}

std::string joined(const lines& all) {
  std::string out;
  for (const auto& line : all) out.append(line).append("\n");
  return out;
}

std::optional<chain_fault> verify(const std::string& text) {
  chain_head head;
  return verify_audit_text(text, head, [](const audit_link&) { return std::nullopt; });
}
}  // namespace

TEST_CASE("audit chain: the contract's vector") {
  std::string line;
  chain_head head;
  append_audit_line(line, about_itself("chain.start"), "n1", head);
  CHECK(head.seq == 1);
  CHECK(head.hash == "ef8b70c9e45524fe092ec146b42405f47039a832c2752fd60ad01332e2a6ecb1");
  CHECK(line == R"({"event":"chain.start","hash":")" + head.hash + R"(","node_id":"n1","prev_hash":")" +
                    std::string(64, '0') + R"(","seq":1,"ts":"2026-01-01T00:00:00.000Z"})" + "\n");
  CHECK_FALSE(verify(line).has_value());
}

TEST_CASE("audit chain: a request's line") {
  std::string line;
  chain_head head;
  auto record = request_record("docs");
  record.request->reason = "FORBIDDEN";
  append_audit_line(line, record, "n1", head);
  CHECK(line ==
        R"({"action":"read","actor":{"id":"k-1","key_prefix":"hh_live_","kind":"hub_key"},"class":"R",)"
        R"("client_ip":"127.0.0.1","correlation_id":"c-1","duration_ms":3,"event":"AUTH_SUCCESS","function":"search",)"
        R"("hash":")" + head.hash + R"(","method":"POST","node_id":"n1","prev_hash":")" + std::string(64, '0') +
            R"(","protocol":"rest","reason":"FORBIDDEN","result":"ok","route":"/search","seq":1,"status":200,)"
            R"("target":"docs","tenant_id":"t-1","ts":"2026-01-01T00:00:00.000Z","user_agent":"test"})" "\n");
}

TEST_CASE("audit chain: texts are escaped as RFC 8785 says") {
  std::string line;
  chain_head head;
  append_audit_line(line, request_record(std::string("\"\\\b\f\n\r\t\x01\x1f/\x7f€😀")), "n1", head);
  CHECK(line.find(R"("target":"\"\\\b\f\n\r\t\u0001\u001f/)" "\x7f€😀\"") != line.npos);
  CHECK_FALSE(verify(line).has_value());
  // The same record in another spelling is another line.
  const auto at = line.find("\\u001f");
  line[at + 5] = 'F';
  CHECK(verify(line)->kind == chain_fault_kind::altered);
}

TEST_CASE("audit chain: an untouched file holds, from any record on") {
  const auto all = chain_of(20);
  CHECK_FALSE(verify(joined(all)).has_value());
  CHECK_FALSE(verify("").has_value());
  json_parser parser;
  chain_head head = read_audit_line(all[6], parser)->self;
  CHECK(head.seq == 7);
  CHECK_FALSE(verify_audit_text(joined(lines(all.begin() + 7, all.end())), head, [](const audit_link&) { return std::nullopt; }).has_value());
  CHECK(head.seq == 20);
}

TEST_CASE("audit chain: any changed byte is found in its line") {
  const auto all = chain_of(5);
  const auto text = joined(all);
  CHECK(rc::check([&] {
    const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
    const auto bits = *rc::gen::inRange(1, 256);
    auto changed = text;
    changed[at] = static_cast<char>(changed[at] ^ bits);
    const auto fault = verify(changed);
    RC_ASSERT(fault.has_value());
    const auto line = 1 + static_cast<std::size_t>(std::count(text.begin(), text.begin() + static_cast<long>(at), '\n'));
    RC_ASSERT(fault->line == line);
    RC_ASSERT(fault->seq == line);
  }));
}

TEST_CASE("audit chain: a dropped line is found") {
  const auto all = chain_of(12);
  CHECK(rc::check([&] {
    const auto at = *rc::gen::inRange<std::size_t>(0, all.size() - 1);  // a cut tail needs an anchor
    auto changed = all;
    changed.erase(changed.begin() + static_cast<long>(at));
    const auto fault = verify(joined(changed));
    RC_ASSERT(fault.has_value());
    RC_ASSERT(fault->kind == chain_fault_kind::missing);
    RC_ASSERT(fault->line == at + 1);
    RC_ASSERT(fault->seq == at + 1);
  }));
}

TEST_CASE("audit chain: swapped lines are found") {
  const auto all = chain_of(12);
  CHECK(rc::check([&] {
    const auto a = *rc::gen::inRange<std::size_t>(0, all.size() - 1);
    const auto b = *rc::gen::inRange<std::size_t>(a + 1, all.size());
    auto changed = all;
    std::swap(changed[a], changed[b]);
    const auto fault = verify(joined(changed));
    RC_ASSERT(fault.has_value());
    RC_ASSERT(fault->kind == chain_fault_kind::reordered);
    RC_ASSERT(fault->line == a + 1);
    RC_ASSERT(fault->seq == b + 1);
  }));
}

TEST_CASE("audit chain: an inserted line is found, a copy as well as an invention") {
  const auto all = chain_of(12);
  CHECK(rc::check([&] {
    const auto at = *rc::gen::inRange<std::size_t>(0, all.size() + 1);
    const auto copied = *rc::gen::inRange<std::size_t>(0, all.size());
    auto changed = all;
    changed.insert(changed.begin() + static_cast<long>(at), all[copied]);
    auto fault = verify(joined(changed));
    RC_ASSERT(fault.has_value());
    RC_ASSERT(fault->kind == chain_fault_kind::inserted);
    // A copy next to its original: the second of the two.
    RC_ASSERT(fault->line == at + 1 + (copied == at ? 1 : 0));
    changed = all;
    changed.insert(changed.begin() + static_cast<long>(at), "{}");
    fault = verify(joined(changed));
    RC_ASSERT(fault.has_value());
    RC_ASSERT(fault->kind == (at < all.size() ? chain_fault_kind::inserted : chain_fault_kind::altered));
    RC_ASSERT(fault->line == at + 1);
  }));
}

TEST_CASE("audit chain: a record that was rewritten with a hash of its own is found by the next one") {
  const auto all = chain_of(5);
  auto changed = all;
  json_parser parser;
  auto head = read_audit_line(all[1], parser)->self;
  std::string forged;
  append_audit_line(forged, request_record("forged"), "n1", head);
  forged.pop_back();
  changed[2] = forged;
  const auto fault = verify(joined(changed));
  REQUIRE(fault.has_value());
  CHECK(fault->kind == chain_fault_kind::altered);
  CHECK(fault->line == 3);
  CHECK(fault->seq == 3);
}
