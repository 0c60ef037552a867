#include "tools/wagglectl/migrate.hpp"

#include <chrono>
#include <ostream>
#include <thread>

#include "base/text_out.hpp"
#include "tools/wagglectl/json_access.hpp"

namespace waggle::ctl {
namespace {
constexpr std::chrono::milliseconds between_looks{500};

std::string shown(json_value value) {
  std::uint64_t n = 0;
  if (value.get_uint64(n)) return std::to_string(n);
  const auto text = text_of(value);
  return text.empty() ? "-" : printable(std::string(text));
}

std::uint64_t number(json_value value) {
  std::uint64_t n = 0;
  return value.get_uint64(n) ? n : 0;
}

void print_moves(std::ostream& out, json_value moves) {
  std::vector<std::vector<std::string>> rows;
  if (moves.is_array())
    for (const auto item : moves.as_array()) {
      const json_value m(item);
      rows.push_back({shown(m["original_name"]), shown(m["owner_id"]), shown(m["status"]), shown(m["vector_count"]), shown(m["error"])});
    }
  print_table(out, {"COLLECTION", "OWNER", "STATUS", "VECTORS", "WHY"}, rows);
}

void print_plan(command_context& context, json_value plan) {
  auto& out = context.io.out;
  if (context.json()) {
    out << plan.to_text() << '\n';
    return;
  }
  print_moves(out, plan["collections"]);
  if (plan["dry_run"].is_bool() && plan["dry_run"].as_bool())
    out << "dry run: nothing was written down\n";
  else
    out << "plan " << shown(plan["id"]) << ": " << shown(plan["phase"]) << '\n';
}

std::string body_of(const std::string& plan) {
  std::string body;
  json_writer(body).begin_object().member("plan_id", plan).end_object();
  return body;
}

}  // namespace

outcome<exit_code> run_migrate_scan(command_context& context) {
  auto api = context.api();
  const auto root = api.get("/hub/migration");
  if (!root) return root.error();
  if (context.json()) {
    context.io.out << root->to_text() << '\n';
    return exit_code::ok;
  }
  std::vector<std::vector<std::string>> rows;
  if (const auto list = (*root)["collections"]; list.is_array())
    for (const auto item : list.as_array()) {
      const json_value c(item);
      rows.push_back({shown(c["name"]), shown(c["dimension"]), shown(c["shard_count"]), shown(c["vector_count"]),
                      format_bytes(number(c["storage_bytes"])), shown(c["snapshots"])});
    }
  print_table(context.io.out, {"COLLECTION", "DIMENSION", "SHARDS", "VECTORS", "STORAGE", "SNAPSHOTS"}, rows);
  if (const auto plan = (*root)["plan_id"]; plan.is_string())
    context.io.out << "plan " << shown(plan) << ": " << shown((*root)["phase"]) << '\n';
  return exit_code::ok;
}

outcome<exit_code> run_migrate_plan(command_context& context, const migrate_options& options) {
  std::string body;
  json_writer w(body);
  w.begin_object().member("default_owner", options.default_owner).member("dry_run", context.global.dry_run).key("map").begin_object();
  for (const auto& pair : options.owners) {
    // A name may have '=' in it, a UUID has not.
    const auto at = pair.rfind('=');
    if (at == std::string::npos) return command_failure(exit_code::usage, "--map takes name=UUID, not '" + printable(pair) + "'");
    w.member(pair.substr(0, at), pair.substr(at + 1));
  }
  w.end_object().end_object();
  auto api = context.api();
  const auto root = api.post("/hub/migration/plan", std::move(body));
  if (!root) return root.error();
  print_plan(context, *root);
  return exit_code::ok;
}

outcome<exit_code> run_migrate_status(command_context& context, const std::string& plan) {
  auto api = context.api();
  const auto root = api.get("/hub/migration/" + encode_segment(plan));
  if (!root) return root.error();
  print_plan(context, *root);
  return exit_code::ok;
}

outcome<exit_code> run_migrate_act(command_context& context, const std::string& plan, const std::string& what) {
  if (context.global.dry_run) {
    context.io.out << "would " << what << " plan " << printable(plan) << '\n';
    return exit_code::ok;
  }
  if (what == "finish")
    if (auto agreed = confirm(context.io, "Delete the collections that plan " + printable(plan) + " gave to tenants", context.global.yes);
        !agreed)
      return agreed.error();
  auto api = context.api();
  auto root = api.post("/hub/migration/" + what, body_of(plan));
  bool asked = true;
  while (root && (*root)["completed_at"].missing()) {
    std::this_thread::sleep_for(between_looks);
    root = api.get("/hub/migration/" + encode_segment(plan));
    asked = false;
  }
  if (!root) return root.error();
  if (context.json()) {
    context.io.out << root->to_text() << '\n';
  } else {
    print_moves(context.io.out, (*root)[asked ? "details" : "collections"]);
    context.io.out << "plan " << printable(plan) << ": " << shown((*root)["phase"]) << '\n';
  }
  const bool refused = number((*root)["failed"]) + number((*root)["skipped"]) > 0;
  return what == "execute" && refused ? exit_code::failed : exit_code::ok;
}

}  // namespace waggle::ctl
