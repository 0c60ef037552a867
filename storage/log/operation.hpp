#pragma once
// What a write does, as it travels through the replicated log. Every mutation of a tenant's data is one `log_entry`.
// Pure values; any thread.
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.hpp"
#include "storage/types.hpp"

namespace waggle {

/// How a collection is made. Fixed at creation except `description`, `hnsw.ef_search`, `replication_factor`.
struct collection_config {
  std::string name;  ///< bare name
  std::uint32_t dimension = 512;
  metric measure = metric::cosine;
  std::string description;
  std::string embedding_provider = "bm25";
  hnsw_params hnsw;
  std::string quantization = "none";
  std::uint32_t shard_count = 1;
  std::uint32_t replication_factor = 1;
  std::uint32_t write_consistency_factor = 1;
  bool graph_enabled = false;
  bool operator==(const collection_config&) const = default;
};

/// What a tenant may have; absent = unlimited. An entry carries it, so that every replica decides alike.
struct quota_limits {
  std::optional<std::uint64_t> collections;
  std::optional<std::uint64_t> points;
  std::optional<std::uint64_t> bytes;
  std::optional<std::uint64_t> requests_per_month;  ///< refused at the door, not in apply
  std::int64_t said_ms = 0;     ///< when HiveHub said so; 0: it never did
  std::int64_t expires_ms = 0;  ///< how long its word holds; 0: it did not say
  bool no_growth = false;       ///< its word is too old to grow on
  bool operator==(const quota_limits&) const = default;
};

struct create_collection_op {
  collection_config config;
};
struct update_collection_op {
  std::optional<std::string> description;
  std::optional<std::uint32_t> ef_search;
  std::optional<std::uint32_t> replication_factor;
};
struct delete_collection_op {
  bool only_empty = false;  ///< refuse (conflict) while it holds a point
};
struct rename_collection_op {
  std::string new_name;
};
/// Inserts, or overwrites what has the same id.
struct upsert_points_op {
  std::vector<point> points;
};
/// Replaces every chunk `<parent>#<n>` and the unchunked point `<parent>` by `points`.
struct replace_text_op {
  std::string parent;
  std::vector<point> points;
};
/// Deletes ids. With `only_versions` (same length) an id is deleted only while it still has that version.
struct delete_points_op {
  std::vector<std::string> ids;
  std::vector<seq_no> only_versions;
};
/// Replaces the given parts of one point; absent parts stay.
struct update_point_op {
  std::string id;
  std::optional<std::vector<float>> vector;
  std::optional<std::string> payload;
  std::optional<std::uint64_t> if_version;
};
/// RFC 7396 merge patch of the payloads of the listed points, each only while it still has that version.
struct patch_payloads_op {
  std::vector<std::string> ids;
  std::vector<seq_no> only_versions;
  std::string patch;
};
/// Copies points by id from another collection of the same owner into the entry's; `remove` makes it a move.
struct copy_points_op {
  collection_id source;
  shard_id source_shard;
  std::vector<std::string> ids;
  bool remove = false;
};
/// Keeps the whole shard's points under a name, or brings them back.
struct create_snapshot_op {
  std::string snapshot;
};
struct restore_snapshot_op {
  std::string snapshot;
};
/// Records of the node itself (who may come in, not data of a tenant): the entry's owner is nil and its collection 0, and
/// it holds no other operations. With `if_version` the record is written only while it has that version; 0: while it
/// does not exist.
struct put_record_op {
  std::string space;
  std::string key;
  std::string value;
  std::optional<std::uint64_t> if_version;
};
struct erase_record_op {
  std::string space;
  std::string key;
};

/// What was read: counted where it happens, written down for many tenants at once. The entry has no owner.
struct count_reads_op {
  struct line {
    tenant_id tenant;
    std::uint64_t searches = 0;
    std::uint64_t requests = 0;
    std::uint64_t cpu_us = 0;
    std::uint64_t bytes_in = 0;   ///< of bodies
    std::uint64_t bytes_out = 0;  ///< likewise
  };
  std::vector<line> lines;
};
/// The owner's usage up to here becomes one report, unless another one is on its way.
struct begin_report_op {};
/// The report up to this position of the ledger has arrived.
struct end_report_op {
  std::uint64_t position = 0;
};

/// Everything of the owner goes but its account, which goes on counting: collection ids and ledger positions never come back.
struct erase_tenant_op {};

using operation = std::variant<create_collection_op, update_collection_op, delete_collection_op, rename_collection_op,
                               upsert_points_op, replace_text_op, delete_points_op, update_point_op, patch_payloads_op,
                               copy_points_op, create_snapshot_op, restore_snapshot_op, put_record_op, erase_record_op,
                               count_reads_op, begin_report_op, end_report_op, erase_tenant_op>;

struct shard_ops {
  shard_id shard;
  std::vector<operation> ops;
};

/// One request: it happens whole or not at all.
struct log_entry {
  tenant_id owner;
  collection_id collection;  ///< 0 when not about one
  request_id request;               ///< nil = not retried by id
  std::uint64_t fingerprint = 0;    ///< hash of the client's request: a reused id with another body is a conflict
  std::int64_t time_ms = 0;  ///< the proposer's wall clock: apply never reads one
  quota_limits limits;       ///< the owner's; what grows beyond is refused
  std::vector<shard_ops> parts;
};

}  // namespace waggle
