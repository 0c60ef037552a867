#include <doctest/doctest.h>

#include "tests/unit/wagglectl/reading.hpp"
#include "tools/wagglectl/import/csv_reader.hpp"

using namespace waggle;
using namespace waggle::ctl;
using namespace waggle::ctl::test;

namespace {
bool mentions(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }
reading jsonl(std::string_view bytes, reader_options o = {}) {
  return read_all(source_format::jsonl, bytes, std::move(o));
}
reading csv(std::string_view bytes, reader_options o = {}) { return read_all(source_format::csv, bytes, std::move(o)); }
}  // namespace

TEST_CASE("jsonl: vectors, texts, ids and the three names of a vector") {
  const auto r = jsonl(
      "{\"id\":\"a\",\"vector\":[1,2.5],\"payload\":{\"n\":18446744073709551615}}\n"
      "\n"
      "{\"id\":7,\"embedding\":[3,4],\"lang\":\"de\",\"year\":1999}\r\n"
      "{\"data\":[5,6]}\n"
      "{\"text\":\"honey\",\"metadata\":{\"k\":true}}");
  REQUIRE(r.records.size() == 4);
  CHECK(r.rejects.empty());
  CHECK(r.records[0].id == "a");
  CHECK(r.records[0].vector == std::vector<float>{1, 2.5f});
  CHECK(r.records[0].payload == "{\"n\":18446744073709551615}");
  CHECK(r.records[1].id == "7");
  CHECK(r.records[1].payload == "{\"lang\":\"de\",\"year\":1999}");
  CHECK(r.records[1].position == 3);
  CHECK(r.records[2].id == "4");  // the line number, blank lines counted
  CHECK(r.records[2].payload.empty());
  CHECK(r.records[3].has_text);
  CHECK(r.records[3].text == "honey");
  CHECK(r.records[3].payload == "{\"k\":true}");
}

TEST_CASE("jsonl: each bad line is rejected alone and with its number") {
  const auto r = jsonl(
      "{\"vector\":[1,2]}\n"
      "not json\n"
      "[1,2]\n"
      "{\"vector\":[1]}\n"
      "{\"vector\":[1,1e39]}\n"
      "{\"vector\":[1,NaN]}\n"
      "{\"vector\":[1,\"x\"]}\n"
      "{\"vector\":\"x\"}\n"
      "{\"id\":-1,\"vector\":[1,2]}\n"
      "{\"id\":\" x\",\"vector\":[1,2]}\n"
      "{\"id\":\"x\"}\n"
      "{\"text\":5}\n"
      "{\"vector\":[1,2],\"payload\":[]}\n"
      "{\"text\":\"\xff\xfe\"}\n"
      "{\"vector\":[],\"text\":\"x\"}\n"
      "{\"id\":\"\",\"vector\":[1,2]}\n"
      "{\"vector\":[3,4]}\n");
  CHECK(r.records.size() == 2);
  CHECK(r.records.back().id == "17");
  REQUIRE(r.rejects.size() == 15);
  for (std::size_t i = 0; i < r.rejects.size(); ++i) CHECK(r.rejects[i].first == i + 2);
  CHECK(mentions(r.rejects[2].second, "expected 2"));
  CHECK(mentions(r.rejects[3].second, "32-bit"));
  CHECK(mentions(r.rejects[9].second, "neither a vector nor a text"));
  CHECK_FALSE(r.failed);
}

TEST_CASE("jsonl: field names and payload fields can be chosen") {
  reader_options o;
  o.id_field = "key";
  o.vector_field = "v";
  o.text_field = "body";
  o.payload_fields = {"a", "c"};
  o.start_id = 100;
  const auto r = jsonl("{\"key\":\"k\",\"v\":[1],\"body\":\"t\",\"a\":1,\"b\":2,\"c\":3}\n{\"v\":[1]}\n", o);
  REQUIRE(r.records.size() == 2);
  CHECK(r.records[0].id == "k");
  CHECK(r.records[0].text == "t");
  CHECK(r.records[0].payload == "{\"a\":1,\"c\":3}");
  CHECK(r.records[1].id == "101");
}

TEST_CASE("jsonl: a line longer than the bound is skipped whole, the next one is read") {
  std::string bytes = "{\"text\":\"" + std::string(record_bytes_max, 'x') + "\"}\n{\"text\":\"ok\"}\n";
  const auto r = jsonl(bytes);
  REQUIRE(r.rejects.size() == 1);
  CHECK(mentions(r.rejects[0].second, "16"));
  REQUIRE(r.records.size() == 1);
  CHECK(r.records[0].id == "2");
}

TEST_CASE("jsonl: nesting beyond the limit is a reject") {
  const auto r =
      jsonl("{\"text\":\"x\",\"payload\":{\"a\":" + std::string(5000, '[') + std::string(5000, ']') + "}}\n");
  CHECK(r.records.empty());
  CHECK(r.rejects.size() == 1);
}

TEST_CASE("csv: RFC 4180 quoting, line breaks in cells, typed payload") {
  const auto r =
      csv("\xef\xbb\xbfid,text,n,ok,s,zip,big\r\n"
          "a,\"he said \"\"hi\"\", twice\nand left\",1.5,true,\"42\",00123,123456789012345678901\r\n"
          "b,plain,,false,,-7,1e5\n");
  REQUIRE(r.records.size() == 2);
  CHECK(r.records[0].text == "he said \"hi\", twice\nand left");
  CHECK(r.records[0].payload ==
        "{\"n\":1.5,\"ok\":true,\"s\":\"42\",\"zip\":\"00123\",\"big\":\"123456789012345678901\"}");
  CHECK(r.records[0].position == 2);
  CHECK(r.records[1].position == 4);
  CHECK(r.records[1].payload == "{\"ok\":false,\"zip\":-7,\"big\":1e5}");
}

TEST_CASE("csv: vectors as a JSON column and as v0 … vN") {
  const auto a = csv("id,vector,tag\nx,\"[1,2,3]\",t\ny,\"[1,2]\",t\nz,\"[1,2,\",t\n");
  REQUIRE(a.records.size() == 1);
  CHECK(a.records[0].vector == std::vector<float>{1, 2, 3});
  CHECK(a.records[0].payload == "{\"tag\":\"t\"}");
  CHECK(a.rejects.size() == 2);
  const auto b = csv("v0,v1,tag\n1,+2.5,t\n3,nan,t\n4,,t\n5,inf,t\n6, 7 ,t\n");
  REQUIRE(b.records.size() == 2);
  CHECK(b.records[0].vector == std::vector<float>{1, 2.5f});
  CHECK(b.records[0].id == "2");
  CHECK(b.records[1].vector == std::vector<float>{6, 7});
  REQUIRE(b.rejects.size() == 3);
  CHECK(mentions(b.rejects[0].second, "NaN"));
  CHECK(mentions(b.rejects[1].second, "component 1"));
}

TEST_CASE("csv: broken rows cost only themselves") {
  const auto r = csv("id,text\n1,a\n2\n3,a,b\n4,\"a\"x\n5,a\"b\n6,\xff\n7,fine\n8,\"never closed\n9,x\n");
  REQUIRE(r.records.size() == 2);
  CHECK(r.records[0].id == "1");
  CHECK(r.records[1].id == "7");
  REQUIRE(r.rejects.size() == 6);
  CHECK(r.rejects[0].first == 3);
  CHECK(r.rejects[3].first == 6);
  CHECK(r.rejects[5].first == 9);
  CHECK(mentions(r.rejects[5].second, "not closed"));
}

TEST_CASE("csv: a header that cannot be used is refused") {
  CHECK_FALSE(csv("").opened);
  CHECK_FALSE(csv("a,a\n1,2\n").opened);
  CHECK_FALSE(csv("a,,b\n1,2,3\n").opened);
  CHECK_FALSE(csv("\"a\n").opened);
  reader_options o;
  o.vector_field = "nowhere";
  CHECK_FALSE(csv("id,text\n1,2\n", o).opened);
  CHECK_FALSE(csv(std::string(csv_columns_max + 10, ',') + "\n").opened);
}

TEST_CASE("csv: an unclosed quote cannot take more than the bound") {
  std::string bytes = "id,text\n1,\"" + std::string(record_bytes_max + 100, 'x') + "\n2,ok\n";
  const auto r = csv(bytes);
  REQUIRE(r.rejects.size() == 1);
  CHECK(mentions(r.rejects[0].second, "quote"));
  REQUIRE(r.records.size() == 1);
  CHECK(r.records[0].text == "ok");
}

TEST_CASE("csv: payload column") {
  reader_options o;
  o.payload_fields = {"a"};
  const auto r = csv("id,text,payload\n1,x,\"{\"\"a\"\":1,\"\"b\"\":2}\"\n2,x,nonsense\n3,x,\n", o);
  REQUIRE(r.records.size() == 2);
  CHECK(r.records[0].payload == "{\"a\":1}");
  CHECK(r.records[1].payload.empty());
  CHECK(r.rejects.size() == 1);
}

TEST_CASE("the JSON number grammar") {
  for (const char* yes : {"0", "-0", "1", "-12", "1.5", "1e5", "1E-5", "0.5e+3"}) CHECK(is_json_number(yes));
  for (const char* no : {"", "-", "01", "+1", "1.", ".5", "1e", "nan", "0x1", " 1", "1 ", "1_000"})
    CHECK_FALSE(is_json_number(no));
}

TEST_CASE("where reads are cut does not matter") {
  const std::string lines = "{\"id\":\"a\",\"vector\":[1,2]}\r\n\n{\"text\":\"x\"}\nbad\n{\"vector\":[3,4]}";
  const std::string table = "id,text,n\n1,\"a \"\"b\"\"\nc\",5\n2,\"x\"y,1\n3,z,\n";
  for (std::size_t piece = 1; piece < 40; ++piece) {
    const auto a = read_all(source_format::jsonl, lines, {}, piece);
    CHECK(a.records.size() == 3);
    CHECK(a.rejects.size() == 1);
    const auto b = read_all(source_format::csv, table, {}, piece);
    CHECK(b.records.size() == 2);
    CHECK(b.rejects.size() == 1);
  }
}

TEST_CASE("a reader continues where another one stopped") {
  const std::string table = "id,text\n1,a\n2,\"b\nb\"\nbad\n4,d\n5,e\n";
  for (const auto format : {source_format::csv, source_format::jsonl}) {
    const std::string bytes =
        format == source_format::csv ? table : "{\"text\":\"a\"}\n\nbad\n{\"text\":\"b\"}\n{\"text\":\"c\"}\n";
    const auto whole = read_all(format, bytes);
    for (std::size_t stop = 0; stop <= whole.records.size() + whole.rejects.size(); ++stop) {
      memory_source first(bytes), second(bytes, 3);
      buffered_input first_input(first), second_input(second);
      auto a = make_reader(format, first_input, {});
      auto b = make_reader(format, second_input, {});
      REQUIRE(a->open().has_value());
      REQUIRE(b->open().has_value());
      import_record record;
      std::vector<std::string> ids;
      for (std::size_t i = 0; i < stop; ++i)
        if (a->next(record) == read_event::record) ids.push_back(record.id);
      REQUIRE(b->resume_at(a->offset(), a->consumed()).has_value());
      for (auto event = b->next(record); event != read_event::end; event = b->next(record))
        if (event == read_event::record) ids.push_back(record.id);
      REQUIRE(ids.size() == whole.records.size());
      for (std::size_t i = 0; i < ids.size(); ++i) CHECK(ids[i] == whole.records[i].id);
    }
  }
}
