// `wagglectl collections list|show|create|delete`.
#include <iostream>

#include "base/names.hpp"
#include "base/text_out.hpp"
#include "tools/wagglectl/commands.hpp"

namespace waggle::ctl {
namespace {
std::string shown(json_value value) {
  return printable(value.is_string() ? std::string(value.as_string()) : value.present() ? value.to_text() : "-");
}
/// A name the node would refuse is a usage error here; "user_…:docs" (operator scope) passes, the node judges it.
outcome<void> check_name(const std::string& name) {
  const auto colon = name.find(':');
  const auto bare = collection_name::parse(colon == std::string::npos ? name : name.substr(colon + 1));
  if (!bare) return command_failure(exit_code::usage, bare.error().message);
  return {};
}
std::string target_of(const std::string& name) { return "/collections/" + encode_segment(name); }

void print_collection(std::ostream& out, json_value c) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const char* name : {"name", "full_name", "collection_id", "owner_id", "description", "status", "dimension",
                           "metric", "embedding_provider", "vector_count", "document_count"})
    if (!c[name].missing()) rows.emplace_back(name, shown(c[name]));
  std::uint64_t bytes = 0;
  if (c["size_bytes"].get_uint64(bytes)) rows.emplace_back("size", format_bytes(bytes));
  for (const char* name : {"quantization", "hnsw", "indexing_status", "replication_factor", "created_at", "updated_at"})
    if (!c[name].missing()) rows.emplace_back(name, shown(c[name]));
  print_pairs(out, rows);
}
}  // namespace

outcome<exit_code> run_collections_list(command_context& context) {
  auto api = context.api();
  auto root = api.get("/collections");
  if (!root) return root.error();
  if (context.json()) {
    context.io.out << root->to_text() << '\n';
    return exit_code::ok;
  }
  const auto list = (*root)["collections"];
  if (!list.is_array()) return command_failure(exit_code::failed, "The node's answer has no list of collections");
  std::vector<std::vector<std::string>> rows;
  for (const auto item : list.as_array()) {
    const json_value c(item);
    std::uint64_t bytes = 0;
    c["size_bytes"].get_uint64(bytes);
    rows.push_back({shown(c["name"]), shown(c["vector_count"]), shown(c["dimension"]), shown(c["metric"]),
                    format_bytes(bytes), shown(c["status"])});
  }
  print_table(context.io.out, {"NAME", "VECTORS", "DIMENSION", "METRIC", "SIZE", "STATUS"}, rows);
  return exit_code::ok;
}

outcome<exit_code> run_collections_show(command_context& context, const std::string& name) {
  if (auto valid = check_name(name); !valid) return valid.error();
  auto api = context.api();
  auto root = api.get(target_of(name));
  if (!root) return root.error();
  if (context.json())
    context.io.out << root->to_text() << '\n';
  else
    print_collection(context.io.out, *root);
  return exit_code::ok;
}

outcome<exit_code> run_collections_create(command_context& context, const create_options& options) {
  if (auto valid = check_name(options.name); !valid) return valid.error();
  std::string body;
  json_writer w(body);
  w.begin_object().member("name", options.name).member("dimension", options.dimension).member("metric", options.metric);
  if (!options.description.empty()) w.member("description", options.description);
  if (!options.quantization.empty())
    w.key("quantization").begin_object().member("type", options.quantization).end_object();
  w.end_object();
  if (context.global.dry_run) {
    context.io.out << "would send POST /collections " << body << '\n';
    return exit_code::ok;
  }
  auto api = context.api();
  auto root = api.post("/collections", std::move(body));
  if (!root) return root.error();
  if (context.json())
    context.io.out << root->to_text() << '\n';
  else
    context.io.out << "created '" << options.name << "'\n";
  return exit_code::ok;
}

outcome<exit_code> run_collections_delete(command_context& context, const std::string& name) {
  if (auto valid = check_name(name); !valid) return valid.error();
  auto api = context.api();
  // Asked first, so that the question can say what is at stake and a wrong name is no question at all.
  auto found = api.get(target_of(name));
  if (!found) return found.error();
  const std::string stake = "'" + printable(name) + "' with " + shown((*found)["vector_count"]) + " vectors";
  if (context.global.dry_run) {
    context.io.out << "would delete " << stake << '\n';
    return exit_code::ok;
  }
  if (auto agreed = confirm(context.io, "Delete " + stake, context.global.yes); !agreed) return agreed.error();
  auto root = api.del(target_of(name));
  if (!root) return root.error();
  if (context.json())
    context.io.out << root->to_text() << '\n';
  else
    context.io.out << "deleted " << stake << '\n';
  return exit_code::ok;
}

}  // namespace waggle::ctl
