// The files: days, restarts, crashes, retention, full disks; and what verification says of a directory.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>

#include "net/audit/audit_file.hpp"
#include "net/audit/audit_verify.hpp"

using namespace waggle;
namespace fs = std::filesystem;

namespace {
constexpr std::int64_t new_year_ms = 1767225600000;  // 2026-01-01T00:00:00Z
constexpr std::int64_t day_ms = 86'400'000;

struct scratch {
  fs::path path;
  scratch() {
    std::string pattern = (fs::temp_directory_path() / "waggle-audit-XXXXXX").string();
    path = fs::path(::mkdtemp(pattern.data())) / "audit";
  }
  ~scratch() { fs::remove_all(path.parent_path()); }
};

std::string text_of(const fs::path& file) {
  std::ostringstream out;
  out << std::ifstream(file, std::ios::binary).rdbuf();
  return out.str();
}
void write_text(const fs::path& file, const std::string& text) { std::ofstream(file, std::ios::binary) << text; }

std::vector<audit_record> records(std::size_t count, std::int64_t unix_ms) {
  std::vector<audit_record> out(count);
  for (auto& r : out) {
    r.unix_ms = unix_ms;
    r.event = "AUTH_SUCCESS";
    r.request.emplace().function = "search";
  }
  return out;
}

struct world {
  scratch dir;
  int retain_days = 0;
  /// One life of a node: a day's records.
  void live(std::int64_t day, std::size_t count = 3) {
    audit_file file({dir.path, "n1", retain_days});
    const auto opened = file.open();
    INFO((opened ? "" : opened.error().log_text));
    REQUIRE(opened.has_value());
    const auto now = new_year_ms + day * day_ms;
    REQUIRE(file.append(records(count, now), now).has_value());
  }
  fs::path day(const std::string& date) const { return dir.path / ("audit-2026-01-" + date + ".jsonl"); }
  audit_verdict verify(const std::string& anchor = "") const {
    auto verdict = verify_audit_directory(dir.path, {.anchor = anchor});
    REQUIRE(verdict.has_value());
    return *verdict;
  }
};
bool has(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }
}  // namespace

TEST_CASE("audit file: one per day, private, chained over restarts") {
  world w;
  w.live(0);
  w.live(0);
  w.live(1);
  const auto verdict = w.verify();
  CHECK_FALSE(verdict.fault.has_value());
  CHECK(verdict.files == 2);
  CHECK(verdict.head.seq == 11);  // 9 and two chain.file
  struct stat about {};
  REQUIRE(::stat(w.day("01").c_str(), &about) == 0);
  CHECK((about.st_mode & 0777) == 0600);
  REQUIRE(::stat(w.dir.path.c_str(), &about) == 0);
  CHECK((about.st_mode & 0777) == 0700);
  CHECK(has(text_of(w.day("02")), R"("event":"chain.file")"));
  CHECK(has(text_of(w.day("02")), R"("previous_file":"audit-2026-01-01.jsonl")"));
  const auto alone = verify_audit_file(w.day("02"), {});
  REQUIRE(alone.has_value());
  CHECK_FALSE(alone->fault.has_value());
  CHECK(alone->records == 4);
}

TEST_CASE("audit file: a clock that goes back stays in the newest file") {
  world w;
  w.live(5);
  w.live(4);
  CHECK_FALSE(w.verify().fault.has_value());
  CHECK(w.verify().files == 1);
}

TEST_CASE("audit file: a torn last line is cut and recorded") {
  world w;
  w.live(0);
  const auto before = text_of(w.day("01"));
  for (const std::string tail : {"{\"action\":\"re", "\1\2\3", "x"}) {
    write_text(w.day("01"), before + tail);
    CHECK(w.verify().fault.has_value());
    w.live(0);
    CHECK_FALSE(w.verify().fault.has_value());
    CHECK(has(text_of(w.day("01")), "\"count\":" + std::to_string(tail.size()) + ",\"event\":\"chain.cut\""));
  }
}

TEST_CASE("audit file: a file that was only begun is used") {
  world w;
  w.live(0);
  write_text(w.day("02"), {});
  write_text(w.day("03"), "{\"ev");
  w.live(2);
  const auto verdict = w.verify();
  INFO((verdict.fault ? verdict.fault->why : ""));
  CHECK_FALSE(verdict.fault.has_value());
  CHECK(has(text_of(w.day("03")), R"("previous_file":"audit-2026-01-01.jsonl")"));
}

TEST_CASE("audit file: nothing is written behind a record that does not hold") {
  world w;
  w.live(0);
  auto text = text_of(w.day("01"));
  text[text.size() - 4] ^= 1;
  write_text(w.day("01"), text);
  audit_file file({w.dir.path, "n1", 0});
  const auto opened = file.open();
  REQUIRE_FALSE(opened.has_value());
  CHECK(has(opened.error().log_text, "does not hold"));
  CHECK(text_of(w.day("01")) == text);
}

TEST_CASE("audit file: a checkpoint after 1000 records, and after a minute") {
  world w;
  audit_file file({w.dir.path, "n1", 0});
  REQUIRE(file.open().has_value());
  REQUIRE(file.append(records(999, new_year_ms), new_year_ms).has_value());
  CHECK_FALSE(has(text_of(w.day("01")), "chain.checkpoint"));
  REQUIRE(file.append(records(1, new_year_ms), new_year_ms).has_value());
  const auto first = text_of(w.day("01"));
  CHECK(has(first, R"("count":1000,"event":"chain.checkpoint")"));
  REQUIRE(file.append({}, new_year_ms + 70'000).has_value());
  CHECK(text_of(w.day("01")) == first);  // nothing came since
  REQUIRE(file.append(records(2, new_year_ms), new_year_ms + 71'000).has_value());
  CHECK(has(text_of(w.day("01")), R"("count":2,"event":"chain.checkpoint")"));
  CHECK_FALSE(w.verify().fault.has_value());
}

TEST_CASE("audit file: old files go, and the chain says so") {
  world w;
  w.retain_days = 2;
  for (int day = 0; day < 5; ++day) w.live(day);
  CHECK_FALSE(fs::exists(w.day("01")));
  CHECK_FALSE(fs::exists(w.day("02")));
  CHECK(fs::exists(w.day("03")));
  CHECK_FALSE(w.verify().fault.has_value());
  CHECK(has(text_of(w.day("05")), "chain.pruned"));
  // One more than it says.
  fs::remove(w.day("03"));
  const auto fault = w.verify().fault;
  REQUIRE(fault.has_value());
  CHECK(fault->kind == chain_fault_kind::missing);
  CHECK(fault->file == "audit-2026-01-04.jsonl");
}

TEST_CASE("audit file: whole files that are gone, cut, renamed or exchanged are found") {
  world w;
  for (int day = 0; day < 4; ++day) w.live(day);
  const auto good = w.verify();
  CHECK_FALSE(good.fault.has_value());
  CHECK_FALSE(w.verify(good.head.hash).fault.has_value());
  const auto texts = std::vector{text_of(w.day("01")), text_of(w.day("02")), text_of(w.day("03")), text_of(w.day("04"))};

  fs::remove(w.day("02"));
  CHECK(w.verify().fault->kind == chain_fault_kind::missing);
  CHECK(w.verify().fault->file == "audit-2026-01-03.jsonl");
  write_text(w.day("02"), {});
  CHECK(w.verify().fault->kind == chain_fault_kind::missing);
  write_text(w.day("02"), texts[1]);

  fs::remove(w.day("01"));
  CHECK(w.verify().fault->kind == chain_fault_kind::missing);
  write_text(w.day("01"), texts[0]);

  fs::rename(w.day("04"), w.day("05"));
  CHECK_FALSE(w.verify().fault.has_value());  // nothing stands behind it that names it
  fs::rename(w.day("05"), w.day("04"));
  fs::rename(w.day("03"), w.dir.path / "audit-2026-01-03b.jsonl");
  CHECK(w.verify().fault.has_value());
  fs::rename(w.dir.path / "audit-2026-01-03b.jsonl", w.day("03"));

  write_text(w.day("02"), texts[2]);
  write_text(w.day("03"), texts[1]);
  CHECK(w.verify().fault.has_value());
  write_text(w.day("02"), texts[1]);
  write_text(w.day("03"), texts[2]);
  CHECK_FALSE(w.verify().fault.has_value());

  // A cut tail leaves a chain that holds: only who knows its end can tell.
  fs::remove(w.day("04"));
  CHECK_FALSE(w.verify().fault.has_value());
  const auto cut = w.verify(good.head.hash);
  REQUIRE(cut.fault.has_value());
  CHECK(cut.fault->kind == chain_fault_kind::missing);
}

TEST_CASE("audit file: what can't be read is no verdict") {
  world w;
  CHECK(verify_audit_directory(w.dir.path, {}).error().code == ec::io_error);
  fs::create_directories(w.dir.path);
  CHECK(verify_audit_directory(w.dir.path, {}).error().code == ec::io_error);  // no files
  CHECK(verify_audit_file(w.dir.path, {}).error().code == ec::io_error);
  CHECK(verify_audit_file(w.day("01"), {}).error().code == ec::io_error);
}

TEST_CASE("audit file: a write that fails half way leaves no trace, and is repeated whole") {
  world w;
  audit_file file({w.dir.path, "n1", 0});
  REQUIRE(file.open().has_value());
  REQUIRE(file.append(records(3, new_year_ms), new_year_ms).has_value());
  const auto before = text_of(w.day("01"));
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &limit) == 0);
  auto small = limit;
  small.rlim_cur = before.size() + 100;
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const auto failed = file.append(records(3, new_year_ms), new_year_ms);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
  std::signal(SIGXFSZ, handler);
  CHECK_FALSE(failed.has_value());
  CHECK(file.head().seq == 4);
  REQUIRE(file.append(records(5, new_year_ms), new_year_ms).has_value());
  CHECK(text_of(w.day("01")).starts_with(before));
  CHECK_FALSE(w.verify().fault.has_value());
  CHECK(w.verify().head.seq == 9);
}
