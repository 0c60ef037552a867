#include "net/bridge/tenant_roll.hpp"

#include <algorithm>

#include "actors/runtime/jobs.hpp"
#include "storage/apply/account.hpp"

namespace waggle {
namespace {
constexpr std::int64_t totals_age_us_max = 10'000'000;
}

tenant_roll::reply<std::optional<tenant_record>> tenant_roll::account(tenant_id tenant) {
  auto work = [&kv = kv_, tenant] { return known_account(write_overlay(kv), tenant); };
  co_return co_await run_blocking(rt_, std::move(work));
}

tenant_roll::reply<std::vector<std::string>> tenant_roll::collections(tenant_id tenant) {
  auto work = [&kv = kv_, tenant]() -> result<std::vector<std::string>> {
    auto catalog = collections_of(write_overlay(kv), tenant_keyspace::of_verified_owner(tenant));
    if (!catalog) return catalog.error();
    std::vector<std::string> names;
    for (auto& record : *catalog) names.push_back(std::move(record.config.name));
    std::sort(names.begin(), names.end());
    return names;
  };
  co_return co_await run_blocking(rt_, std::move(work));
}

tenant_roll::reply<std::vector<tenant_roll::line>> tenant_roll::page(std::optional<tenant_id> after, std::size_t most) {
  auto work = [&kv = kv_, after, most]() -> result<std::vector<line>> {
    std::vector<line> lines;
    const auto visit = [&](const tenant_id& tenant, const tenant_record& account) {
      lines.push_back({tenant, account});
      return lines.size() < most;
    };
    if (auto visited = visit_accounts(kv, after, visit); !visited) return visited.error();
    return lines;
  };
  co_return co_await run_on(rt_, pool_kind::long_work, std::move(work));
}

tenant_roll::reply<std::vector<tenant_roll::news>> tenant_roll::with_news() {
  auto work = [&kv = kv_]() -> result<std::vector<news>> {
    std::vector<news> found;
    const auto visit = [&found](const tenant_id& tenant, const tenant_record& account) {
      const bool any = account.reporting || account.now.position > account.reported.position;
      if (any && !tenant.is_nil()) found.push_back({tenant, account.reported.time_ms});
      return true;
    };
    if (auto visited = visit_accounts(kv, std::nullopt, visit); !visited) return visited.error();
    return found;
  };
  co_return co_await run_on(rt_, pool_kind::long_work, std::move(work));
}

tenant_roll::reply<tenant_roll::held_collections> tenant_roll::reported(tenant_id tenant) {
  auto work = [&kv = kv_, tenant]() -> result<held_collections> {
    const write_overlay store(kv);
    const auto keys = tenant_keyspace::of_verified_owner(tenant);
    held_collections out;
    for (const bool on_its_way : {false, true}) {
      auto bytes = store.get(kv_family::meta, keys.reported_record(on_its_way));
      if (!bytes) return bytes.error();
      if (!*bytes) continue;
      auto list = decode_reported(**bytes);
      if (!list) return list.error();
      (on_its_way ? out.now : out.before) = std::move(*list);
    }
    return out;
  };
  co_return co_await run_blocking(rt_, std::move(work));
}

tenant_roll::reply<tenant_roll::sums> tenant_roll::totals() {
  {
    const std::lock_guard guard(lock_);
    if (totals_ && time_.steady_us() - totals_us_ < totals_age_us_max) co_return *totals_;
  }
  auto work = [&kv = kv_]() -> result<sums> {
    sums all;
    const auto visit = [&](const tenant_id&, const tenant_record& account) {
      ++all.tenants;
      all.bytes += account.now.bytes;
      return true;
    };
    if (auto visited = visit_accounts(kv, std::nullopt, visit); !visited) return visited.error();
    return all;
  };
  auto read = co_await run_on(rt_, pool_kind::long_work, std::move(work));
  if (!read) co_return read.error();
  const std::lock_guard guard(lock_);
  totals_ = *read;
  totals_us_ = time_.steady_us();
  co_return *read;
}

}  // namespace waggle
