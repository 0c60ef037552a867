// The judgements of `wagglectl doctor`.
#include <cstdlib>

#include "base/limits.hpp"
#include "base/text_out.hpp"
#include "tools/wagglectl/console.hpp"
#include "tools/wagglectl/doctor.hpp"
#include "tools/wagglectl/json_access.hpp"

namespace waggle::ctl {
namespace {
constexpr int space_warning_percent = 85;
constexpr std::int64_t fsync_warning_us = 20'000;
constexpr std::int64_t fsync_fault_us = 200'000;
constexpr std::int64_t clock_warning_ms = 1'000;
constexpr std::int64_t clock_fault_ms = 30'000;  // tokens and signed requests are judged by time
constexpr std::uint64_t files_fault = 1024;
constexpr std::uint64_t files_beside_connections = 4096;  // storage files and peers

std::string major_minor(std::string_view version) {
  const auto first = version.find('.');
  return std::string(version.substr(0, first == version.npos ? first : version.find('.', first + 1)));
}
}  // namespace

std::string_view verdict_name(verdict v) {
  switch (v) {
    case verdict::ok: return "ok";
    case verdict::warning: return "warning";
    case verdict::fault: return "fault";
    case verdict::skipped: return "skipped";
  }
  return "";
}

finding judge_version(std::string_view client, std::string_view server) {
  if (server.empty()) return {"version", verdict::skipped, "the node does not tell its version", ""};
  const std::string both = "wagglectl " + std::string(client) + ", node " + printable(server);
  if (client == server) return {"version", verdict::ok, both, ""};
  if (major_minor(client) == major_minor(server))
    return {"version", verdict::warning, both, "install the same release on both sides"};
  return {"version", verdict::fault, both, "use the wagglectl of the node's release; commands may not fit"};
}

finding judge_health(int http_status, json_value health) {
  const auto status = text_of(health["status"]);
  if (http_status == 200 && status == "healthy") return {"health", verdict::ok, "healthy", ""};
  if (http_status == 401 || http_status == 403)
    return {"health", verdict::skipped, "the credential may not read /health", "use an operator credential"};
  if (http_status == 200 && status == "degraded")
    return {"health", verdict::warning, "degraded", "see the collections below and the node's log"};
  return {"health", verdict::fault, status.empty() ? "HTTP status " + std::to_string(http_status) : printable(status),
          "see the node's log; it names what is not ready"};
}

finding judge_space(const disk_space& space) {
  const int used = space.used_percent();
  const std::string detail = std::to_string(used) + "% used, " + format_bytes(space.free_bytes) + " free";
  if (used >= limits::storage_full_percent)
    return {"disk space", verdict::fault, detail,
            "free space or grow the disk: the node refuses writes that grow (507)"};
  if (used >= space_warning_percent)
    return {
        "disk space", verdict::warning, detail,
        "plan for more: at " + std::to_string(limits::storage_full_percent) + "% the node refuses writes that grow"};
  return {"disk space", verdict::ok, detail, ""};
}

finding judge_fsync(const fsync_latency& latency) {
  const std::string detail = "append 4 KiB + fdatasync: p50 " + std::to_string(latency.p50_us) + " us, p99 " +
                             std::to_string(latency.p99_us) + " us (" + std::to_string(latency.samples) + " samples)";
  const std::string remedy =
      "every acknowledged write waits for this: use a disk with power-loss protection, or a quieter one";
  if (latency.p99_us >= fsync_fault_us) return {"disk latency", verdict::fault, detail, remedy};
  if (latency.p99_us >= fsync_warning_us) return {"disk latency", verdict::warning, detail, remedy};
  return {"disk latency", verdict::ok, detail, ""};
}

finding judge_open_files(std::uint64_t soft_limit) {
  const std::string detail = "limit of this shell: " + std::to_string(soft_limit);
  const std::uint64_t wanted = limits::connections_max_default + files_beside_connections;
  const std::string remedy =
      "raise it to " + std::to_string(wanted) + " (ulimit -n, or LimitNOFILE= in the service file)";
  if (soft_limit < files_fault) return {"open files", verdict::fault, detail, remedy};
  if (soft_limit < wanted) return {"open files", verdict::warning, detail, remedy};
  return {"open files", verdict::ok, detail, ""};
}

finding judge_exposure(const endpoint& where, bool open_answer) {
  if (where.loopback())
    return {"listener", verdict::ok, open_answer ? "loopback, open to local users" : "loopback, asks for a credential",
            ""};
  if (open_answer)
    return {"listener", verdict::fault, where.text() + " serves data without a credential",
            "set auth.enabled: true, or bind server.host to 127.0.0.1"};
  if (!where.tls)
    return {"listener", verdict::fault, where.text() + " is not encrypted: credentials and data can be read on the way",
            "set server.tls.enabled with a certificate, or put a TLS proxy before it"};
  return {"listener", verdict::ok, "TLS, asks for a credential", ""};
}

finding judge_collections(json_value collections) {
  if (!collections.is_array())
    return {"collections", verdict::skipped, "the credential may not list them", "use a credential that can read"};
  std::size_t total = 0, indexing = 0, degraded = 0;
  std::string names;
  for (const auto item : collections.as_array()) {
    const json_value c(item);
    ++total;
    if (text_of(c["status"]) == "indexing") ++indexing;
    if (text_of(c["status"]) != "degraded") continue;
    if (++degraded <= 5) names += (names.empty() ? "" : ", ") + printable(text_of(c["name"]), 60);
  }
  const std::string detail = std::to_string(total) + " collections, " + std::to_string(indexing) + " indexing, " +
                             std::to_string(degraded) + " degraded" + (names.empty() ? "" : ": " + names);
  if (degraded)
    return {"collections", verdict::fault, detail,
            "see the node's log for these; restore the latest backup if data is damaged"};
  if (indexing)
    return {"collections", verdict::warning, detail, "searches are slower until the index is built; no action"};
  return {"collections", verdict::ok, detail, ""};
}

finding judge_clock(std::optional<std::int64_t> skew_ms, std::int64_t uncertainty_ms) {
  if (!skew_ms) return {"clock", verdict::skipped, "the node sent no time", ""};
  const std::string detail =
      "node is " + std::to_string(*skew_ms) + " ms ahead of this machine (+/- " + std::to_string(uncertainty_ms) + ")";
  const std::string remedy = "run a time service (chrony, systemd-timesyncd) on both machines";
  const std::int64_t sure = std::llabs(*skew_ms) - uncertainty_ms;
  if (sure >= clock_fault_ms) return {"clock", verdict::fault, detail, remedy};
  if (sure >= clock_warning_ms) return {"clock", verdict::warning, detail, remedy};
  return {"clock", verdict::ok, detail, ""};
}

}  // namespace waggle::ctl
