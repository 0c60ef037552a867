#include "net/bridge/refusal.hpp"

#include "base/text_out.hpp"

namespace waggle {
namespace {

std::string message_of(const quota_refusal& q) {
  switch (q.type) {
    case quota_type::collection_count:
      return "Collection quota exceeded. Please upgrade your plan or delete unused collections.";
    case quota_type::vector_count:
      return "Vector quota exceeded. Estimated " + std::to_string(q.requested) +
             " vectors needed. Please upgrade your plan or delete unused vectors.";
    case quota_type::requests_per_month: return "Monthly usage quota exceeded.";
    case quota_type::storage: break;
  }
  return "Storage quota exceeded. Please upgrade your plan or free storage.";
}

std::uint64_t left(std::uint64_t limit, std::uint64_t used) { return limit > used ? limit - used : 0; }

}  // namespace

std::string_view name_of(quota_type type) {
  switch (type) {
    case quota_type::collection_count: return "collection_count";
    case quota_type::vector_count: return "vector_count";
    case quota_type::requests_per_month: return "requests_per_month";
    case quota_type::storage: break;
  }
  return "storage";
}

failure refusal_of(const write_outcome& outcome) {
  return outcome.quota ? refusal_of(*outcome.quota) : failure(outcome.code, outcome.message);
}

failure refusal_of(const quota_refusal& q) {
  failure f(ec::quota_exceeded, message_of(q));
  json_writer w(f.details);
  w.begin_object().member("quota_type", name_of(q.type)).member("limit", q.limit).member("used", q.used);
  w.member("requested", q.requested).member("remaining", left(q.limit, q.used));
  if (q.entitlement_expired) w.member("reason", "entitlement_expired");
  if (q.resets_at_ms > 0) w.member("resets_at", format_rfc3339(q.resets_at_ms));
  w.end_object();
  f.extra_members = "\"usage\":";
  json_writer(f.extra_members).begin_object().member("current_bytes", q.bytes_used).member("quota_bytes", q.bytes_limit)
      .member("requested_bytes", q.bytes_requested)
      .member("available_bytes", left(q.bytes_limit, q.bytes_used)).end_object();
  return f;
}

}  // namespace waggle
