// Inserting texts and vectors (contract rest.md §3 points, §4).
#include "net/rest/growth.hpp"
#include "net/rest/handlers.hpp"
#include "net/rest/point_request.hpp"
#include "net/rest/shapes.hpp"
#include "net/rest/text_request.hpp"
#include "net/rest/write_support.hpp"
#include "storage/text/chunking.hpp"

namespace waggle::rest {
namespace {

/// Embeds every point of the items; then the collection is there, made if need be. In this order a text that can't be
/// embedded leaves no empty collection behind.
boost::asio::awaitable<result<void>> embed_and_open(handler_context& c, std::string name,
                                                    std::vector<text_item*> items) {
  auto config = co_await config_or_defaults(c, name);
  if (!config) co_return config.error();
  std::vector<std::string> texts;
  for (auto* item : items) {
    if (!item->chunked) {
      texts.push_back(item->text);
      continue;
    }
    for (const auto chunk : chunk_text(item->text, item->chunk_size, item->chunk_overlap)) texts.emplace_back(chunk);
  }
  auto vectors = co_await c.db.embed(c.scope, config->embedding_provider, std::move(texts), config->dimension);
  if (!vectors) co_return vectors.error();
  std::size_t at = 0;
  for (auto* item : items)
    for (auto& p : item->points) p.vector = std::move((*vectors)[at++]);
  auto reader = co_await open_or_create(c, std::move(name), std::nullopt);
  if (!reader) co_return reader.error();
  co_return result<void>{};
}

/// A text with a given id may replace chunks of an earlier one; a fresh id can't.
operation write_of(text_item& item) {
  if (!item.given_id) return upsert_points_op{std::move(item.points)};
  return replace_text_op{item.id, std::move(item.points)};
}

void write_ids(json_writer& w, const std::vector<std::string>& ids) {
  w.key("vector_ids").begin_array();
  for (const auto& id : ids) w.value(id);
  w.end_array();
}
std::vector<std::string> ids_of(const text_item& item) {
  std::vector<std::string> ids;
  for (const auto& p : item.points) ids.push_back(p.id.str());
  return ids;
}

}  // namespace

answer insert_text(handler_context& c) {
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  auto name = collection_of(c, body->root());
  if (!name) co_return name.error();
  const auto payload_max = c.config.limits.payload_bytes_max;
  auto item = read_text(body->root(), {}, payload_max);
  if (!item) co_return item.error();
  if (auto done = cut_text(*item, payload_max); !done) co_return done.error();
  const std::vector<text_item*> one(1, &*item);
  if (auto done = co_await embed_and_open(c, *name, one); !done) co_return done.error();
  auto ids = ids_of(*item);
  auto wanted = command_of(c, write_of(*item));
  auto done = co_await insert_points(c, *name, std::move(wanted));
  if (!done) co_return done.error();
  if (auto failed = first_failure(*done)) co_return *failed;
  if (!done->ids.empty()) ids = done->ids;
  std::string out;
  json_writer w(out);
  w.begin_object().member("message", "Text inserted").member("vectors_created", ids.size());
  write_ids(w, ids);
  w.member("collection", *name).member("chunked", item->chunked).end_object();
  co_return json_response(std::move(out));
}

answer batch_insert_texts(handler_context& c) {
  const stopwatch watch;
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  auto name = collection_of(c, body->root());
  if (!name) co_return name.error();
  decoder fields(body->root());
  const auto defaults = read_text_options(fields, {});
  const auto texts = fields.array({"texts"});
  if (fields.failed()) co_return fields.fault();
  if (auto fits = batch_fits(c, texts, "texts"); !fits) co_return fits.error();
  const auto payload_max = c.config.limits.payload_bytes_max;

  batch_answer answer{*name, "insert", "inserted", 0, 0, {}};
  std::vector<text_item> items;
  for (const auto element : texts.as_array()) {
    batch_item row{.index = answer.items.size(), .client_id = true};
    auto item = read_text(json_value(element), defaults, payload_max);
    result<void> fine;
    if (item) fine = cut_text(*item, payload_max);
    if (!item || !fine) {
      set_error(row, item ? fine.error() : item.error());
    } else {
      row.id = item->id;
      item->index = row.index;
      items.push_back(std::move(*item));
    }
    answer.items.push_back(std::move(row));
  }
  if (!items.empty()) {
    std::vector<text_item*> all;
    for (auto& item : items) all.push_back(&item);
    if (auto done = co_await embed_and_open(c, *name, all); !done) co_return done.error();
    auto command = command_of(c);
    std::vector<std::vector<std::string>> ids;
    for (auto& item : items) {
      ids.push_back(ids_of(item));
      command->ops.push_back(write_of(item));
    }
    auto done = co_await insert_points(c, *name, std::move(command));
    if (!done) co_return done.error();
    std::size_t at = 0, first_id = 0;
    for (std::size_t i = 0; i < items.size(); ++i) {
      auto& row = answer.items[items[i].index];
      for (std::size_t k = 0; k < ids[i].size() && at < done->items.size(); ++k, ++at)
        if (done->items[at].code != ec::ok) set_error(row, failure(done->items[at].code));
      // A retried request is answered with the ids of its first try.
      for (auto& id : ids[i])
        if (first_id < done->ids.size()) id = done->ids[first_id++];
      if (row.code != ec::ok) continue;
      json_writer w(row.extra);
      write_ids(w, ids[i]);
      w.member("vectors_created", ids[i].size()).member("chunked", items[i].chunked);
      answer.done += ids[i].size();
    }
  }
  answer.duration_ms = watch.ms();
  co_return json_response(write_batch(answer));
}

namespace {

answer insert_vectors_named(handler_context& c, const std::string& name, json_value root) {
  const stopwatch watch;
  decoder fields(root);
  const auto vectors = fields.array({"vectors", "points"});
  if (fields.failed()) co_return fields.fault();
  if (auto fits = batch_fits(c, vectors, "vectors"); !fits) co_return fits.error();
  batch_answer answer{name, "insert", "inserted", 0, 0, {}};
  upsert_points_op op;
  std::vector<std::size_t> rows;
  std::optional<std::size_t> dimension;
  std::shared_ptr<const collection_reader> reader;
  for (const auto element : vectors.as_array()) {
    batch_item row{.index = answer.items.size()};
    auto p = read_point(json_value(element), c.config.limits.payload_bytes_max);
    if (p && !reader) {
      auto opened = co_await open_or_create(c, name, p->vector.size());
      if (!opened) co_return opened.error();
      reader = *opened;
      dimension = reader->record().config.dimension;
    }
    if (p)
      if (auto fine = check_vector(reader->record().config, p->vector); !fine) p = fine.error();
    if (!p) {
      set_error(row, p.error());
    } else {
      row.id = p->id.str();
      rows.push_back(row.index);
      op.points.push_back(std::move(*p));
    }
    answer.items.push_back(std::move(row));
  }
  if (!reader) {
    // Nothing to write: the collection has to exist all the same.
    auto opened = co_await c.db.open(c.scope, name, false);
    if (!opened) co_return opened.error();
  }
  if (!op.points.empty()) {
    auto wanted = command_of(c, std::move(op));
    auto done = co_await insert_points(c, name, std::move(wanted));
    if (!done) co_return done.error();
    for (std::size_t i = 0; i < done->items.size() && i < rows.size(); ++i) {
      auto& row = answer.items[rows[i]];
      if (i < done->ids.size()) row.id = done->ids[i];
      if (done->items[i].code != ec::ok)
        set_error(row, failure(done->items[i].code));
      else
        ++answer.done;
    }
  }
  answer.duration_ms = watch.ms();
  co_return json_response(write_batch(answer));
}

}  // namespace

answer insert_vectors(handler_context& c) {
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  auto name = collection_of(c, body->root());
  if (!name) co_return name.error();
  co_return co_await insert_vectors_named(c, *name, body->root());
}

answer insert_vectors_into(handler_context& c) {
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  co_return co_await insert_vectors_named(c, c.scope.path_value(0), body->root());
}

answer upsert_points(handler_context& c) {
  const stopwatch watch;
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  auto points = read_upsert(body->root(), c.config.limits.payload_bytes_max);
  if (!points) co_return points.error();
  const auto& name = c.scope.path_value(0);
  if (points->size() > c.config.limits.batch_items_max)
    co_return failure::validation("points", "holds more than limits.max_batch items");
  std::optional<std::size_t> dimension;
  if (!points->empty()) dimension = points->front().vector.size();
  auto opening = points->empty() ? c.db.open(c.scope, name, false) : open_or_create(c, name, dimension);
  auto reader = co_await std::move(opening);
  if (!reader) co_return reader.error();
  for (const auto& p : *points)
    if (auto fine = check_vector((*reader)->record().config, p.vector); !fine) co_return fine.error();
  write_outcome done;
  if (!points->empty()) {
    auto wanted = command_of(c, upsert_points_op{std::move(*points)});
    auto written = co_await insert_points(c, name, std::move(wanted));
    if (!written) co_return written.error();
    if (auto failed = first_failure(*written)) co_return *failed;
    done = std::move(*written);
  }
  std::string out;
  json_writer w(out);
  w.begin_object().member("status", "acknowledged").member("operation_id", done.index.value);
  w.member("inserted", done.inserted).member("updated", done.updated).member("collection", name);
  w.key("result").begin_object().member("status", "completed").member("operation_id", done.index.value).end_object();
  w.member("time", watch.seconds()).end_object();
  co_return json_response(std::move(out));
}

}  // namespace waggle::rest
