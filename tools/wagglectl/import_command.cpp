// `wagglectl import`: runs the importer and reports.
#include <iostream>

#include "base/text_out.hpp"
#include "tools/wagglectl/commands.hpp"
#include "tools/wagglectl/import/importer.hpp"

namespace waggle::ctl {
namespace {
void print_json(std::ostream& out, const import_options& options, const import_report& report,
                std::uint64_t per_second) {
  std::string text;
  json_writer w(text);
  w.begin_object().member("collection", options.collection).member("source", options.source);
  w.member("dry_run", report.dry_run).member("accepted", report.counts.accepted);
  w.member("rejected", report.counts.rejected).member("batches", report.counts.batches);
  w.member("retries", report.counts.retries).member("resumed_at", report.resumed_at);
  w.member("rejected_before", report.rejected_before).member("duration_ms", report.duration_ms);
  w.member("records_per_second", per_second).key("sample_rejects").begin_array();
  for (const auto& r : report.samples)
    w.begin_object().member("line", r.position).member("reason", r.reason).end_object();
  w.end_array().end_object();
  out << text << '\n';
}
}  // namespace

outcome<exit_code> run_import(command_context& context, const import_options& options, const retry_policy& policy) {
  importer run(context.io, context.where, context.client, options, policy);
  auto report = context.global.dry_run ? run.check_only() : run.run();
  if (!report) return report.error();
  const auto& counts = report->counts;
  const auto ms = static_cast<std::uint64_t>(std::max<std::int64_t>(report->duration_ms, 1));
  const std::uint64_t per_second = counts.accepted * 1000 / ms;
  if (context.json()) {
    print_json(context.io.out, options, *report, per_second);
  } else {
    auto& out = context.io.out;
    if (report->dry_run)
      out << counts.accepted << " records could be imported";
    else
      out << counts.accepted << " records into '" << options.collection << "'";
    out << ", " << counts.rejected << " rejected, "
        << (ms < 1000 ? std::to_string(ms) + "ms" : format_seconds(static_cast<double>(ms) / 1000)) << ", " << per_second
        << "/s";
    if (counts.retries) out << ", " << counts.retries << " retries";
    if (report->resumed_at) out << "; " << report->resumed_at << " were done before";
    out << '\n';
    if (report->stopped_at_limit)
      context.io.err << "stopped at --limit; the same command with --resume goes on from there\n";
    for (const auto& r : report->samples)
      context.io.err << "rejected " << r.position << ": " << printable(r.reason) << '\n';
    if (counts.rejected > report->samples.size())
      context.io.err << (counts.rejected - report->samples.size()) << " more rejected"
                     << (options.rejects_file.empty() ? "; --rejects FILE lists all" : "; see " + options.rejects_file)
                     << '\n';
  }
  const bool any_rejected = counts.rejected + report->rejected_before > 0;
  return any_rejected && !options.allow_rejects ? exit_code::failed : exit_code::ok;
}

}  // namespace waggle::ctl
