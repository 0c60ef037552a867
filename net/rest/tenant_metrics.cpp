#include "net/rest/tenant_metrics.hpp"

#include <limits>

#include "net/bridge/refusal.hpp"
#include "net/http/error_body.hpp"

namespace waggle::rest {
namespace {
constexpr std::string_view result_names[] = {"allowed", "denied", "error"};

std::size_t series_of(const metrics_settings& metrics) {
  if (metrics.tenant_labels == "none") return 0;
  return metrics.tenant_labels == "all" ? std::numeric_limits<std::size_t>::max() : metrics.tenant_series_max;
}

std::string_view name_of_quota(std::size_t type) { return waggle::name_of(static_cast<quota_type>(type)); }
}  // namespace

tenant_metrics::tenant_metrics(const metrics_settings& metrics, time_of spent)
    : series_max_(series_of(metrics)), others_name_(metrics.tenant_labels == "none" ? "_all" : "_other"), spent_(std::move(spent)) {}

tenant_metrics::counts& tenant_metrics::of(const tenant_id& tenant) {
  if (series_max_ == 0) return others_;
  if (const auto it = by_tenant_.find(tenant); it != by_tenant_.end()) {
    newest_first_.splice(newest_first_.begin(), newest_first_, it->second);
    return it->second->second;
  }
  if (newest_first_.size() >= series_max_) {
    const auto& [oldest, its] = newest_first_.back();
    const auto spent = spent_(oldest);
    ended_.cpu_us += spent.cpu_us - its.before.cpu_us;
    ended_.queued_us += spent.queued_us - its.before.queued_us;
    by_tenant_.erase(oldest);
    newest_first_.pop_back();
  }
  auto& made = newest_first_.emplace_front(tenant, counts{});
  made.second.before = spent_(tenant);
  by_tenant_.emplace(tenant, newest_first_.begin());
  return made.second;
}

void tenant_metrics::answered(const tenant_id& tenant, const route& to, int status) {
  const std::lock_guard guard(lock_);
  ++of(tenant).by_answer[{&to, status}];
}

void tenant_metrics::rate_limited(const tenant_id& tenant) {
  const std::lock_guard guard(lock_);
  ++of(tenant).rate_limited;
}

void tenant_metrics::auth_failed(const std::optional<tenant_id>& tenant, ec why) {
  const std::lock_guard guard(lock_);
  ++(tenant ? of(*tenant).auth_failures : failures_of_nobody_)[why];
}

void tenant_metrics::bytes(const tenant_id& tenant, std::uint64_t in, std::uint64_t out) {
  const std::lock_guard guard(lock_);
  auto& its = of(tenant);
  its.bytes_in += in;
  its.bytes_out += out;
}

void tenant_metrics::quotas(const tenant_id& tenant, const quota_decisions& decided, limits_origin limits) {
  if (decided == quota_decisions{}) return;
  const auto yes = limits == limits_origin::hub ? allowed : unsure;
  const std::lock_guard guard(lock_);
  auto& checks = of(tenant).checks;
  for (std::size_t type = 0; type < quota_types; ++type) {
    checks[type][yes] += decided.allowed[type];
    checks[type][denied] += decided.refused[type];
  }
}

template <class Visit>
void tenant_metrics::each(Visit visit) const {
  const std::lock_guard guard(lock_);
  for (const auto& [tenant, its] : newest_first_) visit(to_string(tenant), its);
  visit(others_name_, others_);
}

tenant_metrics::listed tenant_metrics::requests() const {
  listed out;
  each([&out](const std::string& name, const counts& its) {
    for (const auto& [answer, n] : its.by_answer)
      out.push_back({{name, std::string(answer.first->function)}, static_cast<double>(n)});
  });
  return out;
}

tenant_metrics::listed tenant_metrics::answers() const {
  listed out;
  each([&out](const std::string& name, const counts& its) {
    for (const auto& [answer, n] : its.by_answer) {
      const auto& [to, status] = answer;
      out.push_back({{name, std::string(to->path), std::string(to->method), std::to_string(status)}, static_cast<double>(n)});
    }
  });
  return out;
}

tenant_metrics::listed tenant_metrics::rate_limits() const {
  listed out;
  each([&out](const std::string& name, const counts& its) {
    if (its.rate_limited > 0) out.push_back({{name}, static_cast<double>(its.rate_limited)});
  });
  return out;
}

tenant_metrics::listed tenant_metrics::auth_failures() const {
  listed out;
  const auto list = [&out](const std::string& name, const std::map<ec, std::uint64_t>& failures) {
    for (const auto& [why, n] : failures) out.push_back({{name, error_type_of(why)}, static_cast<double>(n)});
  };
  each([&list](const std::string& name, const counts& its) { list(name, its.auth_failures); });
  const std::lock_guard guard(lock_);
  list("", failures_of_nobody_);
  return out;
}

tenant_metrics::listed tenant_metrics::transferred() const {
  listed out;
  each([&out](const std::string& name, const counts& its) {
    if (its.bytes_in > 0) out.push_back({{name, "in"}, static_cast<double>(its.bytes_in)});
    if (its.bytes_out > 0) out.push_back({{name, "out"}, static_cast<double>(its.bytes_out)});
  });
  return out;
}

tenant_metrics::listed tenant_metrics::quota_checks() const {
  listed out;
  each([&out](const std::string& name, const counts& its) {
    for (std::size_t type = 0; type < quota_types; ++type)
      for (std::size_t kind = 0; kind < result_kinds; ++kind)
        if (const auto n = its.checks[type][kind]; n > 0)
          out.push_back({{name, std::string(name_of_quota(type)), std::string(result_names[kind])}, static_cast<double>(n)});
  });
  return out;
}

tenant_metrics::listed tenant_metrics::quota_refusals() const {
  listed out;
  each([&out](const std::string& name, const counts& its) {
    for (std::size_t type = 0; type < quota_types; ++type)
      if (const auto n = its.checks[type][denied]; n > 0)
        out.push_back({{name, std::string(name_of_quota(type))}, static_cast<double>(n)});
  });
  return out;
}

tenant_metrics::shown_tenants tenant_metrics::shown() const {
  shown_tenants out;
  const std::lock_guard guard(lock_);
  out.ended = ended_;
  out.before.reserve(newest_first_.size());
  for (const auto& [tenant, its] : newest_first_) out.before.emplace(tenant, its.before);
  return out;
}

tenant_metrics::listed tenant_metrics::seconds(const times& totals, std::uint64_t tenant_time::*which) const {
  listed out;
  const auto with_series = shown();
  // All that no series shows, or showed before it ended: so it never falls.
  double others_us = -static_cast<double>(with_series.ended.*which);
  for (const auto& [tenant, spent] : totals) {
    const auto us = spent.*which;
    const auto it = with_series.before.find(tenant);
    const bool own = it != with_series.before.end();
    const auto before_us = own ? std::min(us, it->second.*which) : us;
    others_us += static_cast<double>(before_us);
    if (own) out.push_back({{to_string(tenant)}, static_cast<double>(us - before_us) / 1e6});
  }
  out.push_back({{others_name_}, std::max(0.0, others_us) / 1e6});
  return out;
}

tenant_metrics::listed tenant_metrics::storage(const account_board& accounts) const {
  listed out;
  double others = 0;
  const auto with_series = shown();
  accounts.each([&](const tenant_id& tenant, const tenant_record& account) {
    const auto bytes = static_cast<double>(account.now.bytes);
    if (account.now.position == 0) return;
    if (with_series.before.contains(tenant))
      out.push_back({{to_string(tenant)}, bytes});
    else
      others += bytes;
  });
  out.push_back({{others_name_}, others});
  return out;
}

tenant_metrics::listed tenant_metrics::quota_use(const account_board& accounts, std::uint32_t month) const {
  using by_type = std::array<std::uint64_t, quota_types>;
  listed out;
  const auto list = [&out](const std::string& name, const by_type& use) {
    for (std::size_t type = 0; type < quota_types; ++type)
      out.push_back({{name, std::string(name_of_quota(type))}, static_cast<double>(use[type])});
  };
  by_type others{};
  const auto with_series = shown();
  accounts.each([&](const tenant_id& tenant, const tenant_record& account) {
    if (account.now.position == 0) return;
    const auto& now = account.now;
    // In the order of quota_type.
    const by_type use{now.collections, now.points, now.bytes, account.month == month ? account.month_requests : 0};
    if (with_series.before.contains(tenant)) return list(to_string(tenant), use);
    for (std::size_t type = 0; type < quota_types; ++type) others[type] += use[type];
  });
  list(others_name_, others);
  return out;
}

}  // namespace waggle::rest
