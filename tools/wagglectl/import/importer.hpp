#pragma once
// `wagglectl import`: the whole run.
//
//   source ─▶ record_reader ─▶ batch_builder ─▶ batch_queue ─▶ batch_sender × connections ─▶ node
//             (caller's thread)                 (bounded)       (a thread each)
//                   └ rejects ──────────▶ import_ledger ◀──────── acknowledgements, rejects
#include "tools/wagglectl/api.hpp"
#include "tools/wagglectl/console.hpp"
#include "tools/wagglectl/import/batch_queue.hpp"
#include "tools/wagglectl/import/batch_sender.hpp"
#include "tools/wagglectl/import/import_ledger.hpp"
#include "tools/wagglectl/import/interruption.hpp"
#include "tools/wagglectl/options.hpp"

namespace waggle::ctl {

struct import_report {
  import_counts counts;
  std::uint64_t resumed_at = 0;       ///< records that an earlier run had done
  std::uint64_t rejected_before = 0;  ///< by that earlier run
  std::int64_t duration_ms = 0;
  std::vector<rejected_record> samples;
  bool dry_run = false;
  bool stopped_at_limit = false;  ///< --limit ended it before the source did; --resume goes on
};

class importer {
 public:
  importer(console& io, endpoint where, client_options client, import_options options, retry_policy policy)
      : io_(io), where_(std::move(where)), client_(std::move(client)), options_(std::move(options)), policy_(policy) {}

  /// Sends everything. A failure, a signal, or a limit before the end leaves a state file behind (unless the source is
  /// standard input) for --resume.
  outcome<import_report> run();
  /// Reads and checks everything, sends nothing.
  outcome<import_report> check_only();

 private:
  outcome<void> open_source();
  outcome<import_state> first_state();
  outcome<void> agree_on_collection();
  outcome<void> create_collection();
  outcome<void> preview_dimension();
  outcome<void> start_reader(const import_state& start);
  void feed(batch_builder& builder, batch_queue& queue, import_ledger& ledger);
  void drain(batch_queue& queue, import_ledger& ledger);
  command_failure damaged_source() const;
  std::optional<command_failure> why_stopped(const import_ledger& ledger) const;

  console& io_;
  endpoint where_;
  client_options client_;
  import_options options_;
  retry_policy policy_;
  std::unique_ptr<byte_source> source_;
  std::unique_ptr<buffered_input> input_;
  std::unique_ptr<record_reader> reader_;
  source_format format_ = source_format::jsonl;
  source_fingerprint fingerprint_;
  std::string state_file_;
  bool from_stdin_ = false;
  bool resumed_ = false;
  bool limit_reached_ = false;
  std::optional<command_failure> source_failure_;
  int signal_ = 0;
};

}  // namespace waggle::ctl
