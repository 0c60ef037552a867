#include "actors/data/refusal.hpp"

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
    case quota_type::storage: break;
  }
  return "Storage quota exceeded. Please upgrade your plan or free storage.";
}

std::string_view name_of(quota_type type) {
  return type == quota_type::collection_count ? "collection_count"
         : type == quota_type::vector_count   ? "vector_count"
                                              : "storage";
}

std::uint64_t left(std::uint64_t limit, std::uint64_t used) { return limit > used ? limit - used : 0; }

}  // namespace

failure refusal_of(const write_outcome& outcome) {
  if (!outcome.quota) return failure(outcome.code, outcome.message);
  const auto& q = *outcome.quota;
  failure f(ec::quota_exceeded, message_of(q));
  json_writer(f.details).begin_object().member("quota_type", name_of(q.type)).member("limit", q.limit)
      .member("used", q.used).member("requested", q.requested).member("remaining", left(q.limit, q.used)).end_object();
  f.extra_members = "\"usage\":";
  json_writer(f.extra_members).begin_object().member("current_bytes", q.bytes_used).member("quota_bytes", q.bytes_limit)
      .member("requested_bytes", q.bytes_requested)
      .member("available_bytes", left(q.bytes_limit, q.bytes_used)).end_object();
  return f;
}

}  // namespace waggle
