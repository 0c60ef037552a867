#include "net/usage/usage_report.hpp"

#include "base/text_out.hpp"
#include "base/uuid.hpp"

namespace waggle {
namespace {
constexpr int ledger_epoch = 1;  ///< a tenant that was erased and comes back begins another one
}

std::optional<usage_report> make_report(const ledger_identity& ledger, const tenant_id& tenant,
                                        const tenant_record& account) {
  if (!account.reporting) return std::nullopt;
  const auto& from = account.reported;
  const auto& to = *account.reporting;
  const auto who = to_string(tenant);
  std::array<std::uint8_t, 16> name_space;
  (void)parse_uuid("58a40d40-2e00-54a0-a0d6-802637a33a34", name_space);  // hub.md §6
  const auto range = std::to_string(from.position) + "-" + std::to_string(to.position);
  usage_report out;
  out.position = to.position;
  out.idempotency_key = format_uuid(
      uuid_v5(name_space, ledger.cluster_id + "/" + who + "/" + std::to_string(ledger_epoch) + "/" + range));
  const auto time = [](std::int64_t unix_ms) { return format_rfc3339(unix_ms); };
  json_writer w(out.body);
  w.begin_object().member("idempotency_key", out.idempotency_key).member("service", ledger.service);
  w.member("node_id", ledger.node_id).member("cluster_id", ledger.cluster_id).member("tenant_id", who);
  w.member("user_id", who).member("ledger_epoch", ledger_epoch).member("from", from.position).member("to", to.position);
  w.member("period_start", time(from.time_ms)).member("period_end", time(to.time_ms)).member("timestamp", time(to.time_ms));
  w.member("is_test", false).member("vector_count", to.points).member("storage_bytes", to.bytes);
  w.member("collection_count", to.collections).key("deltas").begin_object();
  const auto& a = from.total;
  const auto& b = to.total;
  w.member("vectors_inserted", b.vectors_inserted - a.vectors_inserted);
  w.member("vectors_deleted", b.vectors_deleted - a.vectors_deleted);
  w.member("storage_added", b.storage_added - a.storage_added);
  w.member("storage_freed", b.storage_freed - a.storage_freed);
  w.member("search_count", b.search_count - a.search_count);
  w.member("collections_created", b.collections_created - a.collections_created);
  w.member("collections_deleted", b.collections_deleted - a.collections_deleted);
  w.member("api_requests", b.api_requests - a.api_requests).end_object().end_object();
  return out;
}

}  // namespace waggle
