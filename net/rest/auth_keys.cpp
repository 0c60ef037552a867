// Local API keys (contract rest.md §9).
#include <algorithm>

#include "base/clock.hpp"
#include "net/rest/auth_wire.hpp"
#include "net/rest/handlers.hpp"

namespace waggle::rest {
namespace {
std::int64_t now_s() { return system_clock().unix_ms() / 1000; }

http_response key_answer(const live_key& key) {
  std::string out;
  json_writer w(out);
  write_key(w, key, now_s());
  return json_response(std::move(out));
}
}  // namespace

answer auth_create_key(handler_context& c) {
  if (!c.identity) co_return no_local_identity();
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  decoder d(body->root());
  auto wanted = read_key_request(d);
  if (d.failed()) co_return d.fault();
  const auto made = co_await c.identity->keys().create(*c.who, std::move(wanted));
  if (!made) co_return made.error();
  const auto& record = made->key->record;
  std::string out;
  json_writer w(out);
  w.begin_object().member("api_key", made->text).member("id", made->key->id).member("name", record.name);
  write_grant(w, record.grant);
  if (record.tenant) w.member("tenant_id", to_string(*record.tenant));
  write_seconds(w, "expires_at", record.expires_at);
  w.member("warning", "Keep this key: it is shown once and stored nowhere").end_object();
  co_return json_response(std::move(out));
}

answer auth_list_keys(handler_context& c) {
  if (!c.identity) co_return no_local_identity();
  std::string out;
  json_writer w(out);
  w.begin_object().key("keys").begin_array();
  for (const auto& key : c.identity->keys().list(*c.who)) write_key(w, *key, now_s());
  w.end_array().end_object();
  co_return json_response(std::move(out));
}

answer auth_key_usage(handler_context& c) {
  if (!c.identity) co_return no_local_identity();
  const auto window = query_number(c.http(), "window", 7, 1);
  if (!window) co_return window.error();
  const auto key = c.identity->keys().find(*c.who, c.scope.path_value(0));
  if (!key) co_return key.error();
  std::string out;
  json_writer w(out);
  w.begin_object().key("key");
  write_key(w, **key, now_s());
  w.key("buckets").begin_array();
  std::uint64_t total = 0;
  constexpr std::int64_t day_ms = 86'400'000;
  constexpr std::size_t date_bytes = 10;
  for (const auto& day : (*key)->usage->days(now_s(), std::min<std::size_t>(*window, key_usage::days_max))) {
    total += day.count;
    w.begin_object().member("date", format_rfc3339(day.day * day_ms).substr(0, date_bytes));
    w.member("count", day.count).end_object();
  }
  w.end_array().member("window_total", total).end_object();
  co_return json_response(std::move(out));
}

answer auth_change_key(handler_context& c) {
  if (!c.identity) co_return no_local_identity();
  const auto key = c.identity->keys().find(*c.who, c.scope.path_value(0));
  if (!key) co_return key.error();
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  decoder d(body->root());
  auto wanted = read_grant(d, (*key)->record.grant);
  if (d.failed()) co_return d.fault();
  const auto changed = co_await c.identity->keys().change(*c.who, c.scope.path_value(0), std::move(wanted));
  if (!changed) co_return changed.error();
  co_return key_answer(**changed);
}

answer auth_rotate_key(handler_context& c) {
  if (!c.identity) co_return no_local_identity();
  const auto rotated = co_await c.identity->keys().rotate(*c.who, c.scope.path_value(0));
  if (!rotated) co_return rotated.error();
  std::string out;
  json_writer(out).begin_object().member("old_key_id", c.scope.path_value(0))
      .member("new_key_id", rotated->fresh.key->id).member("new_token", rotated->fresh.text)
      .member("grace_until", rotated->grace_until).end_object();
  co_return json_response(std::move(out));
}

answer auth_revoke_key(handler_context& c) {
  if (!c.identity) co_return no_local_identity();
  const auto done = co_await c.identity->keys().revoke(*c.who, c.scope.path_value(0));
  if (!done) co_return done.error();
  co_return json_response(R"({"status":"ok","message":"The key is revoked"})");
}

}  // namespace waggle::rest
