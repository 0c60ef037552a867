// Counting by tenant under a bounded number of names.
#include <doctest/doctest.h>

#include <map>

#include "net/rest/tenant_metrics.hpp"

using namespace waggle;
using namespace waggle::rest;

namespace {
void request(tenant_metrics& metrics, const tenant_id& who, std::string_view function) {
  const auto routes = route_table();
  const auto to = std::find_if(routes.begin(), routes.end(), [&](const auto& route) { return route.function == function; });
  metrics.answered(who, *to, 200);
}


tenant_id tenant(int n) {
  tenant_id id;
  id.bytes[15] = static_cast<std::uint8_t>(n);
  return id;
}
std::string name(int n) { return to_string(tenant(n)); }

metrics_settings settings_of(const std::string& labels, std::size_t most) {
  metrics_settings s;
  s.tenant_labels = labels;
  s.tenant_series_max = most;
  return s;
}

using shown = std::map<metric_family::label_values, double>;
shown as_map(const tenant_metrics::listed& list) {
  shown out;
  for (const auto& [labels, value] : list) CHECK(out.emplace(labels, value).second);
  return out;
}

struct times {
  std::map<tenant_id, tenant_time> of;
  tenant_metrics::time_of read() {
    return [this](const tenant_id& t) { return of[t]; };
  }
  tenant_metrics::times totals() const { return {of.begin(), of.end()}; }
};

}  // namespace

TEST_CASE("tenant metrics: those that asked last have names; whoever makes room takes its counts along") {
  times spent;
  tenant_metrics metrics(settings_of("capped", 2), spent.read());
  request(metrics, tenant(1), "search");
  request(metrics, tenant(2), "search");
  request(metrics, tenant(1), "search");
  CHECK(as_map(metrics.requests()) == shown{{{name(1), "search"}, 2}, {{name(2), "search"}, 1}});
  request(metrics, tenant(3), "insert_text");  // 2 asked longest ago
  CHECK(as_map(metrics.requests()) == shown{{{name(1), "search"}, 2}, {{name(3), "insert_text"}, 1}});
  metrics.rate_limited(tenant(2));  // back, from nothing
  CHECK(as_map(metrics.requests()) == shown{{{name(3), "insert_text"}, 1}});
  CHECK(as_map(metrics.rate_limits()) == shown{{{name(2)}, 1}});
}

TEST_CASE("tenant metrics: no name at all, or all of them") {
  times spent;
  tenant_metrics none(settings_of("none", 2), spent.read()), all(settings_of("all", 2), spent.read());
  for (int n = 0; n < 50; ++n) {
    request(none, tenant(n), "search");
    request(all, tenant(n), "search");
  }
  CHECK(as_map(none.requests()) == shown{{{"_all", "search"}, 50}});
  CHECK(as_map(all.requests()).size() == 50);
}

TEST_CASE("tenant metrics: quota decisions by type and by where the limit came from") {
  times spent;
  tenant_metrics metrics(settings_of("capped", 2), spent.read());
  quota_decisions decided;
  decided.allowed[static_cast<std::size_t>(quota_type::vector_count)] = 2;
  metrics.quotas(tenant(1), decided, limits_origin::hub);
  metrics.quotas(tenant(1), decided, limits_origin::lease);
  metrics.quotas(tenant(2), {}, limits_origin::hub);
  quota_decisions refused;
  refused.refused[static_cast<std::size_t>(quota_type::storage)] = 1;
  metrics.quotas(tenant(1), refused, limits_origin::defaults);
  CHECK(as_map(metrics.quota_checks()) == shown{{{name(1), "vector_count", "allowed"}, 2},
                                                {{name(1), "vector_count", "error"}, 2},
                                                {{name(1), "storage", "denied"}, 1}});
  CHECK(as_map(metrics.quota_refusals()) == shown{{{name(1), "storage"}, 1}});
}

TEST_CASE("tenant metrics: time of the others never falls, whoever comes and goes") {
  times spent;
  tenant_metrics metrics(settings_of("capped", 2), spent.read());
  double before = 0, total_us = 0;
  for (int step = 0; step < 200; ++step) {
    const int who = step * 7 % 5;
    request(metrics, tenant(who), "search");
    for (auto which : {&tenant_time::cpu_us, &tenant_time::queued_us}) {
      spent.of[tenant(who)].*which += 1'000'000;
      spent.of[tenant((step + 1) % 5)].*which += 500'000;
    }
    total_us += 1'500'000;
    const auto shown_now = as_map(metrics.seconds(spent.totals(), &tenant_time::cpu_us));
    CHECK(as_map(metrics.seconds(spent.totals(), &tenant_time::queued_us)) == shown_now);
    CHECK(shown_now.size() <= 3);
    CHECK(shown_now.at({"_other"}) >= before);
    before = shown_now.at({"_other"});
    double sum = 0;
    for (const auto& [labels, seconds] : shown_now) sum += seconds;
    CHECK(sum <= total_us / 1e6);
  }
}

TEST_CASE("tenant metrics: what tenants hold is summed for those without a name") {
  times spent;
  account_board accounts;
  tenant_metrics metrics(settings_of("capped", 1), spent.read());
  for (int n = 1; n <= 3; ++n) {
    tenant_record account;
    account.now.position = 1;
    account.now.bytes = static_cast<std::uint64_t>(n);
    account.now.collections = 1;
    account.month = n == 3 ? 202610 : 202611;
    account.month_requests = 10;
    accounts.put(tenant(n), account);
  }
  accounts.put(tenant(4), {});  // looked at, never wrote
  request(metrics, tenant(1), "search");
  CHECK(as_map(metrics.storage(accounts)) == shown{{{name(1)}, 1}, {{"_other"}, 5}});
  const auto use = as_map(metrics.quota_use(accounts, 202611));
  CHECK(use.at({"_other", "collection_count"}) == 2);
  CHECK(use.at({"_other", "requests_per_month"}) == 10);
  CHECK(use.at({name(1), "storage"}) == 1);
}
