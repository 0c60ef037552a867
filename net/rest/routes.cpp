#include "net/rest/routes.hpp"

#include <algorithm>
#include <unordered_map>

#include "net/rest/handlers.hpp"

namespace waggle::rest {
namespace {

// clang-format off
constexpr route table[] = {
    // health and server
    {"GET", "/", 'P', "server_info", server_info, "Name, version and protocols", ""},
    {"GET", "/health", 'P', "health", health, "Health of the node", ""},
    {"GET", "/healthz", 'P', "health", liveness, "The process answers", ""},
    {"GET", "/livez", 'P', "health", liveness, "The process answers", ""},
    {"GET", "/readyz", 'P', "health", readiness, "Recovered and able to write", ""},
    {"GET", "/status", 'A', "server_status", server_status, "Uptime and collection count", ""},
    {"GET", "/stats", 'R', "get_database_stats", get_database_stats, "Totals and all collections", ""},
    {"GET", "/openapi.json", 'P', "openapi", openapi_document, "This document", ""},
    {"GET", "/docs", 'P', "openapi", docs_page, "The document as a page", ""},
    {"GET", "/metrics", 'P', "metrics", metrics_text, "Prometheus metrics", ""},
    {"GET", "/prometheus/metrics", 'P', "metrics", metrics_text, "Prometheus metrics", ""},
    {"GET", "/indexing/progress", 'R', "indexing_progress", indexing_progress, "Which collections are being indexed", ""},
    {"GET", "/logs", 'O', "admin.logs", not_implemented, "Recent log lines", ""},
    {"GET", "/metrics/runtime", 'O', "admin.runtime", not_implemented, "Runtime figures", ""},
    {"GET", "/slow_queries", 'T', "slow_queries", not_implemented, "Slow queries", ""},
    {"POST", "/slow_queries/config", 'T', "slow_queries", not_implemented, "Slow query threshold", ""},
    // collections
    {"GET", "/collections", 'R', "list_collections", list_collections, "All collections by name", ""},
    {"POST", "/collections", 'C', "create_collection", create_collection_route, "Create a collection",
     R"({"name":"docs","dimension":4,"metric":"cosine"})"},
    {"GET", "/collections/empty", 'R', "list_empty_collections", list_empty_collections, "Collections without points", ""},
    {"DELETE", "/collections/cleanup", 'C', "cleanup_empty_collections", cleanup_empty_collections, "Remove empty collections", ""},
    {"GET", "/collections/{name}", 'R', "get_collection_info", get_collection_info, "One collection", ""},
    {"PUT", "/collections/{name}", 'C', "update_collection", update_collection, "Change description, ef_search",
     R"({"description":"my documents","hnsw":{"ef_search":128}})"},
    {"PATCH", "/collections/{name}", 'O', "tenant.set_owner", not_implemented, "Change the owner", ""},
    {"DELETE", "/collections/{name}", 'C', "delete_collection", delete_collection, "Delete a collection and its points", ""},
    {"POST", "/collections/{name}/force-save", 'W', "flush_collection", flush_collection, "Seal what is in memory", ""},
    {"POST", "/collections/{name}/rename", 'C', "rename_collection", rename_collection, "Rename a collection",
     R"({"new_name":"papers"})"},
    {"POST", "/collections/{name}/snapshot", 'C', "create_snapshot", create_snapshot, "Keep the points under a snapshot id", ""},
    {"GET", "/collections/{name}/snapshots", 'R', "list_snapshots", list_snapshots, "Snapshots of a collection", ""},
    {"POST", "/collections/{name}/snapshots/{id}/restore", 'C', "restore_snapshot", restore_snapshot, "Bring a snapshot back", ""},
    {"POST", "/collections/{name}/reindex", 'C', "reindex_collection", not_implemented, "Rebuild with other parameters", ""},
    {"POST", "/collections/{name}/reencode", 'C', "reencode_collection", not_implemented, "Change the encoding", ""},
    {"POST", "/collections/{name}/ttl", 'C', "set_collection_ttl", not_implemented, "Expire points by age", ""},
    // insert
    {"POST", "/insert", 'W', "insert_text", insert_text, "Insert one text",
     R"({"collection":"docs","text":"Honeybees dance to tell the hive where the flowers are."})"},
    {"POST", "/insert_texts", 'W', "batch_insert_texts", batch_insert_texts, "Insert many texts",
     R"({"collection":"docs","texts":[{"id":"t1","text":"one"},{"id":"t2","text":"two"}]})"},
    {"POST", "/batch_insert", 'W', "batch_insert_texts", batch_insert_texts, "Insert many texts",
     R"({"collection":"docs","texts":[{"text":"three"}]})"},
    {"POST", "/insert_vectors", 'W', "insert_vectors", insert_vectors, "Insert vectors",
     R"({"collection":"docs","vectors":[{"id":"v1","embedding":[0.1,0.2,0.3,0.4],"payload":{"kind":"a"}}]})"},
    {"POST", "/collections/{name}/vectors", 'W', "insert_vectors", insert_vectors_into, "Insert vectors",
     R"({"vectors":[{"id":"v2","vector":[0.4,0.3,0.2,0.1]}]})"},
    {"POST", "/collections/{name}/points", 'W', "insert_vectors", upsert_points, "Upsert points (Qdrant body)",
     R"({"points":[{"id":1,"vector":[0.9,0.1,0.1,0.1],"payload":{"kind":"b"}}]})"},
    {"PUT", "/collections/{name}/points", 'W', "insert_vectors", upsert_points, "Upsert points (Qdrant body)",
     R"({"points":[{"id":2,"vector":[0.1,0.9,0.1,0.1]}]})"},
    // vectors
    {"GET", "/collections/{name}/vectors", 'R', "list_vectors", list_vectors, "Page through the points by id", ""},
    {"GET", "/collections/{name}/vectors/{id}", 'R', "get_vector", get_vector, "One point", ""},
    {"PUT", "/collections/{name}/vectors/{id}", 'W', "update_vector", update_vector, "Replace parts of a point",
     R"({"payload":{"kind":"c"}})"},
    {"DELETE", "/collections/{name}/vectors/{id}", 'D', "delete_vector", delete_vector, "Delete one point", ""},
    {"PATCH", "/collections/{name}/vectors/{id}/expiry", 'W', "set_vector_expiry", not_implemented, "Expire one point", ""},
    {"POST", "/collections/{name}/vectors/move", 'D', "move_vectors", move_vectors, "Move points to another collection",
     R"({"destination":"archive","ids":["v1"]})"},
    {"POST", "/collections/{name}/vectors/copy", 'W', "copy_vectors", copy_vectors, "Copy points to another collection",
     R"({"destination":"archive","ids":["v1"]})"},
    {"POST", "/collections/{name}/vectors/delete_by_filter", 'D', "delete_by_filter", delete_by_filter,
     "Delete what a filter matches", R"({"filter":{"must":[{"key":"kind","match":{"value":"a"}}]}})"},
    {"POST", "/collections/{name}/vectors/bulk_update_metadata", 'W', "bulk_update_metadata", bulk_update_metadata,
     "Merge a patch into what a filter matches",
     R"({"filter":{"must":[{"key":"kind","match":{"value":"a"}}]},"patch":{"seen":true}})"},
    {"POST", "/vector", 'R', "get_vector", get_vector_by_body, "One point", R"({"collection":"docs","id":"v1"})"},
    {"POST", "/update", 'W', "update_vector", update_vector_by_body, "Replace parts of a point",
     R"({"collection":"docs","id":"v1","payload":{"kind":"d"}})"},
    {"POST", "/delete", 'D', "delete_vector", delete_vector_by_body, "Delete one point", R"({"collection":"docs","id":"v1"})"},
    {"POST", "/batch_update", 'W', "batch_update", batch_update, "Replace parts of many points",
     R"({"collection":"docs","updates":[{"id":"v1","payload":{"kind":"e"}}]})"},
    {"POST", "/batch_delete", 'D', "batch_delete", batch_delete, "Delete many points", R"({"collection":"docs","ids":["v1","v2"]})"},
    {"POST", "/embed", 'R', "embed_text", embed_text, "Embed a text", R"({"text":"waggle dance"})"},
    // search
    {"POST", "/search", 'R', "search", search, "Nearest points to a vector",
     R"({"collection":"docs","vector":[0.1,0.2,0.3,0.4],"limit":3})"},
    {"POST", "/collections/{name}/search", 'R', "search", search_in, "Nearest points to a vector",
     R"({"vector":[0.1,0.2,0.3,0.4],"limit":3})"},
    {"POST", "/collections/{name}/search/text", 'R', "search_semantic", search_text, "Points by the words of their text",
     R"({"query":"honeybee dance","limit":3})"},
    {"POST", "/collections/{name}/hybrid_search", 'R', "search_hybrid", search_hybrid, "Vector and words together",
     R"({"query":"honeybee dance","limit":3})"},
    {"POST", "/collections/{name}/search/file", 'R', "search_by_file", not_implemented, "Points like those of a file", ""},
    {"POST", "/collections/{name}/explain", 'R', "explain_search", explain_search, "A search and what it cost",
     R"({"vector":[0.1,0.2,0.3,0.4],"k":3})"},
    {"POST", "/batch_search", 'R', "batch_search", batch_search, "Many searches of one collection",
     R"({"collection":"docs","queries":[{"query":"dance"},{"vector":[0.1,0.2,0.3,0.4]}]})"},
    {"POST", "/multi_collection_search", 'R', "multi_collection_search", multi_collection_search,
     "One text over several collections", R"({"query":"dance","collections":["docs"]})"},
    {"POST", "/intelligent_search", 'R', "search_intelligent", intelligent_search,
     "One text over own collections, expanded and diversified", R"({"query":"honeybee dance"})"},
    {"POST", "/semantic_search", 'R', "search_semantic", semantic_search, "One text over one collection",
     R"({"query":"dance","collection":"docs"})"},
    {"POST", "/contextual_search", 'R', "contextual_search", contextual_search, "One text, preferring a context",
     R"({"query":"dance","collection":"docs","context_filters":{"kind":"a"}})"},
    // local identity
    {"POST", "/auth/login", 'P', "auth.login", auth_login, "A token for a user name and password", ""},
    {"GET", "/auth/me", 'A', "auth.me", auth_me, "Who the credential is", ""},
    {"POST", "/auth/logout", 'A', "auth.logout", auth_logout, "Revoke the token that is shown", ""},
    {"POST", "/auth/refresh", 'A', "auth.refresh", auth_refresh, "A new token for the one that is shown", ""},
    {"POST", "/auth/introspect", 'A', "auth.introspect", auth_introspect, "Whether a token of one's own is active", ""},
    {"POST", "/auth/validate-password", 'A', "auth.validate_password", auth_validate_password, "Whether a password may be used", ""},
    {"POST", "/auth/keys", 'T', "auth.keys.create", auth_create_key, "Make an API key", ""},
    {"GET", "/auth/keys", 'T', "auth.keys.list", auth_list_keys, "API keys, without their secrets", ""},
    {"GET", "/auth/keys/{id}/usage", 'T', "auth.keys.list", auth_key_usage, "Uses of an API key by day", ""},
    {"PUT", "/auth/keys/{id}/permissions", 'T', "auth.keys.update", auth_change_key, "Change what an API key may do", ""},
    {"DELETE", "/auth/keys/{id}", 'T', "auth.keys.revoke", auth_revoke_key, "Revoke an API key, at once", ""},
    {"POST", "/auth/keys/{id}/rotate", 'T', "auth.keys.rotate", auth_rotate_key, "Replace an API key", ""},
    {"POST", "/auth/users", 'O', "auth.users.create", auth_create_user, "Make a user", ""},
    {"GET", "/auth/users", 'O', "auth.users.list", auth_list_users, "All users", ""},
    {"DELETE", "/auth/users/{name}", 'O', "auth.users.delete", auth_delete_user, "Delete a user", ""},
    {"PUT", "/auth/users/{name}/password", 'A', "auth.users.password", auth_set_password, "Change one's own password, or as operator any", ""},
    {"GET", "/auth/audit", 'T', "audit.read", read_audit, "What was done, newest first", ""},
    // HiveHub
    {"GET", "/hub/backups", 'R', "backup.list", not_implemented, "Backups of a user", ""},
    {"POST", "/hub/backups", 'W', "backup.create", not_implemented, "Make a backup", ""},
    {"GET", "/hub/backups/{id}", 'R', "backup.get", not_implemented, "One backup", ""},
    {"DELETE", "/hub/backups/{id}", 'C', "backup.delete", not_implemented, "Delete a backup", ""},
    {"GET", "/hub/backups/{id}/download", 'R', "backup.download", not_implemented, "A backup as a file", ""},
    {"POST", "/hub/backups/{id}/verify", 'R', "backup.verify", not_implemented, "Check a backup against its checksum", ""},
    {"POST", "/hub/backups/restore", 'C', "backup.restore", not_implemented, "Restore a backup", ""},
    {"POST", "/hub/backups/upload", 'C', "backup.upload", not_implemented, "Bring a backup in", ""},
    {"GET", "/hub/usage/statistics", 'R', "usage.statistics", usage_statistics, "Usage of a user", ""},
    {"GET", "/hub/usage/quota", 'R', "usage.quota", usage_quota, "Quota of a user", ""},
    {"POST", "/hub/validate-key", 'P', "keys.validate_self", validate_own_key, "What a key may do", ""},
    {"POST", "/hub/events", 'O', "hub.events", hub_events_route, "News from HiveHub", ""},
    {"POST", "/hub/tenant/cleanup", 'O', "tenant.cleanup", tenant_cleanup, "Delete a tenant", ""},
    {"GET", "/hub/tenant/{id}/stats", 'R', "tenant.stats", tenant_stats, "Figures of a tenant", ""},
    {"POST", "/hub/tenant/{id}/migrate", 'O', "tenant.migrate", needs_cluster_mode, "Move a tenant", ""},
    {"POST", "/hub/tenant/{id}/suspend", 'O', "tenant.lifecycle", tenant_suspend, "Suspend a tenant", ""},
    {"POST", "/hub/tenant/{id}/resume", 'O', "tenant.lifecycle", tenant_resume, "Resume a tenant", ""},
    {"POST", "/hub/tenant/{id}/hibernate", 'O', "tenant.lifecycle", tenant_hibernate, "Hibernate a tenant", ""},
    {"POST", "/hub/tenant/{id}/wake", 'O', "tenant.lifecycle", tenant_wake, "Wake a tenant", ""},
    {"PUT", "/hub/tenant/{id}/quota", 'O', "tenant.quota", tenant_set_quota, "Set limits of a tenant", ""},
    {"GET", "/hub/tenant/{id}/ip_lists", 'O', "tenant.ip_lists", tenant_addresses, "From where a tenant's clients may come", ""},
    {"PUT", "/hub/tenant/{id}/ip_lists", 'O', "tenant.ip_lists", set_tenant_addresses, "Set from where they may come", ""},
    {"GET", "/hub/migration", 'O', "tenant.migration", migration_scan, "Collections that are nobody's", ""},
    {"POST", "/hub/migration/plan", 'O', "tenant.migration", migration_make_plan, "Plan who gets them", ""},
    {"POST", "/hub/migration/execute", 'O', "tenant.migration", migration_execute, "Give them to tenants", ""},
    {"POST", "/hub/migration/rollback", 'O', "tenant.migration", migration_rollback, "Take the copies away", ""},
    {"POST", "/hub/migration/finish", 'O', "tenant.migration", migration_finish, "Delete what was given to tenants", ""},
    {"GET", "/hub/migration/{plan_id}", 'O', "tenant.migration", migration_status, "How far a migration is", ""},
    // cluster mode
    {"GET", "/cluster/health", 'O', "cluster.health", cluster_health, "Health of the cluster", ""},
    {"GET", "/cluster/tenants", 'O', "cluster.tenants", cluster_tenants, "All tenants", ""},
    {"GET", "/cluster/usage", 'R', "cluster.usage", cluster_usage, "Usage of a tenant", ""},
    {"POST", "/cluster/keys/validate", 'A', "keys.validate", validate_key, "Whether a key is valid",
     R"({"api_key":"hh_live_00000000000000000000000000000000"})"},
    // node administration
    {"GET", "/config", 'O', "admin.config", not_implemented, "Configuration, secrets masked", ""},
    {"POST", "/config", 'O', "admin.config", not_implemented, "Change the configuration", ""},
    {"GET", "/workspace/{command}", 'O', "admin.workspace", not_implemented, "Folders to index", ""},
    {"POST", "/workspace/{command}", 'O', "admin.workspace", not_implemented, "Change the folders to index", ""},
    {"POST", "/admin/restart", 'O', "admin.restart", not_implemented, "Restart the node", ""},
    {"GET", "/backups", 'O', "admin.backups", not_implemented, "Backups of the whole node", ""},
    {"GET", "/backups/list", 'O', "admin.backups", not_implemented, "Backups of the whole node", ""},
    {"POST", "/backups/create", 'O', "admin.backups", not_implemented, "Back up the whole node", ""},
    {"POST", "/backups/restore", 'O', "admin.backups", not_implemented, "Restore the whole node", ""},
    {"GET", "/backups/directory", 'O', "admin.backups", not_implemented, "Where backups are kept", ""},
    // discovery and files
    {"POST", "/discover", 'R', "discover", not_implemented, "Answer a question from the collections", ""},
    {"POST", "/discovery/filter_collections", 'R', "filter_collections", not_implemented, "Collections by name", ""},
    {"POST", "/discovery/score_collections", 'R', "score_collections", not_implemented, "Collections by relevance", ""},
    {"POST", "/discovery/expand_queries", 'R', "expand_queries", not_implemented, "Variants of a query", ""},
    {"POST", "/discovery/broad_discovery", 'R', "broad_discovery", not_implemented, "Many queries over many collections", ""},
    {"POST", "/discovery/semantic_focus", 'R', "semantic_focus", not_implemented, "One query over one collection", ""},
    {"POST", "/discovery/promote_readme", 'R', "promote_readme", not_implemented, "README files first", ""},
    {"POST", "/discovery/compress_evidence", 'R', "compress_evidence", not_implemented, "Hits as bullets", ""},
    {"POST", "/discovery/build_answer_plan", 'R', "build_answer_plan", not_implemented, "Bullets as sections", ""},
    {"POST", "/discovery/render_llm_prompt", 'R', "render_llm_prompt", not_implemented, "Sections as a prompt", ""},
    {"POST", "/file/content", 'R', "file_content", not_implemented, "Text of a stored file", ""},
    {"POST", "/file/list", 'R', "file_list", not_implemented, "Stored files", ""},
    {"POST", "/file/summary", 'R', "file_summary", not_implemented, "Summary of a stored file", ""},
    {"POST", "/file/chunks", 'R', "file_chunks", not_implemented, "Chunks of a stored file", ""},
    {"POST", "/file/outline", 'R', "file_outline", not_implemented, "Folders of stored files", ""},
    {"POST", "/file/related", 'R', "file_related", not_implemented, "Files like a stored one", ""},
    {"POST", "/file/search_by_type", 'R', "file_search_by_type", not_implemented, "Search in files of some types", ""},
    {"POST", "/files/upload", 'W', "upload_file", not_implemented, "Insert a file", ""},
    {"GET", "/files/config", 'R', "files_config", not_implemented, "Limits of uploads", ""},
};
// clang-format on

/// Path parts of a route: a literal, or "" for a parameter.
struct pattern {
  const route* source;
  std::vector<std::string_view> parts;
};

std::vector<pattern> compile() {
  std::vector<pattern> patterns;
  for (const auto& r : table) {
    pattern p{&r, {}};
    auto rest = r.path.substr(1);
    while (!rest.empty()) {
      const auto part = rest.substr(0, rest.find('/'));
      p.parts.push_back(part.front() == '{' ? std::string_view{} : part);
      rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    }
    patterns.push_back(std::move(p));
  }
  return patterns;
}

using buckets = std::vector<std::vector<pattern>>;  // by number of parts

const buckets& compiled() {
  static const buckets by_size = [] {
    buckets b;
    for (auto& p : compile()) {
      if (b.size() <= p.parts.size()) b.resize(p.parts.size() + 1);
      b[p.parts.size()].push_back(std::move(p));
    }
    return b;
  }();
  return by_size;
}

/// -1 = no match; else the number of literal parts, so that a literal beats a parameter.
int literals_matched(const pattern& p, const std::vector<std::string>& segments) {
  int literal = 0;
  for (std::size_t i = 0; i < p.parts.size(); ++i) {
    if (p.parts[i].empty()) continue;
    if (p.parts[i] != segments[i]) return -1;
    ++literal;
  }
  return literal;
}

}  // namespace

std::span<const route> route_table() { return table; }

route_match match_route(std::string_view method, const std::vector<std::string>& segments) {
  route_match m;
  if (segments.size() >= compiled().size()) return m;
  int best = -1;
  const pattern* chosen = nullptr;
  for (const auto& p : compiled()[segments.size()]) {
    const int n = literals_matched(p, segments);
    if (n < 0) continue;
    if (p.source->method == method && n > best) {
      best = n;
      chosen = &p;
    }
    if (m.allow.find(p.source->method) == m.allow.npos) {
      if (!m.allow.empty()) m.allow += ", ";
      m.allow += p.source->method;
    }
  }
  if (!chosen) return m;
  m.found = chosen->source;
  m.allow.clear();
  for (std::size_t i = 0; i < chosen->parts.size(); ++i)
    if (chosen->parts[i].empty()) m.values.push_back(segments[i]);
  return m;
}

}  // namespace waggle::rest
