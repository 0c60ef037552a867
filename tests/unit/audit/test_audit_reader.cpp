// Reading the files backwards: every record once, newest first, whatever the size of the pieces; and who sees what.
#include <doctest/doctest.h>
#include <unistd.h>

#include <fstream>

#include "net/audit/audit_chain.hpp"
#include "net/audit/audit_reader.hpp"

using namespace waggle;
namespace fs = std::filesystem;

namespace {
const std::string acme = "11111111-1111-4111-8111-111111111111", birch = "22222222-2222-4222-8222-222222222222";
const std::string cursor_key(32, 'k');

struct files {
  fs::path path;
  chain_head head;
  files() {
    std::string pattern = (fs::temp_directory_path() / "waggle-audit-XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~files() { fs::remove_all(path); }
  void add(const std::string& day, const std::string& tenant, const std::string& name, std::size_t padding = 0) {
    audit_record record;
    record.unix_ms = 1767225600000 + 86'400'000 * (std::stoi(day) - 1);
    record.event = "AUTH_SUCCESS";
    auto& r = record.request.emplace();
    r.tenant_id = tenant;
    r.correlation_id = name;
    r.function = "search";
    r.action = "read";
    r.actor_kind = "hub_key";
    r.actor_id = "key-of-" + tenant;
    r.client_ip = "192.0.2.1";
    r.user_agent = std::string(padding, 'u');
    write(day, record);
  }
  void write(const std::string& day, const audit_record& record) {
    std::string line;
    append_audit_line(line, record, "n1", head);
    append(day, line);
  }
  void append(const std::string& day, const std::string& text) const {
    std::ofstream(path / ("audit-2026-01-" + day + ".jsonl"), std::ios::binary | std::ios::app) << text;
  }
};

std::string name_in(const std::string& entry) {
  json_parser parser;
  return std::string((*parser.parse(entry))["correlation_id"].as_string());
}

/// Names in the order in which pages of `most` give them.
std::vector<std::string> all(const files& f, const audit_query& query, std::size_t most, std::size_t piece = 1) {
  std::vector<std::string> names;
  audit_position at;
  for (int page = 0; page < 10000; ++page) {
    audit_reader reader(f.path, query, at);
    bool more = true;
    while (more && reader.entries().size() < most) {
      const auto read = reader.read(piece, most);
      REQUIRE(read.has_value());
      more = *read;
    }
    CHECK(reader.entries().size() <= most);
    for (const auto& entry : reader.entries()) names.push_back(name_in(entry));
    if (!more) return names;
    const auto sealed = seal_position(reader.position(), "me", cursor_key);
    CHECK(unseal_position(sealed, "me", cursor_key) == reader.position());
    CHECK_FALSE(unseal_position(sealed, "you", cursor_key).has_value());
    at = *unseal_position(sealed, "me", cursor_key);
  }
  FAIL("pages without end");
  return names;
}
}  // namespace

TEST_CASE("audit reader: every record once, newest first, over files, pages and pieces") {
  files f;
  std::vector<std::string> expected;
  for (const std::string day : {"01", "02", "05"})
    for (int n = 0; n < 200; ++n) {
      const auto name = day + "-" + std::to_string(n);
      f.add(day, n % 3 == 0 ? acme : birch, name, static_cast<std::size_t>(n * 7));
      if (n % 3 == 0) expected.insert(expected.begin(), name);
    }
  audit_query query;
  query.only_tenant = acme;
  for (const std::size_t most : {1u, 7u, 1000u}) CHECK(all(f, query, most) == expected);
  query.only_tenant.clear();
  query.as_operator = true;
  CHECK(all(f, query, 1000).size() == 600);
  query.from = "2026-01-02";
  CHECK(all(f, query, 50).size() == 400);
  query.to = "2026-01-03T12:00:00";
  CHECK(all(f, query, 50).size() == 200);
  query.to = "2026-01-02T00:00:00.000";  // exclusive
  CHECK(all(f, query, 50).empty());
}

TEST_CASE("audit reader: a last line that is not whole, a broken one and one without end are passed over") {
  files f;
  f.add("01", acme, "a");
  f.append("01", "{\"tenant_id\":\"" + acme + "\", broken\n");
  f.append("01", std::string(200'000, 'x') + "\n");
  f.add("01", acme, "b");
  f.append("02", std::string(150'000, 'y'));
  audit_query query;
  query.only_tenant = acme;
  CHECK(all(f, query, 10) == std::vector<std::string>{"b", "a"});
  CHECK(all(f, query, 1) == std::vector<std::string>{"b", "a"});
  // A file that retention took while a reader held a position in it.
  audit_reader reader(f.path, query, {"audit-2026-01-01.jsonl", 1000});
  fs::remove(f.path / "audit-2026-01-01.jsonl");
  CHECK(*reader.read(1, 10));
  CHECK_FALSE(*reader.read(1, 10));
  CHECK(reader.entries().empty());
  audit_reader nowhere(f.path / "none", query, {});
  CHECK(nowhere.read(1, 10).error().code == ec::io_error);
}

TEST_CASE("audit reader: a text of a client that looks like a member is none") {
  files f;
  f.add("01", birch, "x\",\"tenant_id\":\"" + acme + "\"");
  audit_record checkpoint;
  checkpoint.event = "chain.checkpoint";
  f.write("01", checkpoint);
  audit_query query;
  query.only_tenant = acme;
  CHECK(all(f, query, 10).empty());
  CHECK(all(f, {.as_operator = true}, 10).size() == 1);
}

TEST_CASE("audit reader: times") {
  for (const char* good : {"2026-01-31", "2026-01-31T12:00:00Z", "2026-01-31T12:00:00.1Z", "2026-01-31T12:00:00.123Z"})
    CHECK(read_audit_time(good).has_value());
  for (const char* bad : {"", "2026", "2026-01-31Z", "2026-01-31T12:00:00", "2026-01-31T12:00:00.Z", "2026-01-31T12:00:00.1234Z",
                          "2026-01-31 12:00:00Z", "2026-01-31T12:00:00+00:00", "x026-01-31", "1700000000"})
    CHECK_FALSE(read_audit_time(bad).has_value());
}
