#include "net/usage/usage_report.hpp"

#include <map>

#include "base/text_out.hpp"
#include "base/uuid.hpp"

namespace waggle {
namespace {
constexpr int ledger_epoch = 1;  ///< a tenant that was erased and comes back begins another one

/// The stretch of the ledger that the report covers, as a name: the same for every try.
std::string stretch_of(const ledger_identity& ledger, const tenant_id& tenant, const tenant_record& account) {
  return ledger.cluster_id + "/" + to_string(tenant) + "/" + std::to_string(ledger_epoch) + "/" +
         std::to_string(account.reported.position) + "-" + std::to_string(account.reporting->position);
}

std::string key_of(const std::string& name) {
  std::array<std::uint8_t, 16> name_space;
  (void)parse_uuid("58a40d40-2e00-54a0-a0d6-802637a33a34", name_space);  // hub.md §6
  return format_uuid(uuid_v5(name_space, name));
}

void write_deltas(json_writer& w, const usage_counters& a, const usage_counters& b) {
  w.key("deltas").begin_object().member("vectors_inserted", b.vectors_inserted - a.vectors_inserted);
  w.member("vectors_deleted", b.vectors_deleted - a.vectors_deleted);
  w.member("storage_added", b.storage_added - a.storage_added);
  w.member("storage_freed", b.storage_freed - a.storage_freed);
  w.member("search_count", b.search_count - a.search_count);
  w.member("collections_created", b.collections_created - a.collections_created);
  w.member("collections_deleted", b.collections_deleted - a.collections_deleted);
  w.member("api_requests", b.api_requests - a.api_requests).member("cpu_us", b.cpu_us - a.cpu_us);
  w.member("bytes_in", b.bytes_in - a.bytes_in).member("bytes_out", b.bytes_out - a.bytes_out).end_object();
}

}  // namespace

std::optional<usage_report> make_report(const ledger_identity& ledger, const tenant_id& tenant,
                                        const tenant_record& account, const reported_collections& held) {
  if (!account.reporting) return std::nullopt;
  const auto& from = account.reported;
  const auto& to = *account.reporting;
  const auto who = to_string(tenant);
  usage_report out;
  out.position = to.position;
  out.idempotency_key = key_of(stretch_of(ledger, tenant, account));
  const auto time = [](std::int64_t unix_ms) { return format_rfc3339(unix_ms); };
  json_writer w(out.body);
  w.begin_object().member("idempotency_key", out.idempotency_key).member("service", ledger.service);
  w.member("node_id", ledger.node_id).member("cluster_id", ledger.cluster_id).member("tenant_id", who);
  w.member("user_id", who).member("ledger_epoch", ledger_epoch).member("from", from.position).member("to", to.position);
  w.member("period_start", time(from.time_ms)).member("period_end", time(to.time_ms)).member("timestamp", time(to.time_ms));
  w.member("is_test", false).member("vector_count", to.points).member("storage_bytes", to.bytes);
  w.member("collection_count", to.collections);
  write_deltas(w, from.total, to.total);
  w.key("collections").begin_array();
  for (const auto& c : held) {
    w.begin_object().member("collection_id", format_uuid(c.uuid)).member("collection_name", c.name);
    w.member("vector_count", c.points).member("storage_bytes", c.bytes).end_object();
  }
  w.end_array().end_object();
  return out;
}

std::vector<usage_report> make_collection_reports(const ledger_identity& ledger, const tenant_id& tenant,
                                                  const tenant_record& account, const reported_collections& before,
                                                  const reported_collections& held) {
  if (!account.reporting) return {};
  std::map<std::array<std::uint8_t, 16>, reported_collection> now, then;
  for (const auto& c : before) then[c.uuid] = c, now[c.uuid] = {c.uuid, c.name, 0, 0};
  for (const auto& c : held) now[c.uuid] = c;
  std::vector<usage_report> all;
  for (const auto& [uuid, c] : now) {
    const auto old = then.find(uuid);
    if (old != then.end() && old->second.points == c.points && old->second.bytes == c.bytes) continue;
    const auto id = format_uuid(uuid);
    usage_report out;
    out.position = account.reporting->position;
    out.idempotency_key = key_of(stretch_of(ledger, tenant, account) + "/" + id);
    json_writer w(out.body);
    w.begin_object().member("collection_id", id).member("user_id", to_string(tenant));
    w.member("vector_count", c.points).member("storage_bytes", c.bytes);
    w.member("idempotency_key", out.idempotency_key).end_object();
    all.push_back(std::move(out));
  }
  return all;
}

}  // namespace waggle
