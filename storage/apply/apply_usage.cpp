// A tenant's account: what an entry does to it, and the state machine's operations on it.
#include "base/clock.hpp"
#include "storage/apply/runner.hpp"

namespace waggle {

void state_machine::runner::refuse_growth(quota_type type, std::uint64_t limit, std::uint64_t used,
                                          std::uint64_t requested) {
  quota_refusal why{type, limit, used, requested};
  why.bytes_limit = entry_.limits.bytes.value_or(0);
  why.bytes_used = tenant_->now.bytes;
  why.bytes_requested = out_.bytes_added > out_.bytes_freed ? out_.bytes_added - out_.bytes_freed : 0;
  (void)refuse(ec::quota_exceeded);
  out_.quota = why;
}

void state_machine::runner::settle() {
  auto& account = tenant_->now;
  // What shrinks in the end passes, however full the tenant is.
  const auto growth = [](std::uint64_t more, std::uint64_t less) { return more > less ? more - less : 0; };
  const auto points = growth(out_.inserted, out_.deleted), bytes = growth(out_.bytes_added, out_.bytes_freed);
  const auto& limits = entry_.limits;
  if (points > 0 && limits.points && account.points + points > *limits.points)
    return refuse_growth(quota_type::vector_count, *limits.points, account.points, points);
  if (bytes > 0 && limits.bytes && account.bytes + bytes > *limits.bytes)
    return refuse_growth(quota_type::storage, *limits.bytes, account.bytes, bytes);

  const auto before = account.total;
  account.points += out_.inserted - out_.deleted;
  account.bytes += out_.bytes_added - out_.bytes_freed;
  account.total.vectors_inserted += out_.inserted;
  account.total.vectors_deleted += out_.deleted;
  account.total.storage_added += out_.bytes_added;
  account.total.storage_freed += out_.bytes_freed;
  const bool catalog = out_.collection.has_value();
  if (!(account.total == before) || catalog) {
    ++account.position;
    account.time_ms = entry_.time_ms;
  }
  // Only what a client wrote came with its tenant's limits; that there are none is then a word too, if there ever were some.
  const bool of_client = collection_ || catalog;
  if (limits == quota_limits{} && !(of_client && tenant_->limits_time_ms > 0)) return;
  tenant_->limits = limits;
  tenant_->limits_time_ms = entry_.time_ms;
}

result<void> state_machine::runner::operator()(const count_reads_op& op) {
  const auto month = utc_month(entry_.time_ms);
  for (const auto& line : op.lines) {
    auto counts = machine_.may_count(tx_, line.tenant);
    if (!counts) return counts.error();
    if (!*counts) continue;
    auto tenant = tx_.tenant(line.tenant);
    if (!tenant) return tenant.error();
    auto& record = **tenant;
    record.now.total.search_count += line.searches;
    record.now.total.api_requests += line.requests;
    ++record.now.position;
    record.now.time_ms = entry_.time_ms;
    if (record.month != month) record.month_requests = 0;
    record.month = month;
    record.month_requests += line.requests;
  }
  return {};
}

result<void> state_machine::runner::operator()(const begin_report_op&) {
  if (!tenant_->reporting && tenant_->now.position > tenant_->reported.position) tenant_->reporting = tenant_->now;
  return {};
}

result<void> state_machine::runner::operator()(const end_report_op& op) {
  if (!tenant_->reporting || tenant_->reporting->position != op.position) return {};
  tenant_->reported = *tenant_->reporting;
  tenant_->reporting.reset();
  return {};
}

}  // namespace waggle
