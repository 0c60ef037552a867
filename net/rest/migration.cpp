// A standalone node's collections become tenants' (contract tenancy.md §8). What works, and how, is net/tenants/tenant_migration.

#include <algorithm>

#include "base/text_out.hpp"
#include "net/http/types.hpp"
#include "net/rest/handlers.hpp"
#include "net/rest/tenant_services.hpp"
#include "net/rest/usage_shapes.hpp"

namespace waggle::rest {
namespace {

void write_move(json_writer& w, const collection_move& m) {
  w.begin_object().member("original_name", m.name).member("new_name", canonical_name(m.owner, m.name));
  w.member("owner_id", to_string(m.owner)).member("status", name_of(m.status)).key("error");
  if (m.error.empty())
    w.null();
  else
    w.value(m.error);
  w.member("vector_count", m.points).member("snapshots_left_behind", m.snapshots);
  write_moment(w, "migrated_at", m.migrated_ms);
  w.member("source_deleted", m.source_deleted).end_object();
}

void write_moves(json_writer& w, std::string_view name, const migration_plan& plan) {
  w.key(name).begin_array();
  for (const auto& move : plan.moves) write_move(w, move);
  w.end_array();
}

void write_progress(json_writer& w, const migration_plan& plan) {
  const auto count = [&plan](move_status status) {
    return std::count_if(plan.moves.begin(), plan.moves.end(), [status](const auto& m) { return m.status == status; });
  };
  w.member("phase", name_of(plan.phase)).member("total", plan.moves.size()).member("succeeded", count(move_status::completed));
  w.member("failed", count(move_status::failed)).member("skipped", count(move_status::skipped));
  write_moment(w, "started_at", plan.started_ms);
  write_moment(w, "completed_at", plan.completed_ms);
}

http_response plan_answer(const migration_plan& plan) {
  std::string out;
  json_writer w(out);
  w.begin_object().member("id", plan.id);
  write_moment(w, "created_at", plan.created_ms);
  write_moves(w, "collections", plan);
  // The sources stay as they are until the plan is finished: nothing else has to be restored.
  w.member("default_owner", to_string(plan.default_owner)).member("backup_id", plan.id).member("dry_run", plan.dry_run);
  write_progress(w, plan);
  w.end_object();
  return json_response(std::move(out));
}

/// 202 while it goes on.
result<http_response> job_answer(const result<migration_plan>& plan) {
  if (!plan) return plan.error();
  std::string out;
  json_writer w(out);
  w.begin_object().member("plan_id", plan->id);
  write_progress(w, *plan);
  write_moves(w, "details", *plan);
  w.end_object();
  return json_response(std::move(out), is_at_work(plan->phase) ? 202 : 200);
}

/// The plan that the body names.
result<std::string> read_plan_id(handler_context& c) {
  if (!c.config.cluster.enabled) return failure(ec::cluster_mode_disabled);
  auto body = body_json::parse(c.http());
  if (!body) return body.error();
  decoder d(body->root());
  auto id = d.text({"plan_id"});
  if (d.failed()) return d.fault();
  return id;
}

using job = tenant_migration::reply<migration_plan> (tenant_migration::*)(std::string id, int deadline_ms);

answer run_job(handler_context& c, job run) {
  auto id = read_plan_id(c);
  if (!id) co_return id.error();
  const auto plan = co_await (c.tenants.migration.*run)(std::move(*id), c.scope.deadline_ms() / 2);
  co_return job_answer(plan);
}

result<std::map<std::string, tenant_id>> read_owners(decoder& d) {
  std::map<std::string, tenant_id> owners;
  const auto given = d.object({"map"});
  if (d.failed() || !given.present()) return owners;
  for (const auto [name, value] : given.as_object()) {
    const json_value owner(value);
    if (!owner.is_string()) return failure::validation("map", "must be an object of names and owners");
    const auto tenant = read_tenant_id(owner.as_string());
    if (!tenant) return tenant.error();
    owners.insert_or_assign(std::string(name), *tenant);
  }
  return owners;
}

}  // namespace

answer migration_scan(handler_context& c) {
  if (!c.config.cluster.enabled) co_return failure(ec::cluster_mode_disabled);
  const auto all = co_await c.tenants.migration.scan();
  if (!all) co_return all.error();
  std::string out;
  json_writer w(out);
  w.begin_object().key("collections").begin_array();
  for (const auto& [record, points, bytes, snapshots] : all->collections) {
    w.begin_object().member("name", record.config.name).member("dimension", record.config.dimension);
    w.member("shard_count", record.config.shard_count).member("vector_count", points).member("storage_bytes", bytes);
    w.member("snapshots", snapshots).end_object();
  }
  w.end_array().member("total", all->collections.size()).key("plan_id");
  if (all->plan)
    w.value(all->plan->id).member("phase", name_of(all->plan->phase));
  else
    w.null().key("phase").null();
  w.end_object();
  co_return json_response(std::move(out));
}

answer migration_make_plan(handler_context& c) {
  if (!c.config.cluster.enabled) co_return failure(ec::cluster_mode_disabled);
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  decoder d(body->root());
  const auto text = d.text({"default_owner"});
  tenant_migration::wish wish;
  wish.dry_run = d.boolean({"dry_run"}, false);
  auto owners = read_owners(d);
  if (d.failed()) co_return d.fault();
  if (!owners) co_return owners.error();
  wish.owners = std::move(*owners);
  const auto owner = read_tenant_id(text);
  if (!owner) co_return owner.error();
  wish.default_owner = *owner;
  const auto plan = co_await c.tenants.migration.plan(std::move(wish));
  if (!plan) co_return plan.error();
  co_return plan_answer(*plan);
}

answer migration_execute(handler_context& c) { return run_job(c, &tenant_migration::execute); }
answer migration_rollback(handler_context& c) { return run_job(c, &tenant_migration::rollback); }
answer migration_finish(handler_context& c) { return run_job(c, &tenant_migration::finish); }

answer migration_status(handler_context& c) {
  if (!c.config.cluster.enabled) co_return failure(ec::cluster_mode_disabled);
  auto id = c.scope.path_value(0);
  const auto plan = co_await c.tenants.migration.find(std::move(id));
  if (!plan) co_return plan.error();
  co_return plan_answer(*plan);
}

}  // namespace waggle::rest
