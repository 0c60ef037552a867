// `wagglectl tenancy convert`: from one database for all tenants to one for each, and back.
#include <ostream>

#include "base/text_out.hpp"
#include "storage/apply/layout_convert.hpp"
#include "tools/wagglectl/commands.hpp"

namespace waggle::ctl {
namespace {

command_failure failed(const failure& why) {
  const auto code = why.code == ec::conflict       ? exit_code::conflict
                    : why.code == ec::corrupt_data ? exit_code::failed
                                                   : exit_code::usage;
  auto text = why.log_text.empty() ? why.message : why.log_text;
  if (text.find("lock file") != text.npos) text = "The store can't be opened; stop the node first (" + text + ")";
  return command_failure(code, printable(text));
}

}  // namespace

outcome<exit_code> run_tenancy_convert(command_context& context, const convert_options& options) {
  const auto to = options.to == "storage" ? tenant_layout::apart : tenant_layout::together;
  const auto step = [&context](const tenant_id& owner, std::uint64_t keys) {
    context.io.err << to_string(owner) << ": " << keys << " keys\n";
  };
  const auto done = convert_layout(options.data_dir, group_id{}, to, step);
  if (!done) return failed(done.error());
  if (context.json()) {
    std::string text;
    json_writer w(text);
    w.begin_object().member("layout", options.to).member("was_so", done->was_so).member("tenants", done->tenants);
    w.member("keys", done->keys).end_object();
    context.io.out << text << '\n';
  } else if (done->was_so) {
    context.io.out << "Nothing to do: it is '" << options.to << "' already\n";
  } else {
    context.io.out << "Converted " << done->tenants << " tenants, " << done->keys << " keys; now set hub.tenant_isolation: "
                   << options.to << '\n';
  }
  return exit_code::ok;
}

}  // namespace waggle::ctl
