// `wagglectl audit verify|tail`.
#include <algorithm>
#include <ostream>

#include "base/text_out.hpp"
#include "net/audit/audit_verify.hpp"
#include "tools/wagglectl/commands.hpp"
#include "tools/wagglectl/json_access.hpp"

namespace waggle::ctl {
namespace {

void print_json(std::ostream& out, const audit_verdict& verdict) {
  std::string text;
  json_writer w(text);
  w.begin_object().member("ok", !verdict.fault.has_value()).member("files", verdict.files);
  w.member("records", verdict.records).member("seq", verdict.head.seq).member("head", verdict.head.hash);
  w.member("signed_seq", verdict.signed_seq).key("fault");
  if (const auto& fault = verdict.fault) {
    w.begin_object().member("kind", to_string(fault->kind)).member("file", fault->file).member("line", fault->line);
    w.member("seq", fault->seq).member("why", fault->why).end_object();
  } else {
    w.null();
  }
  w.end_object();
  out << text << '\n';
}

void print_text(std::ostream& out, const audit_verdict& verdict, bool with_key) {
  if (const auto& fault = verdict.fault) {
    out << to_string(fault->kind) << ": " << printable(fault->file) << " line " << fault->line << " seq " << fault->seq
        << ": " << printable(fault->why) << '\n';
    return;
  }
  print_pairs(out, {{"result", "intact"},
                    {"files", std::to_string(verdict.files)},
                    {"records", std::to_string(verdict.records)},
                    {"seq", std::to_string(verdict.head.seq)},
                    {"signed up to seq", with_key ? std::to_string(verdict.signed_seq) : "not looked at (--public-key)"},
                    {"head", verdict.head.hash}});
}

/// A page of the node's, newest first; `cursor` moves on, and is empty behind the last one.
outcome<std::vector<std::string>> next_page(node_api& api, const audit_tail_options& options, std::size_t limit,
                                            std::string& cursor) {
  std::string target = "/auth/audit?limit=" + std::to_string(limit);
  for (const auto& [name, value] : {std::pair<const char*, const std::string&>("tenant_id", options.tenant), {"actor", options.actor},
                                    {"action", options.action}, {"from", options.from}, {"to", options.to}, {"cursor", cursor}})
    if (!value.empty()) target.append("&").append(name).append("=").append(encode_segment(value));
  const auto root = api.get(target);
  if (!root) return root.error();
  const auto entries = (*root)["entries"];
  if (!entries.is_array()) return command_failure(exit_code::failed, "The node's answer has no entries");
  std::vector<std::string> page;
  for (const auto entry : entries.as_array()) page.push_back(json_value(entry).to_text());
  cursor = text_of((*root)["next_cursor"]);
  return page;
}

std::string shown(json_value value) {
  const auto text = value.is_string() ? std::string(value.as_string()) : value.missing() ? "" : value.to_text();
  return text.empty() ? "-" : printable(text);
}

std::vector<std::string> row_of(const std::string& entry) {
  json_parser parser;
  const auto root = parser.parse(entry);
  if (!root) return {};
  const auto& e = *root;
  const auto actor = e["actor"];
  return {shown(e["at"]), shown(e["tenant_id"]), shown(actor["kind"]), shown(actor["id"]), shown(e["function"]),
          shown(e["target"]), shown(e["status"]), shown(e["client_ip"])};
}

}  // namespace

outcome<exit_code> run_audit_tail(command_context& context, const audit_tail_options& options) {
  constexpr std::size_t page_max = 1000;
  auto api = context.api();
  std::vector<std::string> entries;
  std::string cursor;
  do {
    // A page may be short or empty although more follows: the node looks at so much at a time.
    auto page = next_page(api, options, std::min(options.limit - entries.size(), page_max), cursor);
    if (!page) return page.error();
    std::move(page->begin(), page->end(), std::back_inserter(entries));
  } while (!cursor.empty() && entries.size() < options.limit);
  std::reverse(entries.begin(), entries.end());
  if (context.json()) {
    for (const auto& entry : entries) context.io.out << entry << '\n';
    return exit_code::ok;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& entry : entries) rows.push_back(row_of(entry));
  print_table(context.io.out, {"AT", "TENANT", "ACTOR", "ID", "FUNCTION", "TARGET", "STATUS", "FROM"}, rows);
  return exit_code::ok;
}

outcome<exit_code> run_audit_verify(command_context& context, const audit_verify_options& options) {
  audit_proof proof{options.anchor, nullptr, options.from, options.to};
  if (!options.public_key.empty()) {
    auto key = audit_key::load_public(options.public_key);
    if (!key) return command_failure(exit_code::usage, printable(key.error().message));
    proof.key = std::move(*key);
  }
  const auto verdict = options.file.empty() ? verify_audit_directory(options.directory, proof)
                                            : verify_audit_file(options.file, proof);
  if (!verdict) return command_failure(exit_code::usage, printable(verdict.error().message));
  if (context.json())
    print_json(context.io.out, *verdict);
  else
    print_text(context.io.out, *verdict, proof.key != nullptr);
  return verdict->fault ? exit_code::failed : exit_code::ok;
}

}  // namespace waggle::ctl
