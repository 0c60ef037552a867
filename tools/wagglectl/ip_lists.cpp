// `wagglectl tenant ip-lists`.
#include <ostream>

#include "base/text_out.hpp"
#include "tools/wagglectl/commands.hpp"
#include "tools/wagglectl/json_access.hpp"

namespace waggle::ctl {
namespace {

std::string shown_list(json_value list) {
  std::string out;
  if (list.is_array())
    for (const auto item : list.as_array())
      out.append(out.empty() ? "" : ", ").append(printable(std::string(text_of(json_value(item)))));
  return out.empty() ? "-" : out;
}

}  // namespace

outcome<exit_code> run_ip_lists(command_context& context, const ip_lists_options& options) {
  const auto target = "/hub/tenant/" + encode_segment(options.tenant) + "/ip_lists";
  std::string body;
  json_writer(body).begin_object().member("allowlist", options.allow).member("blocklist", options.block).end_object();
  if (options.changes() && context.global.dry_run) {
    context.io.out << "would send PUT " << target << ' ' << body << '\n';
    return exit_code::ok;
  }
  auto api = context.api();
  const auto root = options.changes() ? api.put(target, std::move(body)) : api.get(target);
  if (!root) return root.error();
  if (context.json())
    context.io.out << root->to_text() << '\n';
  else
    print_pairs(context.io.out, {{"tenant", printable(std::string(text_of((*root)["tenant_id"])))},
                                 {"allowed", shown_list((*root)["allowlist"])},
                                 {"blocked", shown_list((*root)["blocklist"])}});
  return exit_code::ok;
}

}  // namespace waggle::ctl
