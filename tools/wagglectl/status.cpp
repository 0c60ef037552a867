// `wagglectl status` and `wagglectl version`.
#include <iostream>

#include "base/text_out.hpp"
#include "tools/wagglectl/commands.hpp"
#include "tools/wagglectl/json_access.hpp"

namespace waggle::ctl {
namespace {
using pairs = std::vector<std::pair<std::string, std::string>>;

std::string show(json_value value) {
  if (value.missing()) return "-";
  return printable(value.is_string() ? std::string(value.as_string()) : value.to_text());
}
void add(pairs& out, const char* name, json_value value) {
  if (!value.missing()) out.emplace_back(name, show(value));
}
std::string duration_text(std::uint64_t seconds) {
  return std::to_string(seconds / 86400) + "d " + std::to_string(seconds / 3600 % 24) + "h " +
         std::to_string(seconds / 60 % 60) + "m " + std::to_string(seconds % 60) + "s";
}
/// Optional parts of the picture: a caller may see /status and not these.
std::string try_get(node_api& api, const std::string& target) {
  http_request request;
  request.target = target;
  request.repeatable = true;
  const auto response = api.raw(request);
  const bool useful = response && (response->status == 200 || (target == "/health" && response->status == 503));
  json_parser parser;
  return useful && parser.parse(response->body) ? response->body : std::string();
}
}  // namespace

outcome<exit_code> run_status(command_context& context) {
  auto api = context.api();
  auto status = api.get("/status");
  if (!status) return status.error();
  const std::string status_text = status->to_text();
  const std::string health_text = try_get(api, "/health");
  const std::string stats_text = try_get(api, "/stats");
  json_parser status_parser, health_parser, stats_parser;
  const json_value node = *status_parser.parse(status_text);
  const json_value health = health_text.empty() ? json_value() : *health_parser.parse(health_text);
  const json_value stats = stats_text.empty() ? json_value() : *stats_parser.parse(stats_text);
  const bool unhealthy = text_of(health["status"]) == "unhealthy";

  if (context.json()) {
    std::string out;
    json_writer w(out);
    w.begin_object().member("endpoint", context.where.text()).member_raw("status", status_text);
    w.member_raw("health", health_text.empty() ? "null" : health.to_text());
    w.member_raw("stats", stats_text.empty() ? "null" : stats.to_text()).end_object();
    context.io.out << out << '\n';
    return unhealthy ? exit_code::failed : exit_code::ok;
  }
  pairs rows{{"endpoint", context.where.text()}};
  add(rows, "health", health["status"]);
  add(rows, "version", node["version"]);
  std::uint64_t uptime = 0;
  if (node["uptime_seconds"].get_uint64(uptime)) rows.emplace_back("uptime", duration_text(uptime));
  add(rows, "node", health["cluster"]["node_id"]);
  add(rows, "role", health["cluster"]["role"]);
  add(rows, "hub", health["hub"]["connection"]);
  add(rows, "collections", node["collections_count"]);
  add(rows, "vectors", stats["total_vectors"]);
  std::uint64_t bytes = 0;
  if (stats["total_size_bytes"].get_uint64(bytes)) rows.emplace_back("size", format_bytes(bytes));
  if (stats["memory_usage_bytes"].get_uint64(bytes)) rows.emplace_back("memory", format_bytes(bytes));
  print_pairs(context.io.out, rows);
  return unhealthy ? exit_code::failed : exit_code::ok;
}

outcome<exit_code> run_version(command_context& context) {
  auto api = context.api();
  const auto server = api.get("/");
  const std::string remote = server ? std::string(text_of((*server)["version"])) : std::string();
  if (context.json()) {
    std::string out;
    json_writer w(out);
    w.begin_object().member("wagglectl", WAGGLE_VERSION).key("server");
    if (remote.empty())
      w.null();
    else
      w.value(remote);
    w.end_object();
    context.io.out << out << '\n';
  } else {
    print_pairs(context.io.out,
                {{"wagglectl", WAGGLE_VERSION},
                 {"server", remote.empty() ? "not reached at " + context.where.text() : printable(remote)}});
  }
  return exit_code::ok;
}

}  // namespace waggle::ctl
