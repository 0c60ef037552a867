// A tenant's account: what an entry does to it, and the state machine's operations on it.
#include <algorithm>

#include "base/clock.hpp"
#include "storage/apply/account.hpp"
#include "storage/apply/runner.hpp"

namespace waggle {

void state_machine::runner::refuse_growth(quota_type type, std::uint64_t limit, std::uint64_t used,
                                          std::uint64_t requested) {
  quota_refusal why{type, limit, used, requested};
  why.entitlement_expired = entry_.limits.no_growth;
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
  if (limits.no_growth && points > 0) return refuse_growth(quota_type::vector_count, account.points, account.points, points);
  if (limits.no_growth && bytes > 0) return refuse_growth(quota_type::storage, account.bytes, account.bytes, bytes);
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
  // HiveHub's last word stays with the tenant, also when it is that there are no limits.
  if (limits.said_ms == 0) return;
  tenant_->limits = limits;
  tenant_->limits.no_growth = false;
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
    record.now.total.cpu_us += line.cpu_us;
    record.now.total.bytes_in += line.bytes_in;
    record.now.total.bytes_out += line.bytes_out;
    ++record.now.position;
    record.now.time_ms = entry_.time_ms;
    if (record.month != month) record.month_requests = 0;
    record.month = month;
    record.month_requests += line.requests;
  }
  return {};
}

result<void> state_machine::runner::operator()(const begin_report_op&) {
  if (tenant_->reporting || tenant_->now.position <= tenant_->reported.position) return {};
  tenant_->reporting = tenant_->now;
  auto held = collections_held();
  if (!held) return held.error();
  tx_.overlay.put(kv_family::meta, keys_.reported_record(true), encode_reported(*held));
  return {};
}

result<reported_collections> state_machine::runner::collections_held() {
  auto collections = collections_of(tx_.overlay, keys_);
  if (!collections) return collections.error();
  reported_collections list;
  for (const auto& c : *collections) {
    if (list.size() == report_collections_max) break;
    reported_collection one{c.uuid, c.config.name, 0, 0};
    for (std::uint32_t s = 0; s < c.config.shard_count; ++s) {
      const auto counters = tx_.counters(c, shard_id(s));
      if (!counters) return counters.error();
      const auto kept = snapshot_bytes(tx_.overlay, keys_, c.id, shard_id(s));
      if (!kept) return kept.error();
      one.points += counters->points;
      one.bytes += counters->bytes + *kept;
    }
    list.push_back(std::move(one));
  }
  // A collection that was renamed and one that got its first name since have one id: to HiveHub they are one.
  std::ranges::stable_sort(list, {}, &reported_collection::uuid);
  reported_collections merged;
  for (auto& one : list) {
    if (merged.empty() || merged.back().uuid != one.uuid) {
      merged.push_back(std::move(one));
      continue;
    }
    merged.back().points += one.points;
    merged.back().bytes += one.bytes;
  }
  return merged;
}

result<void> state_machine::runner::operator()(const end_report_op& op) {
  if (!tenant_->reporting || tenant_->reporting->position != op.position) return {};
  tenant_->reported = *tenant_->reporting;
  tenant_->reporting.reset();
  auto sent = tx_.overlay.get(kv_family::meta, keys_.reported_record(true));
  if (!sent) return sent.error();
  if (*sent) tx_.overlay.put(kv_family::meta, keys_.reported_record(false), std::move(**sent));
  tx_.overlay.erase(kv_family::meta, keys_.reported_record(true));
  return {};
}

}  // namespace waggle
