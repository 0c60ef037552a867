// `wagglectl hub keys create|list|show|revoke`: keys of tenants, at HiveHub itself (contract hub.md §1, manage_keys). It is asked
// as the node asks it, with the node's configuration; the node is asked for nothing but to forget a key that was revoked.
#include <ostream>

#include "base/clock.hpp"
#include "base/text_out.hpp"
#include "base/uuid.hpp"
#include "net/config/config.hpp"
#include "net/hub/hub_access_keys.hpp"
#include "net/hub/hub_wire.hpp"
#include "tools/wagglectl/commands.hpp"
#include "tools/wagglectl/json_access.hpp"

namespace waggle::ctl {
namespace {

struct hub_link {
  hub_settings hub;
  std::vector<std::string> node_secrets;  ///< each proves to the node that HiveHub speaks
  std::string keys_path;
  http_client client;
};

outcome<settings> node_settings(const std::string& file) {
  config_sources sources;
  if (!file.empty()) {
    sources.file = file;
    sources.file_required = true;
  }
  sources.environment = system_environment();
  const auto loaded = config::load(sources);
  if (loaded) return loaded->settings();
  const auto& problems = loaded.error().list;
  return command_failure(exit_code::usage, problems.empty() ? "The configuration can't be read" : to_string(problems.front()),
                         "waggled --check-config names all problems");
}

outcome<hub_link> connect(const command_context& context, const std::string& config_file) {
  auto node = node_settings(config_file);
  if (!node) return node.error();
  auto& hub = node->hub;
  if (hub.service_api_key.empty())
    return command_failure(exit_code::usage, "HiveHub's service key is not configured",
                           "set HIVEHUB_SERVICE_API_KEY, HIVEHUB_SERVICE_API_KEY_FILE, or --config");
  if (hub.manage_keys_path.empty())
    return command_failure(exit_code::usage, "hub.paths.manage_keys is empty: managing keys is switched off");
  auto path = read_hub_path("manage_keys", hub.manage_keys_path, "POST", hub.service_name);
  if (!path) return command_failure(exit_code::usage, path.error().message);
  auto where = parse_endpoint(hub.api_url);
  if (!where) return command_failure(exit_code::usage, "hub.api_url: " + where.error().message);
  // The default port of an endpoint is a node's.
  if (!where->tls && hub.api_url.find(":" + where->port) == hub.api_url.npos) where->port = "80";
  client_options options;
  options.timeout_ms = context.client.timeout_ms;
  return hub_link{hub, node->inbound.secrets, std::move(*path), http_client(*where, options)};
}

command_failure refusal(const http_response& response) {
  std::string text;
  json_parser parser;
  if (const auto root = parser.parse(response.body)) text = text_of((*root)["error"]);
  text = "HiveHub refused (status " + std::to_string(response.status) + ")" + (text.empty() ? "" : ": " + printable(text));
  switch (response.status) {
    case 401: return {exit_code::auth, text, "check the service key (HIVEHUB_SERVICE_API_KEY)"};
    case 402:
    case 403: return {exit_code::auth, text};
    case 404: return {exit_code::not_found, text};
    case 409: return {exit_code::conflict, text};
    default: return {exit_code::failed, text};
  }
}

/// The body of a 2xx answer.
outcome<std::string> ask(hub_link& link, const std::string& method, const std::string& below, std::string body = {}) {
  http_request request;
  request.method = method;
  request.target = link.keys_path + below;
  request.body = std::move(body);
  request.headers = hub_headers(link.hub.service_api_key, link.hub.service_name, method == "POST");
  request.repeatable = method != "POST";
  auto response = link.client.send(request);
  if (!response) {
    auto why = response.error();
    if (why.code == exit_code::unreachable) why.remedy = "check hub.api_url (HIVEHUB_API_URL)";
    return why;
  }
  if (response->status < 200 || response->status > 299) return refusal(*response);
  return std::move(response->body);
}

command_failure not_understood(const failure& why) { return {exit_code::failed, why.message}; }

void write_key(json_writer& w, const hub_access_key& key) {
  w.begin_object().member("id", key.id).member("name", key.name).member("tenant_id", key.user);
  w.member("permissions", key.permissions);
  if (key.functions)
    w.member("allowed_functions", *key.functions);
  else
    w.key("allowed_functions").null();
  const auto text_or_null = [&w](std::string_view name, const std::string& text) {
    text.empty() ? w.key(name).null() : w.member(name, text);
  };
  text_or_null("status", key.status);
  text_or_null("created_at", key.created_at);
  text_or_null("expires_at", key.expires_at);
  if (!key.secret.empty()) w.member("key", key.secret);
  w.end_object();
}

std::string shown(const std::string& text) { return text.empty() ? "-" : printable(text); }

std::string shown(const std::vector<std::string>& list) {
  std::string out;
  for (const auto& text : list) out.append(out.empty() ? "" : ",").append(printable(text));
  return out.empty() ? "-" : out;
}

void print_key(const command_context& context, const hub_access_key& key) {
  if (context.json()) {
    std::string text;
    json_writer w(text);
    write_key(w, key);
    context.io.out << text << '\n';
    return;
  }
  std::vector<std::pair<std::string, std::string>> rows{{"id", shown(key.id)}, {"name", shown(key.name)},
                                                        {"tenant", shown(key.user)}, {"permissions", shown(key.permissions)}};
  rows.emplace_back("functions", key.functions ? shown(*key.functions) : "all");
  rows.emplace_back("status", shown(key.status));
  rows.emplace_back("expires", shown(key.expires_at));
  if (!key.secret.empty()) rows.emplace_back("key", printable(key.secret));
  print_pairs(context.io.out, rows);
}

/// The node's cache must not let the key in any more.
outcome<void> tell_node(const command_context& context, const hub_link& link, const std::string& id) {
  http_request request;
  request.method = "POST";
  request.target = "/hub/events";
  json_writer(request.body).begin_object().key("events").begin_array().begin_object().member("id", new_uuid_v7())
      .member("type", "key.revoked").member("key_id", id).member("at", format_rfc3339(system_clock().unix_ms()))
      .end_object().end_array().end_object();
  request.headers.emplace_back("x-hivehub-service", link.node_secrets.front());
  request.send_token = false;
  request.repeatable = true;  // the event counts once
  http_client node(context.where, context.client);
  const auto response = node.send(request);
  if (!response) return response.error();
  if (response->status != 200) return failure_of(*response);
  json_parser parser;
  const auto root = parser.parse(response->body);
  if (!root || (*root)["failed"].size() > 0) return command_failure(exit_code::failed, "The node did not take the event");
  return {};
}

}  // namespace

outcome<exit_code> run_hub_keys_create(command_context& context, const hub_key_options& options) {
  auto link = connect(context, options.config_file);
  if (!link) return link.error();
  hub_access_key wanted;
  wanted.user = options.tenant;
  wanted.name = options.name;
  wanted.permissions = options.permissions;
  if (!options.functions.empty()) wanted.functions = options.functions;
  if (options.expires_in_seconds > 0)
    wanted.expires_at = format_rfc3339(system_clock().unix_ms() + 1000 * options.expires_in_seconds);
  auto body = create_key_request(wanted);
  if (context.global.dry_run) {
    context.io.out << "would send POST " << link->keys_path << ' ' << body << '\n';
    return exit_code::ok;
  }
  const auto answer = ask(*link, "POST", "", std::move(body));
  if (!answer) return answer.error();
  const auto key = read_access_key(*answer);
  if (!key) return not_understood(key.error());
  if (key->secret.empty()) return command_failure(exit_code::failed, "HiveHub made key " + printable(key->id) + " but did not show it");
  print_key(context, *key);
  if (!context.json()) context.io.err << "keep the key: it is shown once\n";
  return exit_code::ok;
}

outcome<exit_code> run_hub_keys_list(command_context& context, const hub_key_options& options) {
  auto link = connect(context, options.config_file);
  if (!link) return link.error();
  const auto answer = ask(*link, "GET", options.tenant.empty() ? "" : "?user_id=" + encode_segment(options.tenant));
  if (!answer) return answer.error();
  auto list = read_access_keys(*answer);
  if (!list) return not_understood(list.error());
  for (auto& key : *list) key.secret.clear();
  if (context.json()) {
    std::string text;
    json_writer w(text);
    w.begin_object().key("keys").begin_array();
    for (const auto& key : *list) write_key(w, key);
    w.end_array().end_object();
    context.io.out << text << '\n';
    return exit_code::ok;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& key : *list)
    rows.push_back({shown(key.id), shown(key.name), shown(key.user), shown(key.permissions), shown(key.status), shown(key.expires_at)});
  print_table(context.io.out, {"ID", "NAME", "TENANT", "PERMISSIONS", "STATUS", "EXPIRES"}, rows);
  return exit_code::ok;
}

outcome<exit_code> run_hub_keys_show(command_context& context, const hub_key_options& options) {
  auto link = connect(context, options.config_file);
  if (!link) return link.error();
  const auto answer = ask(*link, "GET", "/" + encode_segment(options.id));
  if (!answer) return answer.error();
  auto key = read_access_key(*answer);
  if (!key) return not_understood(key.error());
  key->secret.clear();
  print_key(context, *key);
  return exit_code::ok;
}

outcome<exit_code> run_hub_keys_revoke(command_context& context, const hub_key_options& options) {
  auto link = connect(context, options.config_file);
  if (!link) return link.error();
  const auto stake = "key '" + printable(options.id) + "'";
  if (link->node_secrets.empty())
    return command_failure(exit_code::usage, "The node could not be told that the key is revoked: there is no inbound secret",
                           "set HIVEHUB_INBOUND_SERVICE_SECRET as the node has it");
  if (context.global.dry_run) {
    context.io.out << "would revoke " << stake << '\n';
    return exit_code::ok;
  }
  if (auto agreed = confirm(context.io, "Revoke " + stake, context.global.yes); !agreed) return agreed.error();
  if (!context.where.tls && !context.where.loopback())
    context.io.err << "warning: the inbound secret goes to " << context.where.text() << " unencrypted; use https\n";
  const auto answer = ask(*link, "DELETE", "/" + encode_segment(options.id));
  if (!answer) return answer.error();
  const auto key = read_access_key(*answer);  // an empty answer says as much
  const auto told = tell_node(context, *link, key ? key->id : options.id);
  if (!told)
    return command_failure(told.error().code,
                           "HiveHub has revoked " + stake + ", but the node does not know yet: " + told.error().message,
                           "repeat the command; until then the node may serve the key for hub.cache.api_key_ttl_seconds");
  if (context.json()) {
    std::string text;
    json_writer(text).begin_object().member("id", options.id).member("revoked", true).member("node", context.where.text()).end_object();
    context.io.out << text << '\n';
  } else {
    context.io.out << "revoked " << stake << '\n';
  }
  return exit_code::ok;
}

}  // namespace waggle::ctl
