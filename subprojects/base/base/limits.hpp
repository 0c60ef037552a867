#pragma once
// Every bound of the house, with its unit in its name. Those that a config key may change are defaults here.
#include <cstddef>
#include <cstdint>

namespace waggle::limits {

// names and shapes (contract README §6)
inline constexpr std::size_t collection_name_bytes_max = 255;
inline constexpr std::size_t point_id_bytes_max = 256;
inline constexpr std::size_t dimension_max = 65536;
inline constexpr std::size_t json_depth_max = 64;

// HTTP
inline constexpr std::size_t header_bytes_max = 16 * 1024;
inline constexpr std::size_t target_bytes_max = 8 * 1024;
inline constexpr std::size_t correlation_id_bytes_max = 128;
inline constexpr std::size_t key_bytes_max = 256;  ///< of an API key
inline constexpr std::size_t body_mib_max_default = 100;
inline constexpr int request_timeout_ms_default = 30000;
inline constexpr int header_read_timeout_ms = 15000;
inline constexpr int keepalive_seconds_default = 75;
inline constexpr std::size_t connections_max_default = 10000;
inline constexpr std::size_t pipelined_requests_max = 16;

// requests
inline constexpr std::size_t search_limit_default = 10;
inline constexpr std::size_t payload_kib_max_default = 1024;
inline constexpr std::size_t batch_search_queries_max = 100;
inline constexpr std::size_t list_page_items_max = 1000;
inline constexpr std::size_t filter_conditions_max = 4096;
inline constexpr std::size_t chunk_bytes_min = 64;
inline constexpr std::size_t chunk_bytes_max = 65536;
inline constexpr std::size_t ef_search_max = 4096;

// the runtime
inline constexpr int job_turn_us_max = 5000;  ///< a search that takes longer leaves the workers
inline constexpr int ask_deadline_ms_max = 30000;
inline constexpr int idle_hibernate_seconds_default = 900;
inline constexpr std::size_t write_queue_entries_max_default = 1024;  ///< one tenant's
inline constexpr std::size_t write_queue_entries_all_max = 65536;
inline constexpr std::size_t blocking_threads_default = 4;

// local identity
inline constexpr std::size_t username_bytes_max = 64;
inline constexpr std::size_t password_bytes_max = 256;
inline constexpr int password_hashes_waiting_max = 32;
inline constexpr std::size_t local_keys_per_tenant_max = 1000;
inline constexpr std::size_t local_users_max = 10000;
inline constexpr std::size_t key_name_bytes_max = 128;
inline constexpr std::size_t key_functions_max = 256;    ///< in an allow-list
inline constexpr std::size_t key_collections_max = 256;  ///< that a key is limited to
inline constexpr std::int64_t key_lifetime_s_max = 100LL * 366 * 86400;

// the audit log
inline constexpr std::size_t audit_records_waiting_max = 65536;  ///< made, not yet on disk
inline constexpr std::size_t audit_text_bytes_max = 256;         ///< of a text that a client chose

// consensus
inline constexpr std::size_t proposal_batch_entries_max = 256;
inline constexpr std::size_t proposal_batch_bytes_max = 8u << 20;
inline constexpr std::size_t raft_log_memory_bytes_max = 64u << 20;
inline constexpr std::size_t log_entry_bytes_max = 256u << 20;
inline constexpr int group_commit_us_default = 500;
inline constexpr std::size_t dedup_window_entries = 65536;
inline constexpr int storage_full_percent = 95;
inline constexpr int storage_release_percent = 90;

// index
inline constexpr std::size_t seal_rows = 8192;           ///< a mutable segment of this many rows is sealed
inline constexpr std::size_t seal_bytes = 64u << 20;     ///< or of this many bytes
inline constexpr std::size_t graph_rows_min = 4096;      ///< smaller segments are scanned exactly
inline constexpr std::size_t segments_per_shard_max = 8; ///< more are merged

}  // namespace waggle::limits
