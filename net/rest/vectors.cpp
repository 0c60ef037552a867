// Reading, changing, moving and deleting single points and batches of them (contract rest.md §5).
#include <algorithm>
#include <map>

#include "base/limits.hpp"
#include "net/rest/growth.hpp"
#include "net/rest/handlers.hpp"
#include "net/rest/search_support.hpp"
#include "net/rest/shapes.hpp"
#include "net/rest/write_support.hpp"
#include "storage/payload/payload.hpp"

namespace waggle::rest {
namespace {

/// The point's id in the path, as a client may have written it.
result<std::string> id_in_path(const std::string& text) {
  auto id = point_id::parse(text);
  if (!id) return id.error();
  return id->str();
}

failure no_such_point(const std::string& id) {
  return failure(ec::vector_not_found, "Vector '" + id + "' not found");
}

/// Why the write of this one point was refused, if it was.
std::optional<failure> refusal_of(const write_outcome& outcome, const std::string& id) {
  auto failed = first_failure(outcome);
  if (failed && failed->code == ec::vector_not_found) return no_such_point(id);
  return failed;
}

answer read_one(handler_context& c, const std::string& name, const std::string& id) {
  auto reader = co_await c.db.open(c.scope, name, false);
  if (!reader) co_return reader.error();
  auto work = c.db.read_disk(c.scope, [r = *reader, id] { return r->get(id); });
  auto found = co_await std::move(work);
  if (!found) co_return found.error();
  if (!*found) co_return no_such_point(id);
  std::string out;
  json_writer w(out);
  write_vector(w, **found, name);
  co_return json_response(std::move(out));
}

answer delete_one(handler_context& c, const std::string& name, const std::string& id) {
  delete_points_op op;
  op.ids.push_back(id);
  auto wanted = command_of(c, std::move(op));
  auto done = co_await c.db.write(c.scope, name, std::move(wanted));
  if (!done) co_return done.error();
  if (auto failed = refusal_of(*done, id)) co_return *failed;
  std::string out;
  json_writer(out).begin_object().member("message", "Vector '" + id + "' deleted").member("success", true).end_object();
  co_return json_response(std::move(out));
}

/// The change that a body asks for: absent parts stay, `text` replaces content and vector.
boost::asio::awaitable<result<update_point_op>> read_update(handler_context& c, const collection_reader& reader,
                                                            std::string id, json_value json) {
  decoder d(json);
  update_point_op op;
  op.id = std::move(id);
  op.vector = d.optional_floats({"vector", "data", "embedding"});
  const auto payload_max = c.config.limits.payload_bytes_max;
  if (d.member({"payload", "metadata"}).present()) op.payload = d.payload({"payload", "metadata"}, payload_max);
  op.if_version = d.optional_integer({"if_version"});
  const auto text = d.optional_text({"text"});
  if (d.failed()) co_return d.fault();
  if (text) {
    std::string base = op.payload.value_or("");
    if (!op.payload) {
      auto work = c.db.read_disk(c.scope, [&reader, &op] { return reader.get(op.id); });
      auto old = co_await std::move(work);
      if (!old) co_return old.error();
      if (!*old) co_return no_such_point(op.id);
      base = (*old)->data.payload;
      // The new text goes with the payload that it was merged into.
      if (!op.if_version) op.if_version = (*old)->seq.value;
    }
    std::string patch_text = "{\"content\":";
    append_json_string(patch_text, *text);
    patch_text += '}';
    json_parser parser;
    auto patch = parser.parse(patch_text);
    if (!patch) co_return patch.error();
    auto merged = merge_set(base, *patch, payload_max);
    if (!merged) co_return merged.error();
    op.payload = std::move(*merged);
    if (!op.vector) {
      const auto& config = reader.record().config;
      std::vector<std::string> texts(1, *text);
      auto vectors = co_await c.db.embed(c.scope, config.embedding_provider, std::move(texts), config.dimension);
      if (!vectors) co_return vectors.error();
      op.vector = std::move(vectors->front());
    }
  }
  if (op.vector)
    if (auto fine = check_vector(reader.record().config, *op.vector); !fine) co_return fine.error();
  co_return op;
}

answer update_one(handler_context& c, const std::string& name, const std::string& id, json_value json) {
  auto reader = co_await c.db.open(c.scope, name, false);
  if (!reader) co_return reader.error();
  auto op = co_await read_update(c, **reader, id, json);
  if (!op) co_return op.error();
  auto wanted = command_of(c, std::move(*op));
  auto done = co_await c.db.write(c.scope, name, std::move(wanted));
  if (!done) co_return done.error();
  if (auto failed = refusal_of(*done, id)) co_return *failed;
  co_return co_await read_one(c, name, id);
}

struct named_point {
  std::string collection, id;
};
result<named_point> read_named(handler_context& c, json_value root) {
  auto name = collection_of(c, root);
  if (!name) return name.error();
  decoder d(root);
  auto id = d.id({"id", "vector_id"});
  if (!id && !d.failed()) d.refuse("id", "is required");
  if (d.failed()) return d.fault();
  return named_point{*name, id->str()};
}

}  // namespace

answer list_vectors(handler_context& c) {
  const auto asked = query_number(c.http(), "limit", 10, 1);
  const auto offset = query_number(c.http(), "offset", 0);
  if (!asked) co_return asked.error();
  if (!offset) co_return offset.error();
  const auto limit = std::min<std::uint64_t>(*asked, limits::list_page_items_max);
  constexpr std::uint64_t skipped_max = std::uint64_t{1} << 40;  // more points than a node holds
  const std::string cursor(c.http().parameter("cursor").value_or(""));
  auto reader = co_await c.db.open(c.scope, c.scope.path_value(0), false);
  if (!reader) co_return reader.error();
  auto work = c.db.read_disk(c.scope, [r = *reader, l = limit, o = std::min(*offset, skipped_max), cursor] {
    return r->list(l, o, cursor);
  });
  auto page = co_await std::move(work);
  if (!page) co_return page.error();
  const auto& name = (*reader)->record().config.name;
  std::string out;
  json_writer w(out);
  w.begin_object().key("vectors").begin_array();
  for (const auto& p : page->points) write_vector(w, p, name);
  w.end_array().member("total", page->total).member("limit", limit).member("offset", *offset);
  if (!page->next_cursor.empty()) w.member("next_cursor", page->next_cursor);
  w.member("message", std::to_string(page->points.size()) + " of " + std::to_string(page->total) + " vectors");
  w.end_object();
  co_return json_response(std::move(out));
}

answer get_vector(handler_context& c) {
  const auto id = id_in_path(c.scope.path_value(1));
  if (!id) co_return id.error();
  co_return co_await read_one(c, c.scope.path_value(0), *id);
}

answer get_vector_by_body(handler_context& c) {
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  const auto named = read_named(c, body->root());
  if (!named) co_return named.error();
  co_return co_await read_one(c, named->collection, named->id);
}

answer update_vector(handler_context& c) {
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  const auto id = id_in_path(c.scope.path_value(1));
  if (!id) co_return id.error();
  co_return co_await update_one(c, c.scope.path_value(0), *id, body->root());
}

answer update_vector_by_body(handler_context& c) {
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  const auto named = read_named(c, body->root());
  if (!named) co_return named.error();
  co_return co_await update_one(c, named->collection, named->id, body->root());
}

answer delete_vector(handler_context& c) {
  const auto id = id_in_path(c.scope.path_value(1));
  if (!id) co_return id.error();
  co_return co_await delete_one(c, c.scope.path_value(0), *id);
}

answer delete_vector_by_body(handler_context& c) {
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  const auto named = read_named(c, body->root());
  if (!named) co_return named.error();
  co_return co_await delete_one(c, named->collection, named->id);
}

answer batch_update(handler_context& c) {
  const stopwatch watch;
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  auto name = collection_of(c, body->root());
  if (!name) co_return name.error();
  decoder fields(body->root());
  const auto updates = fields.array({"updates"});
  if (fields.failed()) co_return fields.fault();
  if (auto fits = batch_fits(c, updates, "updates"); !fits) co_return fits.error();
  auto reader = co_await c.db.open(c.scope, *name, false);
  if (!reader) co_return reader.error();
  batch_answer answer{*name, "update", "updated", 0, 0, {}};
  auto command = command_of(c);
  std::vector<std::size_t> rows;
  for (const auto element : updates.as_array()) {
    batch_item row{.index = answer.items.size()};
    decoder d{json_value(element)};
    const auto id = d.id({"id"});
    if (!id && !d.failed()) d.refuse("id", "is required");
    if (d.failed()) {
      set_error(row, d.fault());
    } else {
      row.id = id->str();
      auto op = co_await read_update(c, **reader, id->str(), json_value(element));
      if (!op) {
        set_error(row, op.error());
      } else {
        rows.push_back(row.index);
        command->ops.push_back(std::move(*op));
      }
    }
    answer.items.push_back(std::move(row));
  }
  if (!rows.empty()) {
    auto done = co_await c.db.write(c.scope, *name, std::move(command));
    if (!done) co_return done.error();
    for (std::size_t i = 0; i < rows.size() && i < done->items.size(); ++i) {
      if (done->items[i].code != ec::ok)
        set_error(answer.items[rows[i]], failure(done->items[i].code));
      else
        ++answer.done;
    }
  }
  answer.duration_ms = watch.ms();
  co_return json_response(write_batch(answer));
}

answer batch_delete(handler_context& c) {
  const stopwatch watch;
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  auto name = collection_of(c, body->root());
  if (!name) co_return name.error();
  decoder fields(body->root());
  const auto ids = fields.array({"ids", "vector_ids"});
  if (fields.failed()) co_return fields.fault();
  if (auto fits = batch_fits(c, ids, "ids"); !fits) co_return fits.error();
  batch_answer answer{*name, "delete", "deleted", 0, 0, {}};
  delete_points_op op;
  std::vector<std::size_t> rows;
  for (const auto element : ids.as_array()) {
    batch_item row{.index = answer.items.size()};
    auto id = read_id(json_value(element), "ids");
    if (!id) {
      set_error(row, id.error());
    } else {
      row.id = id->str();
      rows.push_back(row.index);
      op.ids.push_back(id->str());
    }
    answer.items.push_back(std::move(row));
  }
  auto wanted = command_of(c, std::move(op));
  auto done = co_await c.db.write(c.scope, *name, std::move(wanted));
  if (!done) co_return done.error();
  for (std::size_t i = 0; i < rows.size() && i < done->items.size(); ++i)
    if (done->items[i].code != ec::ok) set_error(answer.items[rows[i]], failure(done->items[i].code));
  answer.done = done->deleted;
  answer.duration_ms = watch.ms();
  co_return json_response(write_batch(answer));
}

namespace {

answer transfer(handler_context& c, bool remove) {
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  decoder fields(body->root());
  const auto destination = fields.text({"destination"});
  const auto list = fields.array({"ids"});
  if (fields.failed()) co_return fields.fault();
  if (auto fits = batch_fits(c, list, "ids"); !fits) co_return fits.error();
  const auto& source = c.scope.path_value(0);
  auto from = co_await c.db.open(c.scope, source, false);
  if (!from) co_return from.error();
  auto to = co_await c.db.open(c.scope, destination, false);
  if (!to) co_return to.error();
  if ((*from)->record().id == (*to)->record().id)
    co_return failure::validation("destination", "must be another collection");
  copy_points_op op;
  op.source = (*from)->record().id;
  op.remove = remove;
  for (const auto element : list.as_array()) {
    auto id = read_id(json_value(element), "ids");
    if (!id) co_return id.error();
    op.ids.push_back(id->str());
  }
  const auto ids = op.ids;
  auto command = command_of(c, std::move(op));
  command->source_shards = (*from)->record().config.shard_count;
  auto done = co_await insert_points(c, destination, std::move(command));
  if (!done) co_return done.error();
  std::string rows;
  json_writer w(rows);
  std::size_t moved = 0;
  w.begin_array();
  for (std::size_t i = 0; i < ids.size() && i < done->items.size(); ++i) {
    const auto code = done->items[i].code;
    moved += code == ec::ok;
    w.begin_object().member("id", ids[i]);
    w.member("status", code == ec::ok                  ? "ok"
                       : code == ec::vector_not_found ? "missing_in_src"
                                                      : "dst_insert_failed");
    if (code != ec::ok) w.member("error", info(code).text);
    w.end_object();
  }
  w.end_array();
  std::string out;
  json_writer(out).begin_object().member("src", source).member("dst", destination).member("requested", ids.size())
      .member(remove ? "moved" : "copied", moved).member("failed", ids.size() - moved).member_raw("results", rows)
      .end_object();
  co_return json_response(std::move(out));
}

/// What a filter matches now, with the versions it matched at.
struct matched_points {
  std::size_t scanned = 0;
  std::vector<std::string> ids;
  std::vector<seq_no> versions;
};

boost::asio::awaitable<result<matched_points>> match(handler_context& c, const std::string& name, json_value root) {
  auto accept = read_filter(root);
  if (!accept) co_return accept.error();
  if (!accept->has_value() || (*accept)->matches_all())
    co_return failure::validation("filter", "must hold at least one condition");
  auto reader = co_await c.db.open(c.scope, name, true);
  if (!reader) co_return reader.error();
  auto work = c.db.compute(c.scope, [reader = *reader, accept = **accept] {
    matched_points m;
    const auto views = reader->views();
    m.scanned = shard_view::count(views, nullptr);
    for (const auto& found : shard_view::matching(views, &accept, m.scanned)) {
      m.ids.emplace_back(found.row.id);
      m.versions.push_back(found.row.seq);
    }
    return result<matched_points>(std::move(m));
  });
  co_return co_await std::move(work);
}

/// Writes what the filter found, and renders the answer. A retried request answers with what it did the first time.
answer write_matched(handler_context& c, const std::string& name, matched_points m, operation op,
                     std::string_view done_member, std::string_view verb) {
  const auto scanned = m.scanned;
  write_outcome done;
  auto command = command_of(c, std::move(op));
  command->by_filter = true;
  if (!m.ids.empty() || !command->request_key.empty()) {
    auto written = co_await c.db.write(c.scope, name, std::move(command));
    if (!written) co_return written.error();
    done = std::move(*written);
    if (!c.scope.request_key().empty()) m.ids = std::move(done.ids);
  }
  std::string rows;
  json_writer w(rows);
  std::size_t changed = 0;
  w.begin_array();
  for (std::size_t i = 0; i < m.ids.size() && i < done.items.size(); ++i) {
    const bool ok = done.items[i].code == ec::ok;
    changed += ok;
    w.begin_object().member("id", m.ids[i]).member("status", ok ? verb : "changed_meanwhile").end_object();
  }
  w.end_array();
  std::string out;
  json_writer(out).begin_object().member("scanned", scanned).member("matched", m.ids.size())
      .member(done_member, changed).member_raw("results", rows).end_object();
  co_return json_response(std::move(out));
}

}  // namespace

answer move_vectors(handler_context& c) { return transfer(c, true); }
answer copy_vectors(handler_context& c) { return transfer(c, false); }

answer delete_by_filter(handler_context& c) {
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  const auto& name = c.scope.path_value(0);
  auto matched = co_await match(c, name, body->root());
  if (!matched) co_return matched.error();
  delete_points_op op;
  op.ids = matched->ids;
  op.only_versions = matched->versions;
  operation wanted = std::move(op);
  co_return co_await write_matched(c, name, std::move(*matched), std::move(wanted), "deleted", "deleted");
}

answer bulk_update_metadata(handler_context& c) {
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  decoder fields(body->root());
  const auto patch = fields.object({"patch"});
  if (!patch.present()) fields.refuse("patch", "is required");
  if (fields.failed()) co_return fields.fault();
  const auto& name = c.scope.path_value(0);
  auto matched = co_await match(c, name, body->root());
  if (!matched) co_return matched.error();
  patch_payloads_op op;
  op.ids = matched->ids;
  op.only_versions = matched->versions;
  op.patch = patch.to_text();
  operation wanted = std::move(op);
  co_return co_await write_matched(c, name, std::move(*matched), std::move(wanted), "updated", "updated");
}

answer embed_text(handler_context& c) {
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  decoder fields(body->root());
  const auto text = fields.text({"text"});
  const auto model = fields.optional_text({"model"}).value_or(c.config.collections.embedding_provider);
  if (fields.failed()) co_return fields.fault();
  if (text.empty()) co_return failure::validation("text", "must not be empty");
  auto dimension = c.db.providers().dimension(model, c.config.collections.dimension);
  if (!dimension) co_return dimension.error();
  std::vector<std::string> texts(1, text);
  auto vectors = co_await c.db.embed(c.scope, model, std::move(texts), *dimension);
  if (!vectors) co_return vectors.error();
  std::string out;
  json_writer(out).begin_object().member("embedding", std::span<const float>(vectors->front())).member("text", text)
      .member("dimension", vectors->front().size()).member("model", model).end_object();
  co_return json_response(std::move(out));
}

}  // namespace waggle::rest
