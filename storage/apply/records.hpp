#pragma once
// Records that the state machine keeps in the key-value store, and their bytes (docs/formats/records.md).
// Each begins with a version byte. Pure; any thread. Bad bytes: ec::corrupt_data.
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "storage/log/operation.hpp"
#include "storage/types.hpp"

namespace waggle {

/// A stored point and its version.
struct point_record {
  seq_no seq;
  point data;  ///< `data.id` is taken from the key when decoded
};
std::string encode_point(seq_no seq, const point& p);
result<point_record> decode_point(std::string_view id, std::string_view bytes);

/// A collection in its tenant's catalog.
struct collection_record {
  tenant_id owner;
  collection_id id;
  collection_config config;
  std::int64_t created_ms = 0;
  std::int64_t updated_ms = 0;
  std::array<std::uint8_t, 16> uuid{};  ///< what others know it by; made from its first name, and stays
};
/// UUIDv5 of the canonical name (contract hub.md §6).
std::array<std::uint8_t, 16> collection_uuid(const tenant_id& owner, std::string_view name);
std::string encode_collection(const collection_record& record);
result<collection_record> decode_collection(std::string_view bytes);

/// Exact counts of one shard, changed only in the batch of the write that changes them.
struct shard_counters {
  seq_no last_seq;
  std::uint64_t points = 0;
  std::uint64_t documents = 0;      ///< distinct parent ids plus unchunked points
  std::uint64_t bytes = 0;          ///< logical bytes (contract tenancy.md §6)
  std::uint64_t payload_bytes = 0;  ///< the payload's share of `bytes`
};
std::string encode_counters(const shard_counters& counters);
result<shard_counters> decode_counters(std::string_view bytes);

/// What a tenant is billed for (contract tenancy.md §9), counted since its first write and never reset.
struct usage_counters {
  std::uint64_t vectors_inserted = 0;
  std::uint64_t vectors_deleted = 0;
  std::uint64_t storage_added = 0;  ///< logical bytes, as the next one
  std::uint64_t storage_freed = 0;
  std::uint64_t search_count = 0;
  std::uint64_t collections_created = 0;
  std::uint64_t collections_deleted = 0;
  std::uint64_t api_requests = 0;
  std::uint64_t cpu_us = 0;
  std::uint64_t bytes_in = 0;   ///< of requests' bodies
  std::uint64_t bytes_out = 0;  ///< of answers'
  bool operator==(const usage_counters&) const = default;
};

/// A place in a tenant's ledger, and all that was counted up to it.
struct usage_mark {
  std::uint64_t position = 0;  ///< entries that changed a counter
  std::int64_t time_ms = 0;
  usage_counters total;
  std::uint64_t collections = 0;
  std::uint64_t points = 0;
  std::uint64_t bytes = 0;
};

/// A tenant's account: what it holds, what it may hold, what it used.
struct tenant_record {
  collection_id last_collection;
  usage_mark now;
  std::uint32_t month = 0;  ///< of `month_requests`, UTC: 202611
  std::uint64_t month_requests = 0;
  quota_limits limits;  ///< HiveHub's last word that a write came with
  usage_mark reported;
  std::optional<usage_mark> reporting;  ///< a report that ends here is on its way
};
std::string encode_tenant(const tenant_record& record);
/// A record of version 1 knows `last_collection` and `now.collections` only: `complete` is false.
struct decoded_tenant {
  tenant_record record;
  bool complete = true;
};
result<decoded_tenant> decode_tenant(std::string_view bytes);

/// What each collection held when a report began, by id.
struct reported_collection {
  std::array<std::uint8_t, 16> uuid{};
  std::string name;
  std::uint64_t points = 0;
  std::uint64_t bytes = 0;
  bool operator==(const reported_collection&) const = default;
};
using reported_collections = std::vector<reported_collection>;
inline constexpr std::size_t report_collections_max = 10000;
std::string encode_reported(const reported_collections& list);
result<reported_collections> decode_reported(std::string_view bytes);

struct snapshot_record {
  std::string id;
  std::int64_t created_ms = 0;
  std::uint64_t points = 0;
  std::uint64_t bytes = 0;
};
std::string encode_snapshot(const snapshot_record& record);
result<snapshot_record> decode_snapshot(std::string_view id, std::string_view bytes);

/// A record of the node itself. Its version is the log index of the entry that wrote it.
struct node_record {
  std::uint64_t version = 0;
  std::string value;
};
std::string encode_node_record(const node_record& record);
result<node_record> decode_node_record(std::string_view bytes);

/// One point's outcome inside a write.
struct item_outcome {
  ec code = ec::ok;
  seq_no seq;  ///< the version it has now
  bool created = false;
};
enum class quota_type : std::uint8_t { collection_count, vector_count, storage, requests_per_month };
/// Why a tenant may not have more.
struct quota_refusal {
  quota_type type = quota_type::storage;
  std::uint64_t limit = 0;
  std::uint64_t used = 0;
  std::uint64_t requested = 0;  ///< growth
  std::uint64_t bytes_limit = 0;
  std::uint64_t bytes_used = 0;
  std::uint64_t bytes_requested = 0;
  std::int64_t resets_at_ms = 0;  ///< 0: not by itself
  bool entitlement_expired = false;  ///< HiveHub's word is too old
};

/// What a log entry did. The same request id gets the same outcome again, from the dedup window.
struct write_outcome {
  log_index index;
  ec code = ec::ok;  ///< not ok: nothing was written
  std::string message;
  std::uint64_t inserted = 0;
  std::uint64_t updated = 0;
  std::uint64_t deleted = 0;
  std::uint64_t bytes_added = 0;  ///< logical bytes by which points grew; an overwrite counts its difference
  std::uint64_t bytes_freed = 0;
  std::vector<item_outcome> items;
  std::vector<std::string> ids;  ///< ids of the points written; kept only for writes with a request id
  std::optional<collection_record> collection;
  bool repeated = false;  ///< answered from the dedup window
  std::optional<quota_refusal> quota;  ///< with ec::quota_exceeded; never remembered
};
std::string encode_outcome(const write_outcome& outcome, std::uint64_t fingerprint);
struct remembered_outcome {
  std::uint64_t fingerprint = 0;
  write_outcome outcome;
};
result<remembered_outcome> decode_outcome(std::string_view bytes);

/// Logical bytes of a point: 4 × dimension + id + compact payload + 8 per sparse entry.
std::uint64_t logical_bytes(const point& p);

}  // namespace waggle
