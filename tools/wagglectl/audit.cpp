// `wagglectl audit verify`.
#include <ostream>

#include "base/text_out.hpp"
#include "net/audit/audit_verify.hpp"
#include "tools/wagglectl/commands.hpp"

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

}  // namespace

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
