// The log entry's bytes: round trip, golden files, hostile input.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>

#include "storage/log/entry_codec.hpp"

using namespace waggle;

namespace {
point make_point(std::string id, std::vector<float> vector, std::string payload) {
  point p;
  p.id = point_id::trusted(std::move(id), false);
  p.vector = std::move(vector);
  p.payload = std::move(payload);
  return p;
}

// One of each operation that version 1 had; never change it: the golden file holds its bytes.
log_entry every_operation_v1() {
  log_entry e;
  for (int i = 0; i < 16; ++i) e.owner.bytes[i] = static_cast<std::uint8_t>(i), e.request.bytes[i] = 0xa0;
  e.collection = collection_id(7);
  e.parts.push_back({shard_id(3), {}});
  auto& ops = e.parts.front().ops;
  e.fingerprint = 0x1122334455667788;
  e.time_ms = 1700000000123;
  collection_config config;
  config.name = "docs";
  config.dimension = 3;
  config.measure = metric::euclidean;
  config.description = "d";
  config.shard_count = 2;
  ops.push_back(create_collection_op{config});
  ops.push_back(update_collection_op{"new", 64u, std::nullopt});
  ops.push_back(delete_collection_op{});
  ops.push_back(rename_collection_op{"other"});
  auto p = make_point("a", {1, -2.5f, 0.1f}, R"({"k":1})");
  p.sparse = {{1, 70000}, {0.5f, 2}};
  ops.push_back(upsert_points_op{{p, make_point("b", {0, 0, 1}, "")}});
  ops.push_back(replace_text_op{"doc", {make_point("doc#0", {1, 1, 1}, R"({"content":"x"})")}});
  ops.push_back(delete_points_op{{"a", "b"}, {seq_no(5), seq_no(0)}});
  ops.push_back(update_point_op{"a", std::vector<float>{9, 9, 9}, std::nullopt, 12});
  ops.push_back(patch_payloads_op{{"a"}, {seq_no(9)}, R"({"x":null})"});
  ops.push_back(copy_points_op{collection_id(4), shard_id(1), {"q"}, true});
  ops.push_back(create_snapshot_op{"s1"});
  ops.push_back(restore_snapshot_op{"s1"});
  return e;
}

// The same of version 2.
log_entry every_operation() {
  auto e = every_operation_v1();
  e.limits = {10, 100000, std::nullopt, 0};
  tenant_id other;
  other.bytes.fill(0xb1);
  e.parts.push_back({shard_id(1), {count_reads_op{{{e.owner, 3, 5}, {other, 0, 70000}}}, begin_report_op{}, end_report_op{300}}});
  return e;
}

// The same of version 3.
log_entry every_operation_v3() {
  auto e = every_operation();
  e.limits.said_ms = 1700000000007;
  e.limits.expires_ms = 1700000100000;
  e.limits.no_growth = true;
  e.parts[1].ops.push_back(erase_tenant_op{});
  auto& line = std::get<count_reads_op>(e.parts[1].ops[0]).lines[1];
  line.cpu_us = 12345;
  line.bytes_in = 300;
  line.bytes_out = 70001;
  return e;
}

// Likewise: its golden file holds its bytes.
log_entry records_of_the_node() {
  log_entry e;
  e.time_ms = 1700000000123;
  e.parts.push_back({shard_id{},
                     {put_record_op{"keys", "a", R"({"name":"x"})", std::nullopt},
                      put_record_op{"users", "b", std::string("\0\xff", 2), 300}, erase_record_op{"keys", "c"}}});
  return e;
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}
}  // namespace

TEST_CASE("an entry comes back as it went in") {
  const auto bytes = encode_entry(every_operation_v3());
  const auto back = decode_entry(bytes);
  REQUIRE(back.has_value());
  REQUIRE(back->parts.size() == 2);
  const auto& ops = back->parts[0].ops;
  CHECK(back->parts[0].shard == shard_id(3));
  CHECK(ops.size() == 12);
  CHECK(encode_entry(*back) == bytes);
  CHECK(back->time_ms == 1700000000123);
  CHECK(back->limits == every_operation_v3().limits);
  CHECK(std::get<upsert_points_op>(ops[4]).points[0].sparse.indices[1] == 70000);
  CHECK(std::get<update_point_op>(ops[7]).if_version == 12u);
  CHECK(std::get<count_reads_op>(back->parts[1].ops[0]).lines[1].requests == 70000);
  CHECK(std::get<count_reads_op>(back->parts[1].ops[0]).lines[1].bytes_out == 70001);
}

TEST_CASE("version 3 reads and writes the golden bytes") {
  const std::pair<std::string, log_entry> files[] = {{"/log_entry_v3.bin", every_operation_v3()},
                                                     {"/log_entry_v3_records.bin", records_of_the_node()}};
  for (const auto& [name, entry] : files) {
    if (std::getenv("WAGGLE_GOLDEN_WRITE")) std::ofstream(WAGGLE_GOLDEN_DIR + name, std::ios::binary) << encode_entry(entry);
    const auto golden = read_file(WAGGLE_GOLDEN_DIR + name);
    REQUIRE_MESSAGE(!golden.empty(), name, " is missing");
    CHECK(encode_entry(entry) == golden);
    CHECK(decode_entry(golden).has_value());
  }
}

TEST_CASE("records of the node come back as they went in") {
  const auto back = decode_entry(encode_entry(records_of_the_node()));
  REQUIRE(back.has_value());
  const auto& ops = back->parts.front().ops;
  REQUIRE(ops.size() == 3);
  const auto& put = std::get<put_record_op>(ops[1]);
  CHECK(put.space == "users");
  CHECK(put.key == "b");
  CHECK(put.value == std::string("\0\xff", 2));
  CHECK(put.if_version == 300u);
  CHECK(std::get<put_record_op>(ops[0]).if_version == std::nullopt);
  CHECK(std::get<erase_record_op>(ops[2]).key == "c");
}

TEST_CASE("version 2 is still read: its limits were HiveHub's word when it was written") {
  auto expected = every_operation();
  expected.limits.said_ms = expected.time_ms;
  const auto old = decode_entry(read_file(WAGGLE_GOLDEN_DIR "/log_entry_v2.bin"));
  REQUIRE(old.has_value());
  CHECK(encode_entry(*old) == encode_entry(expected));
  const auto records = decode_entry(read_file(WAGGLE_GOLDEN_DIR "/log_entry_v2_records.bin"));
  REQUIRE(records.has_value());
  CHECK(encode_entry(*records) == encode_entry(records_of_the_node()));
}

TEST_CASE("version 1 is still read") {
  const auto old = decode_entry(read_file(WAGGLE_GOLDEN_DIR "/log_entry_v1.bin"));
  REQUIRE(old.has_value());
  CHECK(encode_entry(*old) == encode_entry(every_operation_v1()));
}

TEST_CASE("a large compressible entry is packed") {
  log_entry e;
  e.parts.push_back({shard_id{}, {upsert_points_op{{make_point("a", std::vector<float>(4096, 0.0f), "")}}}});
  const auto bytes = encode_entry(e);
  CHECK(bytes.size() < 4096);
  REQUIRE(decode_entry(bytes).has_value());
  CHECK(std::get<upsert_points_op>(decode_entry(bytes)->parts[0].ops[0]).points[0].vector.size() == 4096);
}

TEST_CASE("every flipped byte and every cut is refused") {
  for (const auto& bytes : {encode_entry(every_operation_v3()), encode_entry(records_of_the_node())})
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      auto bad = bytes;
      bad[i] = static_cast<char>(bad[i] ^ 0x41);
      const auto r = decode_entry(bad);
      CHECK_MESSAGE(r.has_error(), "byte ", i);
      if (r.has_error()) CHECK(r.error().code == ec::corrupt_data);
      CHECK(decode_entry(std::string_view(bytes).substr(0, i)).has_error());
    }
}

TEST_CASE("random bytes never do harm") {
  std::mt19937_64 rng(7);
  for (int round = 0; round < 20000; ++round) {
    std::string bytes(rng() % 200, '\0');
    for (auto& c : bytes) c = static_cast<char>(rng());
    if (!bytes.empty()) bytes[0] = static_cast<char>(1 + round % 3);
    if (bytes.size() > 1) bytes[1] &= 1;
    CHECK(decode_entry(bytes).has_error());
  }
}
