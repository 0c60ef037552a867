#pragma once
// Every REST handler, by the function name of the contract. The table that binds them to paths is routes.cpp.
#include "net/rest/handler.hpp"

namespace waggle::rest {

// server.cpp
answer health(handler_context& c);
answer server_info(handler_context& c);
answer server_status(handler_context& c);
answer get_database_stats(handler_context& c);
answer metrics_text(handler_context& c);
answer indexing_progress(handler_context& c);
answer liveness(handler_context& c);
answer readiness(handler_context& c);
answer openapi_document(handler_context& c);
answer docs_page(handler_context& c);

// usage.cpp
answer usage_statistics(handler_context& c);
answer usage_quota(handler_context& c);

// cluster.cpp
answer cluster_health(handler_context& c);
answer cluster_tenants(handler_context& c);
answer cluster_usage(handler_context& c);
answer tenant_stats(handler_context& c);

// tenants.cpp
answer tenant_suspend(handler_context& c);
answer tenant_resume(handler_context& c);
answer tenant_hibernate(handler_context& c);
answer tenant_wake(handler_context& c);
answer tenant_set_quota(handler_context& c);
answer tenant_cleanup(handler_context& c);
answer hub_events_route(handler_context& c);

// migration.cpp
answer migration_scan(handler_context& c);
answer migration_make_plan(handler_context& c);
answer migration_execute(handler_context& c);
answer migration_rollback(handler_context& c);
answer migration_finish(handler_context& c);
answer migration_status(handler_context& c);

// keys.cpp
answer validate_own_key(handler_context& c);
answer validate_key(handler_context& c);

// collections.cpp
answer list_collections(handler_context& c);
answer create_collection_route(handler_context& c);
answer get_collection_info(handler_context& c);
answer update_collection(handler_context& c);
answer delete_collection(handler_context& c);
answer flush_collection(handler_context& c);
answer list_empty_collections(handler_context& c);
answer cleanup_empty_collections(handler_context& c);
answer rename_collection(handler_context& c);
answer create_snapshot(handler_context& c);
answer list_snapshots(handler_context& c);
answer restore_snapshot(handler_context& c);

// insert.cpp
answer insert_text(handler_context& c);
answer batch_insert_texts(handler_context& c);
answer insert_vectors(handler_context& c);
answer insert_vectors_into(handler_context& c);
answer upsert_points(handler_context& c);

// vectors.cpp
answer list_vectors(handler_context& c);
answer get_vector(handler_context& c);
answer get_vector_by_body(handler_context& c);
answer update_vector(handler_context& c);
answer update_vector_by_body(handler_context& c);
answer delete_vector(handler_context& c);
answer delete_vector_by_body(handler_context& c);
answer batch_update(handler_context& c);
answer batch_delete(handler_context& c);
answer move_vectors(handler_context& c);
answer copy_vectors(handler_context& c);
answer delete_by_filter(handler_context& c);
answer bulk_update_metadata(handler_context& c);
answer embed_text(handler_context& c);

// search.cpp
answer search(handler_context& c);
answer search_in(handler_context& c);
answer search_text(handler_context& c);
answer search_hybrid(handler_context& c);
answer batch_search(handler_context& c);
answer explain_search(handler_context& c);

// discovery.cpp
answer multi_collection_search(handler_context& c);
answer intelligent_search(handler_context& c);
answer semantic_search(handler_context& c);
answer contextual_search(handler_context& c);

// auth_sessions.cpp
answer auth_login(handler_context& c);
answer auth_logout(handler_context& c);
answer auth_refresh(handler_context& c);
answer auth_me(handler_context& c);
answer auth_introspect(handler_context& c);
answer auth_validate_password(handler_context& c);

// audit.cpp
answer read_audit(handler_context& c);

// auth_keys.cpp
answer auth_create_key(handler_context& c);
answer auth_list_keys(handler_context& c);
answer auth_key_usage(handler_context& c);
answer auth_change_key(handler_context& c);
answer auth_rotate_key(handler_context& c);
answer auth_revoke_key(handler_context& c);

// auth_addresses.cpp
answer tenant_addresses(handler_context& c);
answer set_tenant_addresses(handler_context& c);

// auth_users.cpp
answer auth_create_user(handler_context& c);
answer auth_list_users(handler_context& c);
answer auth_delete_user(handler_context& c);
answer auth_set_password(handler_context& c);

// Routes that are not delivered yet: 501. Those of cluster mode: 404 CLUSTER_MODE_DISABLED (contract rest.md §8).
answer not_implemented(handler_context& c);
answer needs_cluster_mode(handler_context& c);

}  // namespace waggle::rest
