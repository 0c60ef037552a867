// Logging in and out, and what a credential is (contract rest.md §9).
#include "base/clock.hpp"
#include "net/identity/authenticator.hpp"
#include "net/identity/password.hpp"
#include "net/rest/auth_wire.hpp"
#include "net/rest/handlers.hpp"

namespace waggle::rest {
namespace {

http_response token_answer(const session_token& token) {
  std::string out;
  json_writer w(out);
  w.begin_object().member("access_token", token.text).member("token_type", "Bearer");
  w.member("expires_in", token.expires_in_s);
  w.key("user").begin_object().member("user_id", token.user_id).member("username", token.username);
  w.member("roles", token.roles);
  w.end_object().end_object();
  return json_response(std::move(out));
}

failure no_token_shown() { return failure(ec::bad_request, "This is for tokens of users; the request shows none"); }

/// The words of a key; for others, the names of their permissions.
std::vector<std::string> permissions_of(const handler_context& c) {
  if (c.who->kind == principal_kind::local_key)
    if (const auto key = c.identity->book().find_key(c.who->key_id)) return key->record.grant.permissions;
  std::vector<std::string> list;
  for (const auto name : c.who->may.permissions.names()) list.emplace_back(name);
  return list;
}
}  // namespace

answer auth_login(handler_context& c) {
  if (!c.identity) co_return no_local_identity();
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  decoder d(body->root());
  auto username = d.text({"username"});
  auto password = d.text({"password"});
  if (d.failed()) co_return d.fault();
  auto from = failure_key(c.http().client);
  auto token = co_await c.identity->log_ins().login(std::move(username), std::move(password), std::move(from));
  if (!token) co_return token.error();
  if (!c.door.admits_address(*token->who, c.http().client)) co_return failure(ec::ip_denied);
  c.who = token->who;
  co_return token_answer(*token);
}

answer auth_logout(handler_context& c) {
  if (!c.identity) co_return no_local_identity();
  if (c.who->kind != principal_kind::jwt) co_return no_token_shown();
  auto done = co_await c.identity->log_ins().logout(*c.who);
  if (!done) co_return done.error();
  co_return json_response(R"({"status":"ok","message":"Logged out"})");
}

answer auth_refresh(handler_context& c) {
  if (!c.identity) co_return no_local_identity();
  if (c.who->kind != principal_kind::jwt) co_return no_token_shown();
  const auto token = c.identity->log_ins().refresh(*c.who);
  if (!token) co_return token.error();
  co_return token_answer(*token);
}

answer auth_me(handler_context& c) {
  if (!c.identity) co_return no_local_identity();
  const auto& who = *c.who;
  std::string out;
  json_writer w(out);
  w.begin_object().member("kind", to_string(who.kind)).member("user_id", who.user_id).member("username", who.username);
  const auto user = who.kind == principal_kind::jwt ? c.identity->book().find_user(who.username) : nullptr;
  w.member("roles", user ? user->record.roles : std::vector<std::string>());
  w.member("permissions", permissions_of(c));
  if (who.tenant && !who.tenant->is_nil())
    w.member("tenant_id", to_string(*who.tenant));
  else
    w.key("tenant_id").null();
  if (who.kind != principal_kind::jwt && !who.key_id.empty()) w.member("key_id", who.key_id);
  w.end_object();
  co_return json_response(std::move(out));
}

/// Who has the token may know what it says; about keys nothing is said.
answer auth_introspect(handler_context& c) {
  if (!c.identity) co_return no_local_identity();
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  decoder d(body->root());
  const auto token = d.text({"token"});
  if (d.failed()) co_return d.fault();
  std::string out;
  json_writer w(out);
  w.begin_object();
  if (const auto who = c.identity->log_ins().check(token)) {
    std::string scope;
    for (const auto name : (*who)->may.permissions.names()) scope.append(scope.empty() ? "" : " ").append(name);
    w.member("active", true).member("scope", scope).member("sub", (*who)->user_id);
    w.member("exp", (*who)->token_expires).member("username", (*who)->username);
  } else {
    w.member("active", false);
  }
  w.end_object();
  co_return json_response(std::move(out));
}

answer auth_validate_password(handler_context& c) {
  if (!c.identity) co_return no_local_identity();
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  decoder d(body->root());
  const auto password = d.text({"password"});
  const auto username = d.optional_text({"username"}).value_or("");
  if (d.failed()) co_return d.fault();
  const auto verdict = judge_password(password, username);
  std::string out;
  json_writer w(out);
  w.begin_object().member("valid", verdict.errors.empty()).key("errors").begin_array();
  for (const auto error : verdict.errors) w.value(error);
  w.end_array().member("strength", verdict.strength).member("strength_label", verdict.label).end_object();
  co_return json_response(std::move(out));
}

}  // namespace waggle::rest
