// `wagglectl tenant list|show|suspend|resume|hibernate|wake|quota|cleanup`.
#include <ostream>

#include "base/text_out.hpp"
#include "tools/wagglectl/commands.hpp"
#include "tools/wagglectl/json_access.hpp"

namespace waggle::ctl {
namespace {
constexpr std::size_t page_tenants = 1000;

std::string route_of(const std::string& tenant, std::string_view what) {
  return "/hub/tenant/" + encode_segment(tenant) + "/" + std::string(what);
}

std::string shown(json_value value) {
  std::uint64_t n = 0;
  if (value.get_uint64(n)) return std::to_string(n);
  const auto text = text_of(value);
  return text.empty() ? "-" : printable(std::string(text));
}

std::string shown_bytes(json_value value) {
  std::uint64_t n = 0;
  return value.get_uint64(n) ? format_bytes(n) : "-";
}

void print_quota(std::ostream& out, json_value quota) {
  const auto rates = quota["rate_limits"];
  print_pairs(out, {{"collections", shown(quota["collections"]["limit"])},
                    {"vectors", shown(quota["vectors"]["limit"])},
                    {"storage", shown_bytes(quota["storage"]["limit"])},
                    {"requests/month", shown(quota["monthly"]["limit"])},
                    {"requests/minute", shown(rates["requests_per_minute"])},
                    {"requests/hour", shown(rates["requests_per_hour"])},
                    {"requests/day", shown(rates["requests_per_day"])}});
}

outcome<exit_code> answer(command_context& context, const outcome<json_value>& root, auto print) {
  if (!root) return root.error();
  if (context.json())
    context.io.out << root->to_text() << '\n';
  else
    print(*root);
  return exit_code::ok;
}

}  // namespace

outcome<exit_code> run_tenant_list(command_context& context) {
  auto api = context.api();
  std::vector<std::vector<std::string>> rows;
  std::string all = "[", cursor;
  do {
    const auto root = api.get("/cluster/tenants?limit=" + std::to_string(page_tenants) + cursor);
    if (!root) return root.error();
    const auto list = (*root)["tenants"];
    if (!list.is_array()) return command_failure(exit_code::failed, "The node's answer has no list of tenants");
    for (const auto item : list.as_array()) {
      const json_value t(item);
      all.append(all.size() > 1 ? "," : "").append(t.to_text());
      rows.push_back({shown(t["tenant_id"]), shown(t["state"]), shown(t["collections"]), shown(t["vectors"]),
                      shown_bytes(t["storage_used_bytes"]), shown_bytes(t["storage_quota_bytes"])});
    }
    const auto next = text_of((*root)["next_cursor"]);
    cursor = next.empty() ? "" : "&cursor=" + std::string(next);
  } while (!cursor.empty());
  if (context.json())
    context.io.out << "{\"tenants\":" << all << "]}\n";
  else
    print_table(context.io.out, {"TENANT", "STATE", "COLLECTIONS", "VECTORS", "STORAGE", "QUOTA"}, rows);
  return exit_code::ok;
}

outcome<exit_code> run_tenant_show(command_context& context, const std::string& tenant) {
  auto api = context.api();
  const auto root = api.get(route_of(tenant, "stats"));
  return answer(context, root, [&](json_value t) {
    print_pairs(context.io.out, {{"tenant", shown(t["tenant_id"])},
                                 {"state", shown(t["state"])},
                                 {"collections", shown(t["collection_count"])},
                                 {"vectors", shown(t["total_vectors"])},
                                 {"storage", shown_bytes(t["storage_bytes"])},
                                 {"last request", shown(t["last_request_at"])}});
    context.io.out << "limits\n";
    print_quota(context.io.out, t["quota"]);
  });
}

outcome<exit_code> run_tenant_act(command_context& context, const std::string& tenant, const std::string& what) {
  if (context.global.dry_run) {
    context.io.out << "would " << what << " tenant " << printable(tenant) << '\n';
    return exit_code::ok;
  }
  auto api = context.api();
  const auto root = api.post(route_of(tenant, what), "");
  return answer(context, root, [&](json_value t) { context.io.out << "tenant " << shown(t["tenant_id"]) << ": " << shown(t["state"]) << '\n'; });
}

outcome<exit_code> run_tenant_quota(command_context& context, const tenant_quota_options& options) {
  std::string body;
  json_writer w(body);
  w.begin_object().key("limits").begin_object();
  for (const auto& [name, limit] : options.limits)
    if (limit) w.member(name, *limit);
  w.end_object();
  if (!options.expires_at.empty()) w.member("expires_at", options.expires_at);
  w.end_object();
  if (options.changes() && context.global.dry_run) {
    context.io.out << "would send PUT " << route_of(options.tenant, "quota") << ' ' << body << '\n';
    return exit_code::ok;
  }
  auto api = context.api();
  if (options.changes())
    return answer(context, api.put(route_of(options.tenant, "quota"), std::move(body)),
                  [&](json_value quota) { print_quota(context.io.out, quota); });
  return answer(context, api.get(route_of(options.tenant, "stats")), [&](json_value t) { print_quota(context.io.out, t["quota"]); });
}

outcome<exit_code> run_tenant_cleanup(command_context& context, const std::string& tenant) {
  const auto stake = "tenant " + printable(tenant) + " with everything it has";
  if (context.global.dry_run) {
    context.io.out << "would erase " << stake << '\n';
    return exit_code::ok;
  }
  if (auto agreed = confirm(context.io, "Erase " + stake, context.global.yes); !agreed) return agreed.error();
  std::string body;
  json_writer(body).begin_object().member("tenant_id", tenant).member("confirm", true).end_object();
  auto api = context.api();
  const auto root = api.post("/hub/tenant/cleanup", std::move(body));
  return answer(context, root, [&](json_value t) {
    print_pairs(context.io.out, {{"tenant", shown(t["tenant_id"])},
                                 {"collections erased", shown(t["collections_deleted"])},
                                 {"vectors erased", shown(t["vectors_deleted"])},
                                 {"bytes freed", shown_bytes(t["bytes_freed"])},
                                 {"receipt", shown(t["receipt"])}});
  });
}

}  // namespace waggle::ctl
