// `wagglectl usage` on a store whose account and points say different things.
#include <doctest/doctest.h>

#include <filesystem>

#include "base/uuid.hpp"
#include "storage/apply/account.hpp"
#include "tests/unit/wagglectl/scripted_node.hpp"

using namespace waggle;
using namespace waggle::ctl::test;

TEST_CASE("usage: a drift is shown and is exit code 1") {
  const auto directory = std::filesystem::temp_directory_path() / ("waggle-usage-" + new_uuid_v4());
  const auto usage = [&](std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"usage", "--data-dir", directory.string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run("http://127.0.0.1:1", std::move(arguments));
  };
  CHECK(usage().code == 2);
  CHECK_FALSE(std::filesystem::exists(directory));
  tenant_id tenant;
  tenant.bytes.fill(7);
  {
    kv_store::options options;
    options.directory = directory / "_node" / "kv";
    std::filesystem::create_directories(options.directory);
    auto kv = kv_store::open(options);
    REQUIRE(kv.has_value());
    CHECK(usage().code == 2);  // somebody has it open
    tenant_record account;
    account.now.position = 1;
    account.now.points = 5;
    kv_batch batch;
    batch.put(kv_family::meta, tenant_keyspace::of_verified_owner(tenant).tenant_record(), encode_tenant(account));
    REQUIRE((*kv)->write(batch, kv_sync::yes).has_value());
  }
  const auto table = usage();
  CHECK(table.code == 1);
  CHECK(table.out.find("vectors        5        0        5") != std::string::npos);
  const auto json = usage({"--output", "json", "--tenant", to_string(tenant)});
  CHECK(json.code == 1);
  CHECK(json.out.find(R"("ok":false)") != std::string::npos);
  CHECK(json.out.find(R"("drift":{"collections":0,"vectors":5,"storage_bytes":0})") != std::string::npos);
  CHECK(usage({"--tenant", to_string(tenant_id{})}).code == 5);
  std::filesystem::remove_all(directory);
}
