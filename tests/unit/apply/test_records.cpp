// Bytes of records: golden files of each version, and that old ones are still read.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "storage/apply/records.hpp"

using namespace waggle;

namespace {
std::string golden(const std::string& name) {
  std::ifstream in(WAGGLE_GOLDEN_DIR "/" + name, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  REQUIRE_MESSAGE(!text.str().empty(), name, " is missing");
  return text.str();
}

void check_golden(const std::string& name, const std::string& bytes) {
  if (std::getenv("WAGGLE_GOLDEN_WRITE")) std::ofstream(WAGGLE_GOLDEN_DIR "/" + name, std::ios::binary) << bytes;
  CHECK(bytes == golden(name));
}

// Never change what these make: golden files hold its bytes.
usage_mark mark_v2(std::uint64_t n) {
  usage_mark m;
  m.position = n;
  m.time_ms = 1700000000000 + static_cast<std::int64_t>(n);
  m.total = {n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7, n + 8};
  m.collections = 2;
  m.points = 300;
  m.bytes = 70000;
  return m;
}
usage_mark mark(std::uint64_t n) {
  auto m = mark_v2(n);
  m.total.cpu_us = n + 9;
  m.total.bytes_in = n + 10;
  m.total.bytes_out = n + 11;
  return m;
}

tenant_record tenant_of(usage_mark (*made)(std::uint64_t)) {
  tenant_record r;
  r.last_collection = collection_id(9);
  r.now = made(500);
  r.month = 202611;
  r.month_requests = 77;
  r.limits = {10, 100000, std::nullopt, 0};
  r.limits.said_ms = 1700000000007;
  r.reported = made(100);
  r.reporting = made(300);
  return r;
}

collection_record collection() {
  collection_record c;
  c.owner.bytes.fill(1);
  c.id = collection_id(7);
  c.config.name = "docs";
  c.config.dimension = 3;
  c.created_ms = 1700000000001;
  c.updated_ms = 1700000000002;
  c.uuid = collection_uuid(c.owner, "docs");
  return c;
}

reported_collections two_reported() {
  return {{collection_uuid(collection().owner, "docs"), "docs", 15, 600}, {collection().uuid, "", 70000, 3000000}};
}
}  // namespace

TEST_CASE("tenant: version 3 reads and writes the golden bytes") {
  auto record = tenant_of(mark);
  record.limits.expires_ms = 1700000100000;
  const auto bytes = encode_tenant(record);
  check_golden("tenant_v3.bin", bytes);
  const auto back = decode_tenant(bytes);
  REQUIRE(back.has_value());
  CHECK(back->complete);
  CHECK(encode_tenant(back->record) == bytes);
  CHECK(back->record.now.total == record.now.total);
  CHECK(back->record.limits == record.limits);
}

TEST_CASE("tenant: version 2 is still read, without time and bytes") {
  const auto old = decode_tenant(golden("tenant_v2.bin"));
  REQUIRE(old.has_value());
  CHECK(old->complete);
  CHECK(encode_tenant(old->record) == encode_tenant(tenant_of(mark_v2)));
}

TEST_CASE("collection: version 2 reads and writes the golden bytes; its id stays when the name changes") {
  auto record = collection();
  check_golden("collection_v2.bin", encode_collection(record));
  record.config.name = "other";
  const auto back = decode_collection(encode_collection(record));
  REQUIRE(back.has_value());
  CHECK(back->uuid == collection_uuid(record.owner, "docs"));
  CHECK(back->config.name == "other");
}

TEST_CASE("collection: version 1 is still read, its id is made from its name") {
  const auto old = decode_collection(golden("collection_v1.bin"));
  REQUIRE(old.has_value());
  CHECK(encode_collection(*old) == encode_collection(collection()));
}

TEST_CASE("reported collections read and write the golden bytes") {
  check_golden("reported_v1.bin", encode_reported(two_reported()));
  const auto back = decode_reported(encode_reported(two_reported()));
  REQUIRE(back.has_value());
  CHECK(*back == two_reported());
}

TEST_CASE("records that are cut or have bytes left over are refused") {
  const auto refused = [](const auto& decode, const std::string& bytes) {
    for (std::size_t n = 0; n < bytes.size(); ++n) CHECK(decode(bytes.substr(0, n)).has_error());
    CHECK(decode(bytes + '\0').has_error());
  };
  refused(decode_tenant, golden("tenant_v2.bin"));
  refused(decode_tenant, encode_tenant(tenant_of(mark)));
  refused(decode_collection, encode_collection(collection()));
  refused(decode_reported, encode_reported(two_reported()));
}
