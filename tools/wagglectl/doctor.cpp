#include "tools/wagglectl/doctor.hpp"

#include <algorithm>
#include <iostream>

#include "base/clock.hpp"
#include "base/text_out.hpp"
#include "tools/wagglectl/commands.hpp"
#include "tools/wagglectl/json_access.hpp"

namespace waggle::ctl {
namespace {

/// "2026-01-01T00:00:00.250Z" to unix milliseconds.
std::optional<std::int64_t> parse_rfc3339(std::string_view text) {
  tm parts{};
  const std::string copy(text);
  const char* rest = ::strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) return std::nullopt;
  std::int64_t ms = std::int64_t{::timegm(&parts)} * 1000;
  if (*rest == '.') {
    int scale = 100;
    for (++rest; *rest >= '0' && *rest <= '9'; ++rest, scale /= 10) ms += (*rest - '0') * scale;
  }
  if (std::string_view(rest) != "Z") return std::nullopt;
  return ms;
}

http_request plain_get(const char* target, bool send_token) {
  http_request request;
  request.target = target;
  request.send_token = send_token;
  request.repeatable = true;
  return request;
}

/// The checks that need the node. An unreachable node is the one finding of this part.
void examine_node(command_context& context, std::vector<finding>& out) {
  auto api = context.api();
  const system_clock time;
  if (auto warm = api.raw(plain_get("/health", true)); !warm) {
    out.push_back({"endpoint", verdict::fault, warm.error().message, warm.error().remedy});
    return;
  }
  // Asked twice: the first call paid for the connection, the second one's duration bounds the clock's error.
  const std::int64_t sent = time.unix_ms();
  auto health = api.raw(plain_get("/health", true));
  const std::int64_t received = time.unix_ms();
  if (!health) {
    out.push_back({"endpoint", verdict::fault, health.error().message, health.error().remedy});
    return;
  }
  out.push_back(
      {"endpoint", verdict::ok, context.where.text() + " answered in " + std::to_string(received - sent) + " ms", ""});
  json_parser parser;
  const auto parsed = parser.parse(health->body);
  const json_value root = parsed ? *parsed : json_value();
  std::string version(text_of(root["version"]));
  if (version.empty())
    if (auto info = api.get("/")) version = text_of((*info)["version"]);
  out.push_back(judge_version(WAGGLE_VERSION, version));
  out.push_back(judge_health(health->status, root));

  std::optional<std::int64_t> server_ms = parse_rfc3339(text_of(root["timestamp"]));
  std::int64_t uncertainty = (received - sent) / 2 + 1;
  if (!server_ms && health->date_unix_seconds) {
    server_ms = *health->date_unix_seconds * 1000 + 500;  // the header has whole seconds
    uncertainty += 500;
  }
  std::optional<std::int64_t> skew;
  if (server_ms) skew = *server_ms - (sent + received) / 2;
  out.push_back(judge_clock(skew, uncertainty));

  const auto open = api.raw(plain_get("/collections?limit=1", false));
  out.push_back(judge_exposure(context.where, open && open->status == 200));
  auto list = api.get("/collections");
  out.push_back(judge_collections(list ? (*list)["collections"] : json_value()));
}

void examine_machine(const doctor_options& options, std::vector<finding>& out) {
  out.push_back(judge_open_files(open_files_max()));
  if (options.data_dir.empty()) {
    out.push_back({"disk", verdict::skipped, "no data directory was named", "add --data-dir on the node's machine"});
    return;
  }
  const auto space = measure_space(options.data_dir);
  out.push_back(space ? judge_space(*space)
                      : finding{"disk space", verdict::fault, space.error().message, "name the node's data directory"});
  if (!space) return;
  const auto latency = measure_fsync(options.data_dir, options.fsync_samples);
  out.push_back(latency ? judge_fsync(*latency)
                        : finding{"disk latency", verdict::fault, latency.error().message,
                                  "the node's user must be able to write there"});
}

void print_json(std::ostream& out, const std::vector<finding>& findings, bool healthy) {
  std::string text;
  json_writer w(text);
  w.begin_object().member("ok", healthy).key("checks").begin_array();
  for (const auto& f : findings) {
    w.begin_object().member("check", f.check).member("result", verdict_name(f.result)).member("detail", f.detail);
    w.member("remedy", f.remedy).end_object();
  }
  w.end_array().end_object();
  out << text << '\n';
}

}  // namespace

outcome<exit_code> run_doctor(command_context& context, const doctor_options& options) {
  std::vector<finding> findings;
  examine_node(context, findings);
  examine_machine(options, findings);
  const bool healthy =
      std::none_of(findings.begin(), findings.end(), [](const finding& f) { return f.result == verdict::fault; });
  if (context.json()) {
    print_json(context.io.out, findings, healthy);
  } else {
    std::vector<std::vector<std::string>> rows;
    for (const auto& f : findings) rows.push_back({std::string(verdict_name(f.result)), f.check, f.detail});
    print_table(context.io.out, {"RESULT", "CHECK", "DETAIL"}, rows);
    for (const auto& f : findings)
      if (!f.remedy.empty()) context.io.out << f.check << ": " << f.remedy << '\n';
  }
  return healthy ? exit_code::ok : exit_code::failed;
}

}  // namespace waggle::ctl
