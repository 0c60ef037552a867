// Local users (contract rest.md §9).
#include "net/rest/auth_wire.hpp"
#include "net/rest/handlers.hpp"

namespace waggle::rest {
namespace {
http_response user_answer(const live_user& user) {
  std::string out;
  json_writer w(out);
  write_user(w, user);
  return json_response(std::move(out));
}
}  // namespace

answer auth_create_user(handler_context& c) {
  if (!c.identity) co_return no_local_identity();
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  decoder d(body->root());
  auto wanted = read_user_request(d);
  if (d.failed()) co_return d.fault();
  const auto user = co_await c.identity->users().create(*c.who, std::move(wanted));
  if (!user) co_return user.error();
  co_return user_answer(**user);
}

answer auth_list_users(handler_context& c) {
  if (!c.identity) co_return no_local_identity();
  std::string out;
  json_writer w(out);
  w.begin_object().key("users").begin_array();
  for (const auto& user : c.identity->book().users()) write_user(w, *user);
  w.end_array().end_object();
  co_return json_response(std::move(out));
}

answer auth_delete_user(handler_context& c) {
  if (!c.identity) co_return no_local_identity();
  const auto done = co_await c.identity->users().erase(*c.who, c.scope.path_value(0));
  if (!done) co_return done.error();
  co_return json_response(R"({"status":"ok","message":"The user is deleted"})");
}

/// One's own with the password that it replaces; anybody's as operator.
answer auth_set_password(handler_context& c) {
  if (!c.identity) co_return no_local_identity();
  auto body = body_json::parse(c.http());
  if (!body) co_return body.error();
  decoder d(body->root());
  auto password = d.text({"password", "new_password"});
  auto current = d.optional_text({"current_password", "old_password"});
  if (d.failed()) co_return d.fault();
  const auto& username = c.scope.path_value(0);
  const bool own = c.who->kind == principal_kind::jwt && c.who->username == username;
  if (own) {
    if (!current) co_return failure::validation("current_password", "is required for one's own password");
    auto from = failure_key(c.http().client);
    const auto proven = co_await c.identity->log_ins().prove(username, std::move(*current), std::move(from));
    if (!proven) co_return proven.error();
  } else if (auto may = check_rights(c.who->may, 'O', "auth.users.password", true); !may) {
    co_return may.error();
  }
  const auto done = co_await c.identity->users().set_password(*c.who, username, std::move(password));
  if (!done) co_return done.error();
  co_return json_response(R"({"status":"ok","message":"The password is changed; log in again"})");
}

}  // namespace waggle::rest
