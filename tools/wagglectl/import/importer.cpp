#include "tools/wagglectl/import/importer.hpp"

#include <chrono>
#include <csignal>
#include <iostream>
#include <thread>

#include "base/text_out.hpp"
#include "base/uuid.hpp"

namespace waggle::ctl {
namespace {
command_failure usage(std::string text, std::string remedy = {}) {
  return {exit_code::usage, std::move(text), std::move(remedy)};
}
std::int64_t ms_since(std::chrono::steady_clock::time_point began) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began).count();
}
}  // namespace

outcome<void> importer::open_source() {
  from_stdin_ = options_.source == "-";
  if (from_stdin_) {
    source_ = file_source::standard_input();
  } else {
    auto file = file_source::open(options_.source);
    if (!file) return usage(file.error().message);
    source_ = std::move(*file);
    auto print = fingerprint_file(options_.source);
    if (!print) return usage(print.error().message);
    fingerprint_ = *print;
    state_file_ = state_path(options_.source, where_.text(), options_.collection);
  }
  input_ = std::make_unique<buffered_input>(*source_);
  auto format = choose_format(options_.format, options_.source, *input_);
  if (!format) return usage(format.error().message, "say which with --format jsonl|csv|fvecs|bvecs|npy");
  format_ = *format;
  return {};
}

outcome<import_state> importer::first_state() {
  import_state fresh;
  fresh.run_id = new_uuid_v4();
  fresh.endpoint = where_.text();
  fresh.collection = options_.collection;
  fresh.source = fingerprint_;
  if (!options_.resume) return fresh;
  if (from_stdin_) return usage("Standard input cannot be resumed", "import from a file");
  auto kept = load_state(state_file_);
  if (!kept && kept.error().code == ec::not_found) {
    io_.err << "there is no unfinished import of " << printable(options_.source) << " into '"
            << printable(options_.collection) << "'; it begins at the start\n";
    return fresh;
  }
  if (!kept) return command_failure(exit_code::failed, kept.error().message, "leave out --resume to begin again");
  if (!(kept->source == fingerprint_))
    return command_failure(exit_code::conflict, options_.source + " has changed since the import of it stopped",
                           "leave out --resume to begin again; records with the same ids are overwritten");
  resumed_ = true;
  return *kept;
}

outcome<void> importer::create_collection() {
  std::string body;
  json_writer w(body);
  w.begin_object().member("name", options_.collection).member("metric", options_.metric);
  if (options_.reader.dimension) w.member("dimension", options_.reader.dimension);
  w.end_object();
  node_api api(http_client(where_, client_));
  auto made = api.post("/collections", std::move(body));
  if (!made) return made.error();
  return {};
}

/// Sets the dimension that every record must have: the collection's. A missing collection is made, if the user said so,
/// with
/// --dimension or else that of the first record with a vector.
outcome<void> importer::agree_on_collection() {
  node_api api(http_client(where_, client_));
  auto found = api.get("/collections/" + encode_segment(options_.collection));
  if (!found && found.error().code != exit_code::not_found) return found.error();
  if (!found && !options_.create)
    return command_failure(exit_code::not_found, "There is no collection '" + options_.collection + "'",
                           "add --create, or make it with `wagglectl collections create`");
  if (found) {
    std::uint64_t dimension = 0;
    (*found)["dimension"].get_uint64(dimension);
    if (options_.reader.dimension && dimension && options_.reader.dimension != dimension)
      return command_failure(exit_code::conflict, "The collection '" + options_.collection + "' has dimension " +
                                                      std::to_string(dimension) + ", not " +
                                                      std::to_string(options_.reader.dimension));
    if (dimension) options_.reader.dimension = dimension;
    return {};
  }
  if (options_.reader.dimension == 0)
    if (auto known = preview_dimension(); !known) return known.error();
  return create_collection();
}

/// A second, independent look at a file; standard input can be read only once, so its buffered head must do.
outcome<void> importer::preview_dimension() {
  std::unique_ptr<byte_source> preview;
  std::string head;
  if (from_stdin_) {
    auto bytes = input_->peek(buffered_input::buffer_bytes);
    if (!bytes) return usage(bytes.error().message);
    head = *bytes;
    preview = std::make_unique<memory_source>(head);
  } else {
    auto file = file_source::open(options_.source);
    if (!file) return usage(file.error().message);
    preview = std::move(*file);
  }
  buffered_input input(*preview);
  auto reader = make_reader(format_, input, options_.reader);
  if (auto opened = reader->open(); !opened) return command_failure(exit_code::failed, opened.error().message);
  import_record record;
  auto event = reader->next(record);
  while (event == read_event::reject) event = reader->next(record);
  if (event != read_event::record)
    return usage("The dimension of '" + options_.collection + "' cannot be told from the source", "add --dimension N");
  // Text only: the node's default dimension.
  options_.reader.dimension = reader->dimension();
  return {};
}

outcome<void> importer::start_reader(const import_state& start) {
  reader_ = make_reader(format_, *input_, options_.reader);
  if (auto opened = reader_->open(); !opened) return command_failure(exit_code::failed, opened.error().message);
  if (start.consumed == 0) return {};
  if (auto there = reader_->resume_at(start.offset, start.consumed); !there)
    return command_failure(exit_code::conflict, there.error().message);
  return {};
}

/// What is told when the source cannot be read on. The damage is in the file, so going on with it would stop there again.
command_failure importer::damaged_source() const {
  const bool text = format_ == source_format::jsonl || format_ == source_format::csv;
  command_failure out(exit_code::failed, (text ? "Line " : "Record ") + std::to_string(reader_->position()) + " of " +
                                             options_.source + " is damaged: " + reader_->reason());
  out.remedy = "repair the source and import it again";
  if (!from_stdin_) out.remedy += " without --resume, because it has changed then";
  out.remedy += "; records with the same ids are overwritten";
  return out;
}

/// The reader's side. Batches close when full, when the kind of record changes, and at the end.
void importer::feed(batch_builder& builder, batch_queue& queue, import_ledger& ledger) {
  import_record record;
  std::uint64_t taken = 0;
  std::uint64_t rejects_waiting = 0;
  std::uint64_t offset = reader_->offset();
  std::uint64_t consumed = reader_->consumed();
  const auto hand_over = [&] {
    rejects_waiting = 0;
    return queue.push(builder.take(offset, consumed));
  };
  while (!ledger.stopped() && (options_.limit == 0 || taken < options_.limit)) {
    const auto event = reader_->next(record);
    if (event == read_event::end) break;
    if (event == read_event::failed) {
      source_failure_ = damaged_source();
      hand_over();
      return;
    }
    if (event == read_event::reject) {
      ledger.reject({reader_->position(), reader_->reason()});
      builder.count_reject();
      ++rejects_waiting;
    } else {
      if (!builder.fits(record) && !hand_over()) return;
      builder.add(record);
      ++taken;
    }
    offset = reader_->offset();
    consumed = reader_->consumed();
    // A long stretch of rejects is handed over too, so that --resume does not read it again.
    if ((builder.full() || rejects_waiting >= batch_records_max) && !hand_over()) return;
  }
  if (ledger.stopped()) return;
  hand_over();
  limit_reached_ = options_.limit != 0 && taken >= options_.limit && offset < fingerprint_.size;
}

void importer::drain(batch_queue& queue, import_ledger& ledger) {
  batch_sender sender(http_client(where_, client_), policy_, [&ledger](int ms) { return ledger.pause(ms); });
  while (auto batch = queue.pop()) {
    auto sent = sender.send(*batch);
    if (!sent) {
      ledger.stop(sent.error());
      queue.close(true);
      return;
    }
    ledger.acknowledge(*batch, *sent);
  }
}

/// A signal is the cause of whatever else went wrong with it; the source's own failure comes after the node's.
std::optional<command_failure> importer::why_stopped(const import_ledger& ledger) const {
  auto failed = ledger.failure();
  if (!failed) failed = source_failure_;
  if (!failed || signal_ == 0) return failed;
  return command_failure(signal_ == SIGINT ? exit_code::interrupted : exit_code::terminated, "Interrupted");
}

outcome<import_report> importer::run() {
  const auto began = std::chrono::steady_clock::now();
  if (auto opened = open_source(); !opened) return opened.error();
  auto start = first_state();
  if (!start) return start.error();
  if (auto agreed = agree_on_collection(); !agreed) return agreed.error();
  if (auto ready = start_reader(*start); !ready) return ready.error();

  import_ledger ledger(io_, *start, {state_file_, options_.rejects_file, fingerprint_.size, resumed_});
  if (auto opened = ledger.open(); !opened) return opened.error();
  batch_builder builder(options_.collection, start->run_id, options_.batch_records, start->next_batch);
  batch_queue queue(std::size_t{options_.connections} * 2);
  {
    interruption signals([&] {
      ledger.stop({exit_code::interrupted, "Interrupted"});
      queue.close(true);
    });
    std::vector<std::jthread> senders;
    for (std::uint32_t i = 0; i < options_.connections; ++i) senders.emplace_back([&] { drain(queue, ledger); });
    feed(builder, queue, ledger);
    queue.close(false);
    senders.clear();
    signal_ = signals.signal();
  }
  const auto failed = why_stopped(ledger);
  if (auto closed = ledger.close(!failed && !limit_reached_); !closed) return closed.error();
  const auto loaded = start->accepted + ledger.counts().accepted;
  if (failed) {
    command_failure out = *failed;
    out.message += "; " + std::to_string(loaded) + (loaded == 1 ? " record was loaded" : " records were loaded");
    if (out.remedy.empty() && !from_stdin_) out.remedy = "the same command with --resume continues where it stopped";
    return out;
  }
  import_report out;
  out.stopped_at_limit = limit_reached_;
  out.counts = ledger.counts();
  out.resumed_at = start->accepted;
  out.rejected_before = start->rejected;
  out.duration_ms = ms_since(began);
  out.samples = ledger.sample_rejects();
  return out;
}

outcome<import_report> importer::check_only() {
  const auto began = std::chrono::steady_clock::now();
  if (auto opened = open_source(); !opened) return opened.error();
  if (auto ready = start_reader({}); !ready) return ready.error();
  import_ledger ledger(io_, {}, {"", options_.rejects_file, 0, false});
  if (auto opened = ledger.open(); !opened) return opened.error();
  import_report out;
  out.dry_run = true;
  import_record record;
  while (options_.limit == 0 || out.counts.accepted < options_.limit) {
    const auto event = reader_->next(record);
    if (event == read_event::end) break;
    if (event == read_event::failed)
      return command_failure(exit_code::failed,
                             "Position " + std::to_string(reader_->position()) + ": " + reader_->reason());
    if (event == read_event::record)
      ++out.counts.accepted;
    else
      ledger.reject({reader_->position(), reader_->reason()});
  }
  if (auto closed = ledger.close(true); !closed) return closed.error();
  out.counts.rejected = ledger.counts().rejected;
  out.samples = ledger.sample_rejects();
  out.duration_ms = ms_since(began);
  return out;
}

}  // namespace waggle::ctl
