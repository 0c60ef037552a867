// Collections: list, create, read, change, delete, rename, snapshots (contract rest.md §3).
#include <algorithm>

#include "base/limits.hpp"
#include "actors/data/collection_state.hpp"
#include "base/uuid.hpp"
#include "net/rest/collection_request.hpp"
#include "net/rest/growth.hpp"
#include "net/rest/handlers.hpp"
#include "net/rest/shapes.hpp"
#include "net/rest/write_support.hpp"

namespace waggle::rest {
answer list_collections(handler_context& c) {
  auto limit = query_number(c.http(), "limit", limits::list_page_items_max * 100, 1);
  auto offset = query_number(c.http(), "offset", 0);
  if (!limit) co_return limit.error();
  if (!offset) co_return offset.error();
  auto list = co_await c.db.list(c.scope);
  if (!list) co_return list.error();
  std::string out;
  json_writer w(out);
  w.begin_object().key("collections").begin_array();
  const auto first = std::min<std::size_t>(*offset, list->size());
  const auto last = first + std::min<std::size_t>(*limit, list->size() - first);
  for (auto i = first; i < last; ++i) write_collection(w, (*list)[i]);
  w.end_array().member("total_collections", list->size()).member("total", list->size()).end_object();
  co_return json_response(std::move(out));
}

answer create_collection_route(handler_context& c) {
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  const name_reduction reduce = [&c](std::string_view name) { return c.scope.bare_name(name); };
  auto config = read_config(body->root(), c.config.collections, reduce);
  if (!config) co_return config.error();
  if (auto known = c.db.providers().check(config->embedding_provider, config->dimension); !known)
    co_return known.error();
  auto made = co_await make_collection(c, std::move(*config));
  if (!made) co_return made.error();
  collection_summary summary;
  summary.record = *made->collection;
  const auto& name = summary.record.config.name;
  std::string out;
  json_writer w(out);
  w.begin_object();
  write_collection_members(w, summary);
  w.member("message", "Collection '" + name + "' created").member("collection", name).end_object();
  co_return json_response(std::move(out));
}

answer get_collection_info(handler_context& c) {
  auto reader = co_await c.db.open(c.scope, c.scope.path_value(0), false);
  if (!reader) co_return reader.error();
  auto work = c.db.read_disk(c.scope, [r = *reader] { return r->summary(); });
  auto summary = co_await std::move(work);
  if (!summary) co_return summary.error();
  std::string out;
  json_writer w(out);
  w.begin_object();
  write_collection_members(w, *summary);
  w.key("vector_count_history").begin_array();
  for (const auto& [at, count] : (*reader)->history())
    w.begin_object().member("at", format_rfc3339(at)).member("count", count).end_object();
  w.end_array().end_object();
  co_return json_response(std::move(out));
}

answer update_collection(handler_context& c) {
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  auto reader = co_await c.db.open(c.scope, c.scope.path_value(0), false);
  if (!reader) co_return reader.error();
  const auto& config = (*reader)->record().config;
  decoder fields(body->root());
  update_collection_op op;
  op.description = fields.optional_text({"description"});
  if (const auto rf = fields.optional_integer({"replication_factor"}, 1, 16))
    op.replication_factor = static_cast<std::uint32_t>(*rf);
  if (const auto hnsw = fields.object({"hnsw"}); hnsw.present()) {
    decoder h(hnsw);
    if (const auto ef = h.optional_integer({"ef_search"}, 1, limits::ef_search_max))
      op.ef_search = static_cast<std::uint32_t>(*ef);
    if (h.failed()) fields.refuse(h.fault());
  }
  if (const auto dimension = fields.optional_integer({"dimension"}); dimension && *dimension != config.dimension)
    fields.refuse("dimension", "can't be changed");
  if (const auto metric = fields.optional_text({"metric", "similarity_metric"}))
    if (parse_metric(*metric) != config.measure) fields.refuse("metric", "can't be changed");
  if (fields.failed()) co_return fields.fault();
  auto wanted = command_of(c, std::move(op));
  auto done = co_await c.db.write(c.scope, config.name, std::move(wanted));
  if (!done) co_return done.error();
  auto work = c.db.read_disk(c.scope, [r = *reader] { return r->summary(); });
  auto summary = co_await std::move(work);
  if (!summary) co_return summary.error();
  if (done->collection) summary->record = *done->collection;
  std::string out;
  json_writer w(out);
  write_collection(w, *summary);
  co_return json_response(std::move(out));
}

answer delete_collection(handler_context& c) {
  const auto name = c.scope.path_value(0);
  const delete_collection_op op;
  auto wanted = command_of(c, op);
  auto done = co_await c.db.write(c.scope, name, std::move(wanted));
  if (!done) co_return done.error();
  std::string out;
  json_writer w(out);
  w.begin_object().member("message", "Collection '" + name + "' deleted").member("success", true);
  w.member("vectors_deleted", done->deleted).member("bytes_freed", done->bytes_freed).end_object();
  co_return json_response(std::move(out));
}

answer flush_collection(handler_context& c) {
  auto flushed = co_await c.db.flush(c.scope, c.scope.path_value(0));
  if (!flushed) co_return flushed.error();
  std::string out;
  const std::string_view message = *flushed ? "Collection is in segment files" : "Segment files are still being built";
  json_writer(out).begin_object().member("success", true).member("message", message).member("flushed", *flushed)
      .end_object();
  co_return json_response(std::move(out));
}

namespace {
std::vector<std::string> empty_names(const std::vector<collection_summary>& list) {
  std::vector<std::string> names;
  for (const auto& c : list)
    if (c.counters.points == 0) names.push_back(c.record.config.name);
  return names;
}
void write_names(json_writer& w, const std::vector<std::string>& names) {
  w.key("collections").begin_array();
  for (const auto& name : names) w.value(name);
  w.end_array();
}
}  // namespace

answer list_empty_collections(handler_context& c) {
  auto list = co_await c.db.list(c.scope);
  if (!list) co_return list.error();
  const auto names = empty_names(*list);
  std::string out;
  json_writer w(out);
  w.begin_object();
  write_names(w, names);
  w.member("count", names.size()).member("total", list->size()).end_object();
  co_return json_response(std::move(out));
}

answer cleanup_empty_collections(handler_context& c) {
  const auto dry = c.http().parameter("dry_run").value_or("false");
  if (dry != "true" && dry != "false") co_return failure::validation("dry_run", "must be true or false");
  auto list = co_await c.db.list(c.scope);
  if (!list) co_return list.error();
  std::vector<std::string> removed;
  delete_collection_op only_empty;
  only_empty.only_empty = true;
  for (const auto& name : empty_names(*list)) {
    if (dry == "false") {
      auto wanted = command_of(c, only_empty);
      // One request, one key per collection.
      if (!wanted->request_key.empty()) wanted->request_key += "\n" + name;
      auto done = co_await c.db.write(c.scope, name, std::move(wanted));
      // Someone filled or deleted it since the listing: not empty, not ours to remove.
      if (!done) continue;
    }
    removed.push_back(name);
  }
  std::string out;
  json_writer w(out);
  w.begin_object().member("success", true).member("status", "ok");
  w.member("message", std::to_string(removed.size()) + " empty collections " +
                          (dry == "true" ? "would be removed" : "removed"));
  w.member("deleted_count", dry == "true" ? 0 : removed.size()).member("removed", removed.size());
  write_names(w, removed);
  w.member("dry_run", dry == "true").end_object();
  co_return json_response(std::move(out));
}

answer rename_collection(handler_context& c) {
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  decoder fields(body->root());
  const auto text = fields.text({"new_name"});
  if (fields.failed()) co_return fields.fault();
  auto name = collection_name::parse(c.scope.bare_name(text), "new_name");
  if (!name) co_return name.error();
  const auto old_name = c.scope.path_value(0);
  rename_collection_op op;
  op.new_name = name->str();
  auto wanted = command_of(c, std::move(op));
  auto done = co_await c.db.write(c.scope, old_name, std::move(wanted));
  if (!done) co_return done.error();
  std::string out;
  json_writer(out).begin_object().member("old_name", old_name).member("new_name", name->str())
      .member("alias_retained", false).member("status", "renamed").end_object();
  co_return json_response(std::move(out));
}

namespace {
void write_snapshot(json_writer& w, const snapshot_record& s, std::string_view collection) {
  w.begin_object().member("id", s.id).member("collection", collection);
  w.member("created_at", format_rfc3339(s.created_ms)).member("size_bytes", s.bytes);
  w.member("points", s.points).member("status", "completed").end_object();
}
}  // namespace

answer create_snapshot(handler_context& c) {
  const auto name = c.scope.path_value(0);
  // A retried request names its snapshot again.
  const auto key = c.scope.request_key();
  const auto id = key.empty() ? new_uuid_v7() : format_uuid(request_id_of(c.scope.who().tenant(), key).bytes);
  create_snapshot_op op;
  op.snapshot = id;
  auto wanted = command_of(c, std::move(op));
  auto done = co_await c.db.write(c.scope, name, std::move(wanted));
  if (!done) co_return done.error();
  auto reader = co_await c.db.open(c.scope, name, false);
  if (!reader) co_return reader.error();
  auto work = c.db.read_disk(c.scope, [r = *reader] { return r->snapshots(); });
  auto list = co_await std::move(work);
  if (!list) co_return list.error();
  const snapshot_record* made = nullptr;
  for (const auto& s : *list)
    if (s.id == id) made = &s;
  // Snapshots go with their collection only: it was deleted since.
  if (!made) co_return failure(ec::collection_not_found, "Collection '" + name + "' not found");
  std::string out;
  json_writer w(out);
  write_snapshot(w, *made, name);
  co_return json_response(std::move(out));
}

answer list_snapshots(handler_context& c) {
  auto reader = co_await c.db.open(c.scope, c.scope.path_value(0), false);
  if (!reader) co_return reader.error();
  auto work = c.db.read_disk(c.scope, [r = *reader] { return r->snapshots(); });
  auto list = co_await std::move(work);
  if (!list) co_return list.error();
  const auto& name = (*reader)->record().config.name;
  std::string out;
  json_writer w(out);
  w.begin_object().member("collection", name).key("snapshots").begin_array();
  for (const auto& s : *list) write_snapshot(w, s, name);
  w.end_array().member("total", list->size()).end_object();
  co_return json_response(std::move(out));
}

answer restore_snapshot(handler_context& c) {
  const auto name = c.scope.path_value(0), id = c.scope.path_value(1);
  restore_snapshot_op op;
  op.snapshot = id;
  auto wanted = command_of(c, std::move(op));
  auto done = co_await c.db.write(c.scope, name, std::move(wanted));
  if (!done) co_return done.error();
  std::string out;
  json_writer(out).begin_object().member("collection", name).member("snapshot_id", id).member("status", "restored")
      .end_object();
  co_return json_response(std::move(out));
}

}  // namespace waggle::rest
