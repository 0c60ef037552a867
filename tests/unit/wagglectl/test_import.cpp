#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <set>

#include "base/json.hpp"
#include "base/text_out.hpp"
#include "tests/unit/wagglectl/scripted_node.hpp"
#include "tools/wagglectl/import/batch.hpp"
#include "tools/wagglectl/import/import_state.hpp"

using namespace waggle;
using namespace waggle::ctl;
using namespace waggle::ctl::test;

namespace {
/// A node with one collection that remembers what was inserted and applies a request id once.
struct store {
  std::mutex mutex;
  bool exists = true;
  int dimension = 2;
  std::map<std::string, std::string> points;  ///< id → item JSON
  std::set<std::string> applied;
  int repeats = 0;
  std::set<std::string> bad_ids;

  canned_answer insert(const seen_request& r) {
    const std::lock_guard lock(mutex);
    json_parser parser;
    auto root = parser.parse(r.body);
    if (!root) return {400, R"({"code":"PARSE_ERROR","message":"bad"})"};
    if (!applied.insert(r.headers.at("x-waggle-request-id")).second) ++repeats;
    std::string results;
    std::uint64_t taken = 0, failed = 0, index = 0;
    for (const auto item : (*root)[r.target == "/insert_texts" ? "texts" : "vectors"].as_array()) {
      const json_value value(item);
      const std::string id(value["id"].as_string());
      if (!results.empty()) results += ',';
      results += "{\"index\":" + std::to_string(index++) + ",\"id\":\"" + id + "\",";
      if (bad_ids.contains(id)) {
        ++failed;
        results += R"("status":"error","error":"no room for it"})";
        continue;
      }
      results += "\"status\":\"ok\"}";
      points.insert_or_assign(id, value.to_text());
      ++taken;
    }
    return {200, "{\"successful_operations\":" + std::to_string(taken) + ",\"failed\":" + std::to_string(failed) +
                     ",\"results\":[" + results + "]}"};
  }
  canned_answer operator()(const seen_request& r) {
    if (r.target.starts_with("/insert_")) return insert(r);
    const std::lock_guard lock(mutex);
    if (r.method == "POST" && r.target == "/collections") {
      exists = true;
      json_parser parser;
      std::uint64_t d = 512;
      auto root = parser.parse(r.body);
      (*root)["dimension"].get_uint64(d);
      dimension = static_cast<int>(d);
      return {200, "{}"};
    }
    if (!exists) return {404, R"({"code":"COLLECTION_NOT_FOUND","message":"Collection 'c' not found"})"};
    return {200, "{\"dimension\":" + std::to_string(dimension) + "}"};
  }
};

std::string lines(int from, int to) {
  std::string out;
  for (int i = from; i < to; ++i)
    out += "{\"id\":\"p" + std::to_string(i) + "\",\"vector\":[" + std::to_string(i) + ",1]}\n";
  return out;
}
std::uint64_t number(const std::string& json, const char* name) {
  json_parser parser;
  auto root = parser.parse(json);
  std::uint64_t out = 999999;
  REQUIRE(root.has_value());
  REQUIRE((*root)[name].get_uint64(out));
  return out;
}
int inserts(const scripted_node& node) {
  const auto all = node.requests();
  return static_cast<int>(
      std::count_if(all.begin(), all.end(), [](auto& r) { return r.target.starts_with("/insert_"); }));
}
}  // namespace

TEST_CASE("import: every record arrives once, in batches, over few connections") {
  store db;
  scripted_node node([&](auto& r) { return db(r); });
  scratch_directory dir;
  const auto file = dir.write("a.jsonl", lines(0, 1003));
  const auto r = run(node.url(),
                     {"import", file, "--collection", "c", "--batch", "100", "--connections", "3", "--output", "json"});
  CHECK(r.code == 0);
  CHECK(db.points.size() == 1003);
  CHECK(inserts(node) == 11);
  CHECK(node.connections() <= 4);  // one for the collection, three for batches
  CHECK(number(r.out, "accepted") == 1003);
  CHECK(number(r.out, "rejected") == 0);
  CHECK(dir.list().size() == 1);  // the state file is gone
  CHECK(db.points.at("p7") == R"({"id":"p7","vector":[7,1]})");
}

TEST_CASE("import: a refused batch is sent again with the same request id, and Retry-After is read") {
  store db;
  std::atomic<int> calls{0};
  scripted_node node([&](const seen_request& r) -> canned_answer {
    if (!r.target.starts_with("/insert_")) return db(r);
    switch (calls++) {
      case 0: return {429, R"({"code":"QUEUE_FULL","message":"full"})", "Retry-After: 1\r\n"};
      case 1: return {503, R"({"code":"NOT_READY","message":"soon"})"};
      case 2: return {200, "{}", "", true};  // hangs up after reading: the node may have applied it
      case 3: {
        auto done = db(r);  // applied, but the answer is lost
        done.hang_up = true;
        return done;
      }
      case 4: return {504, R"({"code":"DEADLINE_EXCEEDED","message":"late"})"};
      default: return db(r);
    }
  });
  scratch_directory dir;
  const auto file = dir.write("a.jsonl", lines(0, 10));
  const auto r = run(node.url(), {"import", file, "--collection", "c", "--connections", "1", "--output", "json"});
  CHECK(r.code == 0);
  CHECK(db.points.size() == 10);
  CHECK(db.applied.size() == 1);
  CHECK(db.repeats == 1);
  CHECK(number(r.out, "retries") >= 3);
}

TEST_CASE("import: retries end, and what cannot get better is not retried") {
  const auto attempt = [](canned_answer answer, int& tries) {
    store db;
    scripted_node node([&](const seen_request& r) { return r.target.starts_with("/insert_") ? answer : db(r); });
    scratch_directory dir;
    const auto file = dir.write("a.jsonl", lines(0, 3));
    const auto r = run(node.url(), {"import", file, "--collection", "c", "--connections", "1", "--retries", "2"});
    tries = inserts(node);
    return r;
  };
  int tries = 0;
  CHECK(attempt({503, "{}"}, tries).code == 1);
  CHECK(tries == 3);
  const auto quota = attempt({429, R"({"code":"QUOTA_EXCEEDED","message":"vectors used up"})"}, tries);
  CHECK(quota.code == 1);
  CHECK(tries == 1);
  CHECK(quota.err.find("vectors used up") != std::string::npos);
  CHECK(attempt({403, R"({"code":"FORBIDDEN","message":"no"})"}, tries).code == 4);
  CHECK(tries == 1);
  CHECK(attempt({404, "{}"}, tries).code == 5);
  CHECK(attempt({500, "{}"}, tries).code == 1);
  CHECK(tries == 1);
  CHECK(attempt({200, "not json"}, tries).code == 1);
  CHECK(attempt({200, R"({"status":"a proxy says hello"})"}, tries).code == 1);
  CHECK(attempt({200, R"({"successful_operations":1,"failed":2,"results":[]})"}, tries).code == 1);
  CHECK(attempt({200, R"({"results":[{"index":99,"status":"error"}]})"}, tries).code == 1);
}

TEST_CASE("import: --resume continues behind the acknowledged prefix and counts nothing twice") {
  store db;
  std::atomic<int> allowed{3};
  scripted_node node([&](const seen_request& r) -> canned_answer {
    if (r.target.starts_with("/insert_") && allowed-- <= 0)
      return {500, R"({"code":"INTERNAL_ERROR","message":"crash"})"};
    return db(r);
  });
  scratch_directory dir;
  const auto file = dir.write("a.jsonl", lines(0, 50) + "broken\n" + lines(50, 100));
  const std::vector<std::string> command{"import",   file,   "--collection",  "c",
                                         "--batch",  "10",   "--connections", "1",
                                         "--output", "json", "--rejects",     dir.path("rejects")};
  const auto first = run(node.url(), command);
  CHECK(first.code == 1);
  CHECK(first.err.find("--resume") != std::string::npos);
  CHECK(db.points.size() == 30);
  allowed = 1000;
  auto again = command;
  again.push_back("--resume");
  const int before = inserts(node);
  const auto second = run(node.url(), again);
  CHECK(second.code == 1);  // one line was rejected
  CHECK(db.points.size() == 100);
  CHECK(inserts(node) - before == 7);
  CHECK(number(second.out, "resumed_at") == 30);
  CHECK(number(second.out, "accepted") == 70);
  CHECK(number(second.out, "rejected") == 1);
  CHECK(dir.read("rejects").find("\"line\":51") != std::string::npos);
  CHECK(dir.list().size() == 2);
}

TEST_CASE("import: --resume with nothing unfinished begins, and says so") {
  store db;
  scripted_node node([&](auto& r) { return db(r); });
  scratch_directory dir;
  const auto file = dir.write("a.jsonl", lines(0, 10));
  const auto r = run(node.url(), {"import", file, "--collection", "c", "--resume"});
  CHECK(r.code == 0);
  CHECK(r.err.find("there is no unfinished import") != std::string::npos);
  CHECK(r.out.find("10 records into 'c', 0 rejected, ") == 0);
  CHECK(r.out.find("ms, ") != std::string::npos);  // it took less than a second
  CHECK(db.points.size() == 10);
  CHECK(dir.list().size() == 1);
}

TEST_CASE("import: --limit leaves the rest for --resume") {
  store db;
  scripted_node node([&](auto& r) { return db(r); });
  scratch_directory dir;
  const auto file = dir.write("a.jsonl", lines(0, 100));
  const std::vector<std::string> part{"import", file, "--collection", "c", "--limit", "15", "--resume"};
  const auto first = run(node.url(), part);
  CHECK(first.code == 0);
  CHECK(first.err.find("with --resume goes on") != std::string::npos);
  CHECK(db.points.size() == 15);
  CHECK(run(node.url(), part).code == 0);
  CHECK(db.points.size() == 30);
  CHECK(dir.list().size() == 2);
  CHECK(run(node.url(), {"import", file, "--collection", "c", "--resume"}).code == 0);
  CHECK(db.points.size() == 100);
  CHECK(db.repeats == 0);
  CHECK(dir.list().size() == 1);
  CHECK(run(node.url(), {"import", file, "--collection", "c", "--limit", "100"}).code == 0);
  CHECK(dir.list().size() == 1);  // the limit was the end: nothing is left
}

TEST_CASE("import: a signal stops it in order, and --resume loads the rest") {
  for (const auto& [number, code] : {std::pair{SIGINT, 130}, std::pair{SIGTERM, 143}}) {
    store db;
    std::atomic<int> batches{0};
    scripted_node node([&, number = number](const seen_request& r) {
      if (r.target.starts_with("/insert_") && ++batches == 3) ::kill(::getpid(), number);
      return db(r);
    });
    scratch_directory dir;
    const auto file = dir.write("a.jsonl", lines(0, 5000));
    const std::vector<std::string> command{"import", file, "--collection", "c", "--batch", "10", "--resume"};
    const auto r = run(node.url(), command);
    CHECK(r.code == code);
    const auto loaded = db.points.size();
    CHECK(loaded < 5000);
    CHECK(r.err.find("Interrupted; " + std::to_string(loaded) + " records were loaded") != std::string::npos);
    CHECK(r.err.find("--resume continues") != std::string::npos);
    CHECK(run(node.url(), command).code == 0);
    CHECK(db.points.size() == 5000);
  }
}

TEST_CASE("import: a changed source is not resumed, a damaged state file is no crash") {
  store db;
  std::atomic<bool> broken{true};
  scripted_node node([&](const seen_request& r) -> canned_answer {
    if (broken && r.target.starts_with("/insert_")) return {500, "{}"};
    return db(r);
  });
  scratch_directory dir;
  const auto file = dir.write("a.jsonl", lines(0, 10));
  CHECK(run(node.url(), {"import", file, "--collection", "c"}).code == 1);
  std::string state;
  for (const auto& name : dir.list())
    if (name != "a.jsonl") state = name;
  REQUIRE_FALSE(state.empty());
  CHECK(dir.read(state).find("\"offset\":0") != std::string::npos);
  dir.write("a.jsonl", lines(5, 20));
  broken = false;
  CHECK(run(node.url(), {"import", file, "--collection", "c", "--resume"}).code == 6);
  for (const char* text : {"", "{}", "[1", "{\"version\":1,\"run_id\":\"x\"}", "{\"version\":99}"}) {
    dir.write(state, text);
    CHECK(run(node.url(), {"import", file, "--collection", "c", "--resume"}).code == 1);
  }
  CHECK(run(node.url(), {"import", file, "--collection", "c"}).code == 0);
  CHECK(run(node.url(), {"import", "-", "--collection", "c", "--format", "jsonl", "--resume"}).code == 2);
}

TEST_CASE("import: rejects of the reader and of the node are named by line") {
  store db;
  db.bad_ids = {"p3"};
  scripted_node node([&](auto& r) { return db(r); });
  scratch_directory dir;
  const auto file = dir.write("a.jsonl", lines(0, 2) + "oops\n" + lines(2, 5) + "{\"vector\":[1,2,3]}\n");
  const std::vector<std::string> command{"import", file, "--collection", "c", "--rejects", dir.path("r")};
  const auto r = run(node.url(), command);
  CHECK(r.code == 1);
  CHECK(db.points.size() == 4);
  CHECK(r.err.find("rejected 5: the node rejected it: no room for it") != std::string::npos);
  const auto rejects = dir.read("r");
  CHECK(std::count(rejects.begin(), rejects.end(), '\n') == 3);
  for (const char* part : {"\"line\":3", "\"line\":5", "\"line\":7"}) CHECK(rejects.find(part) != std::string::npos);
  auto lenient = command;
  lenient.push_back("--allow-rejects");
  CHECK(run(node.url(), lenient).code == 0);
}

TEST_CASE("import: --create takes the dimension from the source; without it a missing collection is an error") {
  store db;
  db.exists = false;
  scripted_node node([&](auto& r) { return db(r); });
  scratch_directory dir;
  const auto file = dir.write("a.jsonl", "bad\n{\"vector\":[1,2,3]}\n{\"vector\":[4,5,6]}\n");
  const auto missing = run(node.url(), {"import", file, "--collection", "c"});
  CHECK(missing.code == 5);
  CHECK(missing.err.find("--create") != std::string::npos);
  CHECK(run(node.url(), {"import", file, "--collection", "c", "--create", "--allow-rejects"}).code == 0);
  CHECK(db.dimension == 3);
  CHECK(db.points.size() == 2);
  CHECK(db.points.contains("2"));  // the line number
  CHECK(run(node.url(), {"import", file, "--collection", "c", "--dimension", "4"}).code == 6);
}

TEST_CASE("import: texts, and records that have both") {
  store db;
  scripted_node node([&](auto& r) { return db(r); });
  scratch_directory dir;
  const auto file =
      dir.write("a.jsonl",
                "{\"id\":\"t\",\"text\":\"a \\\"bee\\\"\",\"pos\":\"noun\"}\n"
                "{\"id\":\"v\",\"vector\":[1,2],\"text\":\"both\",\"k\":1}\n"
                "{\"id\":\"w\",\"vector\":[1,2],\"text\":\"lost?\",\"payload\":{\"content\":\"own\"}}\n"
                "{\"id\":\"x\",\"vector\":[1,2],\"text\":\"kept\",\"payload\":{\"a\":{\"content\":1}}}\n");
  CHECK(run(node.url(), {"import", file, "--collection", "c"}).code == 0);
  CHECK(db.points.at("t") == R"({"id":"t","text":"a \"bee\"","metadata":{"pos":"noun"}})");
  CHECK(db.points.at("v").find(R"("payload":{"content":"both","k":1})") != std::string::npos);
  CHECK(db.points.at("w").find(R"("payload":{"content":"own"})") != std::string::npos);
  CHECK(db.points.at("x").find(R"("payload":{"content":"kept","a":{"content":1}})") != std::string::npos);
}

TEST_CASE("import: --limit, --dry-run and a source that cannot be read") {
  store db;
  scripted_node node([&](auto& r) { return db(r); });
  scratch_directory dir;
  const auto file = dir.write("a.jsonl", lines(0, 100) + "bad\n");
  CHECK(run(node.url(), {"import", file, "--collection", "c", "--limit", "15", "--batch", "10"}).code == 0);
  CHECK(db.points.size() == 15);
  const auto dry = run(dead_url(), {"import", file, "--collection", "c", "--dry-run", "--output", "json"});
  CHECK(dry.code == 1);  // a line would be rejected
  CHECK(number(dry.out, "accepted") == 100);
  CHECK(run(node.url(), {"import", dir.path("none"), "--collection", "c"}).code == 2);
  CHECK(run(node.url(), {"import", dir.path(), "--collection", "c"}).code == 2);
  CHECK(run(node.url(), {"import", dir.write("what", "\x01\x02"), "--collection", "c"}).code == 2);
  CHECK(run(dead_url(), {"import", file, "--collection", "c"}).code == 3);
  CHECK(run(node.url(), {"import", file, "--collection", "c", "--rejects", dir.path("no/such/dir")}).code == 2);
}

TEST_CASE("import: a damaged binary file keeps what came before the damage") {
  store db;
  db.dimension = 1;
  scripted_node node([&](auto& r) { return db(r); });
  scratch_directory dir;
  std::string bytes;
  for (int i = 0; i < 5; ++i) bytes += std::string("\x01\x00\x00\x00\x00\x00\x80\x3f", 8);
  const auto file = dir.write("a.fvecs", bytes + "xx");
  const auto r = run(node.url(), {"import", file, "--collection", "c", "--start-id", "0"});
  CHECK(r.code == 1);
  CHECK(r.err.find("Record 6 of " + file + " is damaged") != std::string::npos);
  CHECK(r.err.find("5 records were loaded") != std::string::npos);
  CHECK(r.err.find("repair the source and import it again without --resume") != std::string::npos);
  CHECK(db.points.size() == 5);
  CHECK(db.points.contains("0"));
  dir.write("a.fvecs", bytes + bytes);
  const auto repaired = run(node.url(), {"import", file, "--collection", "c", "--start-id", "0", "--resume"});
  CHECK(repaired.code == 6);
  CHECK(repaired.err.find("leave out --resume to begin again") != std::string::npos);
  CHECK(run(node.url(), {"import", file, "--collection", "c", "--start-id", "0"}).code == 0);
  CHECK(db.points.size() == 10);
}

TEST_CASE("request ids depend on run, batch and content, and look like UUIDs") {
  const auto a = derive_request_id("run", 1, "body");
  CHECK(a == derive_request_id("run", 1, "body"));
  CHECK(a != derive_request_id("run2", 1, "body"));
  CHECK(a != derive_request_id("run", 2, "body"));
  CHECK(a != derive_request_id("run", 1, "other"));
  REQUIRE(a.size() == 36);
  CHECK(a[14] == '8');
  CHECK(std::string("89ab").find(a[19]) != std::string::npos);
}

TEST_CASE("the acknowledged prefix has no gaps, whatever the order of acknowledgements") {
  ack_tracker tracker({});
  CHECK_FALSE(tracker.complete({2, 300, 30, 10, 0}));
  CHECK_FALSE(tracker.complete({1, 200, 20, 9, 1}));
  CHECK(tracker.state().offset == 0);
  CHECK(tracker.complete({0, 100, 10, 10, 0}));
  CHECK(tracker.state().offset == 300);
  CHECK(tracker.state().consumed == 30);
  CHECK(tracker.state().accepted == 29);
  CHECK(tracker.state().rejected == 1);
  CHECK(tracker.state().next_batch == 3);
}

TEST_CASE("a batch closes at its number of bytes, records, or kind") {
  batch_builder builder("c", "run", 3, 5);
  import_record r;
  r.id = "1";
  r.vector = {1};
  r.position = 1;
  builder.add(r);
  import_record text;
  text.id = "2";
  text.text = "x";
  text.has_text = true;
  CHECK_FALSE(builder.fits(text));
  CHECK(builder.fits(r));
  const auto batch = builder.take(10, 1);
  CHECK(batch.index == 5);
  CHECK(batch.body == R"({"collection":"c","vectors":[{"id":"1","vector":[1]}]})");
  text.text = std::string(batch_body_bytes_max, 'x');
  builder.add(text);
  CHECK(builder.full());
  CHECK_FALSE(builder.fits(text));
}
