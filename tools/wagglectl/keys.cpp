// `wagglectl keys create|list|revoke|rotate`, and logging in with a password.
#include <iostream>

#include "base/text_out.hpp"
#include "tools/wagglectl/commands.hpp"
#include "tools/wagglectl/json_access.hpp"

namespace waggle::ctl {
namespace {

std::string body_of(const key_options& options) {
  std::string body;
  json_writer w(body);
  w.begin_object().member("name", options.name).member("kind", options.kind);
  if (!options.permissions.empty()) w.member("permissions", options.permissions);
  if (!options.functions.empty()) w.member("allowed_functions", options.functions);
  if (!options.collections.empty()) {
    w.key("scopes").begin_array();
    for (const auto& collection : options.collections) {
      w.begin_object().member("collection", collection);
      if (!options.permissions.empty()) w.member("permissions", options.permissions);
      w.end_object();
    }
    w.end_array();
  }
  if (!options.tenant.empty()) w.member("tenant_id", options.tenant);
  if (options.expires_in_seconds > 0) w.member("expires_in", options.expires_in_seconds);
  w.end_object();
  return body;
}

std::string shown_time(json_value unix_seconds) {
  std::int64_t seconds = 0;
  return unix_seconds.get_int64(seconds) && seconds > 0 ? format_rfc3339(1000 * seconds) : "-";
}

std::string shown_list(json_value list) {
  if (!list.is_array()) return "-";
  std::string out;
  for (const auto item : list.as_array())
    out.append(out.empty() ? "" : ",").append(printable(std::string(text_of(json_value(item)))));
  return out.empty() ? "-" : out;
}

std::string shown_text(json_value text) {
  const auto value = text_of(text);
  return value.empty() ? "-" : printable(std::string(value));
}

std::string target_of(const std::string& id) { return "/auth/keys/" + encode_segment(id); }
}  // namespace

outcome<exit_code> run_keys_create(command_context& context, const key_options& options) {
  auto body = body_of(options);
  if (context.global.dry_run) {
    context.io.out << "would send POST /auth/keys " << body << '\n';
    return exit_code::ok;
  }
  auto api = context.api();
  auto root = api.post("/auth/keys", std::move(body));
  if (!root) return root.error();
  if (context.json()) {
    context.io.out << root->to_text() << '\n';
    return exit_code::ok;
  }
  print_pairs(context.io.out, {{"id", shown_text((*root)["id"])},
                               {"key", shown_text((*root)["api_key"])},
                               {"permissions", shown_list((*root)["permissions"])},
                               {"expires", shown_time((*root)["expires_at"])}});
  context.io.err << "keep the key: it is shown once\n";
  return exit_code::ok;
}

outcome<exit_code> run_keys_list(command_context& context) {
  auto api = context.api();
  auto root = api.get("/auth/keys");
  if (!root) return root.error();
  if (context.json()) {
    context.io.out << root->to_text() << '\n';
    return exit_code::ok;
  }
  const auto list = (*root)["keys"];
  if (!list.is_array()) return command_failure(exit_code::failed, "The node's answer has no list of keys");
  std::vector<std::vector<std::string>> rows;
  for (const auto item : list.as_array()) {
    const json_value key(item);
    rows.push_back({shown_text(key["id"]), shown_text(key["name"]), shown_text(key["tenant_id"]),
                    shown_list(key["permissions"]), shown_text(key["rotation_status"]), shown_time(key["last_used"]),
                    shown_time(key["expires_at"])});
  }
  print_table(context.io.out, {"ID", "NAME", "TENANT", "PERMISSIONS", "STATUS", "LAST USED", "EXPIRES"}, rows);
  return exit_code::ok;
}

outcome<exit_code> run_keys_revoke(command_context& context, const std::string& id) {
  const auto stake = "key '" + printable(id) + "'";
  if (context.global.dry_run) {
    context.io.out << "would revoke " << stake << '\n';
    return exit_code::ok;
  }
  if (auto agreed = confirm(context.io, "Revoke " + stake, context.global.yes); !agreed) return agreed.error();
  auto api = context.api();
  auto root = api.del(target_of(id));
  if (!root) return root.error();
  if (context.json())
    context.io.out << root->to_text() << '\n';
  else
    context.io.out << "revoked " << stake << '\n';
  return exit_code::ok;
}

outcome<exit_code> run_keys_rotate(command_context& context, const std::string& id) {
  if (context.global.dry_run) {
    context.io.out << "would rotate key '" << printable(id) << "'\n";
    return exit_code::ok;
  }
  auto api = context.api();
  auto root = api.post(target_of(id) + "/rotate", "");
  if (!root) return root.error();
  if (context.json()) {
    context.io.out << root->to_text() << '\n';
    return exit_code::ok;
  }
  print_pairs(context.io.out, {{"id", shown_text((*root)["new_key_id"])},
                               {"key", shown_text((*root)["new_token"])},
                               {"old key until", shown_time((*root)["grace_until"])}});
  context.io.err << "keep the key: it is shown once\n";
  return exit_code::ok;
}

outcome<std::string> log_in(const endpoint& where, const client_options& client, const std::string& user,
                            const std::string& password) {
  std::string body;
  json_writer(body).begin_object().member("username", user).member("password", password).end_object();
  node_api api(http_client(where, client));
  const auto root = api.post("/auth/login", std::move(body));
  if (!root) return root.error();
  const auto token = text_of((*root)["access_token"]);
  if (token.empty()) return command_failure(exit_code::failed, "The node's answer has no token");
  return std::string(token);
}

}  // namespace waggle::ctl
