// From one database for all tenants to one for each, and back, interrupted anywhere.
#include <map>

#include "machine_world.hpp"
#include "storage/apply/account.hpp"
#include "storage/apply/layout_convert.hpp"

using namespace apply_test;
namespace fs = std::filesystem;

namespace {

struct killed {};

/// Every key of the tenants, read from where they lie.
std::map<std::string, std::string> all_keys(const fs::path& data_dir) {
  auto kv = open_as_it_lies(data_dir);
  REQUIRE(kv.has_value());
  std::map<std::string, std::string> all;
  for (int n = 1; n <= 3; ++n) {
    const auto [begin, end] = tenant_keyspace::of_verified_owner(owner(n)).owner_range();
    for (const auto family : {kv_family::points, kv_family::meta})
      REQUIRE((*kv)->scan(family, begin, end, [&](std::string_view key, std::string_view value) {
        const char kind = key[tenant_keyspace::prefix_bytes - 1];
        if (family != kv_family::meta || (kind != 'A' && kind != 'E'))
          all.emplace(std::string(1, static_cast<char>(family)).append(key), value);
        return true;
      }).has_value());
  }
  return all;
}

void fill(machine_world& w) {
  for (int n = 1; n <= 3; ++n) {
    const auto c = make(w, owner(n), "docs");
    auto e = entry(owner(n), c, upsert({make_point("a", 1), make_point("b", static_cast<float>(n))}));
    e.request.bytes.fill(static_cast<std::uint8_t>(n));
    REQUIRE(w.one(e).code == ec::ok);
  }
}

result<conversion> convert(const fs::path& data_dir, tenant_layout to, int kill_after = -1) {
  return convert_layout(data_dir, group_id{}, to, [&kill_after](const tenant_id&, std::uint64_t) {
    if (kill_after-- == 0) throw killed();
  });
}

}  // namespace

TEST_CASE("layout: there and back, every key; interrupted at each tenant it goes on") {
  for (int after = -1; after < 3; ++after) {
    CAPTURE(after);
    machine_world w;
    fill(w);
    w.close();
    const auto before = all_keys(w.directory());
    CHECK(before.size() > 15);
    for (const auto to : {tenant_layout::apart, tenant_layout::together}) {
      if (after >= 0) {
        CHECK_THROWS_AS(convert(w.directory(), to, after), killed);
        CHECK(open_as_it_lies(w.directory()).error().code == ec::conflict);
        const auto back = to == tenant_layout::apart ? tenant_layout::together : tenant_layout::apart;
        CHECK(convert(w.directory(), back).error().code == ec::conflict);
      }
      const auto done = convert(w.directory(), to);
      REQUIRE(done.has_value());
      CHECK(done->tenants == (after < 0 ? 3 : 2 - static_cast<std::uint64_t>(after)));
      CHECK(convert(w.directory(), to)->was_so);
      CHECK(all_keys(w.directory()) == before);
      CHECK(fs::exists(w.directory() / to_string(owner(1)) / "kv" / "CURRENT") == (to == tenant_layout::apart));
    }
    w.open();
    CHECK(w.machine().totals().points == 6);
    CHECK(w.machine().applied() == log_index(6));
  }
}

TEST_CASE("layout: half a copy is made anew, and remembered requests come along") {
  machine_world w;
  fill(w);
  w.close();
  {
    kv_store::options options;
    options.directory = w.directory() / to_string(owner(2)) / "kv";
    auto stale = kv_store::open(options);
    REQUIRE(stale.has_value());
    kv_batch batch;
    batch.put(kv_family::points, tenant_keyspace::of_verified_owner(owner(2)).point(collection_id(1), {}, "stale"), "x");
    REQUIRE((*stale)->write(batch, kv_sync::yes).has_value());
  }
  const auto before = all_keys(w.directory());
  REQUIRE(convert(w.directory(), tenant_layout::apart).has_value());
  CHECK(all_keys(w.directory()) == before);
  auto kv = open_as_it_lies(w.directory());
  REQUIRE(kv.has_value());
  const auto keys = tenant_keyspace::of_verified_owner(owner(2));
  std::string record;
  CHECK(*(*kv)->get(kv_family::meta, keys.window_record(log_index(4)), record));
  request_id asked;
  asked.bytes.fill(2);
  CHECK(record == keys.request_record(asked));
  CHECK(*(*kv)->get(kv_family::meta, keys.applied_record(), record));
}

TEST_CASE("layout: a node opens only what it was set to; a node that was killed is not put together") {
  machine_world w;
  fill(w);
  CHECK(adopt_layout(w.kv(), group_id{}, tenant_layout::apart).error().code == ec::conflict);
  CHECK(adopt_layout(w.kv(), group_id{}, tenant_layout::together).has_value());
  w.close();

  machine_world fresh(true);
  CHECK(adopt_layout(fresh.kv(), group_id{}, tenant_layout::apart).has_value());
  fill(fresh);
  CHECK(adopt_layout(fresh.kv(), group_id{}, tenant_layout::together).error().code == ec::conflict);
  fresh.close();
  CHECK(convert(fresh.directory(), tenant_layout::together).error().code == ec::conflict);
  fresh.open();
  fresh.apply_again();
  REQUIRE(state_machine::make_durable(fresh.kv(), group_id{}, fresh.machine().applied()).has_value());
  fresh.close();
  CHECK(convert(fresh.directory(), tenant_layout::together)->tenants == 3);
}

TEST_CASE("layout: the account of a dropped tenant comes along") {
  machine_world w(true);
  REQUIRE(adopt_layout(w.kv(), group_id{}, tenant_layout::apart).has_value());
  const auto c = make(w, owner(1), "docs");
  w.one(entry(owner(1), c, upsert({make_point("a", 1)})));
  const auto erased = w.one(entry(owner(1), {}, erase_tenant_op{}));
  REQUIRE(w.kv().drop_tenant(owner(1), erased.index).has_value());
  REQUIRE(state_machine::make_durable(w.kv(), group_id{}, w.machine().applied()).has_value());
  w.close();
  REQUIRE(convert(w.directory(), tenant_layout::together).has_value());
  auto kv = open_as_it_lies(w.directory());
  REQUIRE(kv.has_value());
  const auto account = load_account(write_overlay(**kv), owner(1));
  REQUIRE((account && *account));
  CHECK((*account)->now.total.vectors_inserted == 1);
}
