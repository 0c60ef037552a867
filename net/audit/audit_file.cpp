#include "net/audit/audit_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

#include "base/log.hpp"
#include "base/text_out.hpp"
#include "net/audit/audit_verify.hpp"

namespace waggle {
namespace fs = std::filesystem;
namespace {
constexpr std::int64_t checkpoint_interval_ms = 60'000;
constexpr std::int64_t day_ms = 86'400'000;
/// Longer than any line.
constexpr std::uint64_t tail_bytes = 64 * 1024;

std::string name_of_day(std::int64_t unix_ms) { return "audit-" + format_rfc3339(unix_ms).substr(0, 10) + ".jsonl"; }

audit_record chain_record(std::string event, std::int64_t now_ms) {
  audit_record record;
  record.unix_ms = now_ms;
  record.event = std::move(event);
  return record;
}

void sync_directory(const fs::path& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

/// The first line of a file.
std::optional<audit_link> first_link(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string line;
  json_parser parser;
  return std::getline(in, line) ? read_audit_line(line, parser) : std::nullopt;
}

}  // namespace

audit_file::~audit_file() {
  if (fd_ >= 0) ::close(fd_);
}

failure audit_file::fault(std::string_view doing) const {
  const std::string why = std::strerror(errno);
  failure f(ec::io_error);
  f.log_text = "audit log " + (options_.directory / name_).string() + ": " + std::string(doing) + ": " + why;
  return f;
}

result<void> audit_file::open() {
  std::error_code error;
  fs::create_directories(options_.directory.parent_path(), error);
  if (::mkdir(options_.directory.c_str(), 0700) != 0 && errno != EEXIST) return fault("can't make the directory");
  const auto files = list_audit_files(options_.directory);
  if (!files) return files.error();
  // A file without a whole line was begun when the node died; the chain ends before it.
  for (auto file = files->rbegin(); file != files->rend() && head_.seq == 0; ++file)
    if (auto resumed = resume(*file); !resumed) return resumed;
  if (files->empty() || files->back().filename() == name_) return {};
  previous_name_ = head_.seq > 0 ? name_ : "";
  return use(files->back());
}

/// Opens `file`, cuts a last line without end, and finds the last record.
result<void> audit_file::resume(const fs::path& file) {
  if (auto used = use(file); !used) return used;
  std::string tail(static_cast<std::size_t>(std::min(size_, tail_bytes)), '\0');
  const auto from = size_ - tail.size();
  if (::pread(fd_, tail.data(), tail.size(), static_cast<off_t>(from)) != static_cast<ssize_t>(tail.size()))
    return fault("can't be read");
  const auto end = tail.rfind('\n');
  const auto whole = end == tail.npos ? 0 : end + 1;
  if (whole == 0 && from > 0) {
    errno = EILSEQ;
    return fault("its last line is longer than any record");
  }
  if (whole < tail.size()) {
    bytes_cut_ += tail.size() - whole;
    size_ = from + whole;
    has_tail_ = true;
    if (auto cut = cut_tail(); !cut) return cut;
  }
  if (whole == 0) return {};
  auto line = std::string_view(tail).substr(0, end);
  if (const auto before = line.rfind('\n'); before != line.npos) line.remove_prefix(before + 1);
  json_parser parser;
  const auto link = read_audit_line(line, parser);
  if (!link) {
    errno = EILSEQ;
    return fault("its last record does not hold; see `wagglectl audit verify`, and move the directory away to go on");
  }
  head_ = link->self;
  unsigned_before_ = options_.key && link->event != "chain.checkpoint";
  return {};
}

result<void> audit_file::use(const fs::path& file) {
  const bool fresh = !fs::exists(file);
  const int fd = ::open(file.c_str(), O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  struct stat about {};
  if (fd < 0 || ::fstat(fd, &about) != 0 || ::fchmod(fd, 0600) != 0) {
    auto why = fault("can't open " + file.filename().string());
    if (fd >= 0) ::close(fd);
    return why;
  }
  if (fresh) sync_directory(options_.directory);
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
  name_ = file.filename().string();
  size_ = static_cast<std::uint64_t>(about.st_size);
  return {};
}

/// A clock that goes back does not bring an old file back: the order of the files is the order of the chain.
result<void> audit_file::roll(std::int64_t now_ms) {
  const auto today = name_of_day(now_ms);
  if (!name_.empty() && today <= name_) return {};
  const auto before = size_ > 0 ? name_ : previous_name_;
  if (auto used = use(options_.directory / today); !used) return used;
  previous_name_ = before;
  return {};
}

result<void> audit_file::append(std::span<const audit_record> records, std::int64_t now_ms) {
  if (auto cut = cut_tail(); !cut) return cut;
  if (auto rolled = roll(now_ms); !rolled) return rolled;
  auto next = begin_draft();
  const bool begins = size_ == 0;
  if (begins) {
    auto file = chain_record("chain.file", now_ms);
    file.previous_file = previous_name_;
    file.previous_hash = next.head.hash;
    add(next, file);
  }
  if (bytes_cut_ > 0) {
    auto cut = chain_record("chain.cut", now_ms);
    cut.count = bytes_cut_;
    add(next, cut);
  }
  // So every file has a signature in it, and the tail of the one before is signed too.
  if (options_.key && (begins || unsigned_before_)) add_checkpoint(next, now_ms);
  for (const auto& record : records) {
    add(next, record);
    if (++next.since_checkpoint == records_per_checkpoint) add_checkpoint(next, now_ms);
  }
  if (next.checkpoint_ms == 0) next.checkpoint_ms = now_ms;
  if (next.since_checkpoint > 0 && now_ms - next.checkpoint_ms >= checkpoint_interval_ms) add_checkpoint(next, now_ms);
  if (auto done = commit(std::move(next)); !done) return done;
  if (begins) drop_old_files(now_ms);
  return {};
}

result<void> audit_file::close(std::int64_t now_ms) {
  if (!options_.key || since_checkpoint_ == 0) return {};
  if (auto cut = cut_tail(); !cut) return cut;
  auto last = begin_draft();
  add_checkpoint(last, now_ms);
  return commit(std::move(last));
}

void audit_file::add(draft& to, const audit_record& record) const {
  append_audit_line(to.text, record, options_.node_id, to.head);
}

void audit_file::add_checkpoint(draft& to, std::int64_t now_ms) const {
  auto checkpoint = chain_record("chain.checkpoint", now_ms);
  checkpoint.head = to.head.hash;
  checkpoint.count = to.since_checkpoint;
  if (options_.key) checkpoint.signature = options_.key->sign(checkpoint_text(options_.node_id, to.head.seq + 1, to.head.hash));
  add(to, checkpoint);
  to.since_checkpoint = 0;
  to.checkpoint_ms = now_ms;
}

result<void> audit_file::commit(draft&& what) {
  if (what.text.empty()) {
    checkpoint_ms_ = what.checkpoint_ms;
    return {};
  }
  if (auto written = write(what.text); !written) return written;
  head_ = std::move(what.head);
  since_checkpoint_ = what.since_checkpoint;
  checkpoint_ms_ = what.checkpoint_ms;
  bytes_cut_ = 0;
  unsigned_before_ = false;
  return {};
}

result<void> audit_file::write(std::string_view text) {
  has_tail_ = true;
  for (auto rest = text; !rest.empty();) {
    const auto n = ::write(fd_, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fault("can't write");
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  // After a failed sync nobody knows what the disk has: the tail is cut and written anew.
  if (::fdatasync(fd_) != 0) return fault("can't sync");
  size_ += text.size();
  has_tail_ = false;
  return {};
}

result<void> audit_file::cut_tail() {
  if (!has_tail_) return {};
  if (::ftruncate(fd_, static_cast<off_t>(size_)) != 0) return fault("can't cut what was not written whole");
  has_tail_ = false;
  return {};
}

/// Recorded before it is done: files that are gone without a record would look like a theft.
void audit_file::drop_old_files(std::int64_t now_ms) {
  if (options_.retain_days == 0) return;
  const auto files = list_audit_files(options_.directory);
  if (!files) return;
  const auto oldest_kept = name_of_day(now_ms - options_.retain_days * day_ms);
  const auto kept = std::find_if(files->begin(), files->end(), [&](const fs::path& file) {
    return file.filename().string() >= oldest_kept || file.filename() == name_;
  });
  if (kept == files->begin() || kept == files->end()) return;
  const auto link = first_link(*kept);
  if (!link) return;
  auto pruned = chain_record("chain.pruned", now_ms);
  pruned.previous_file = link->previous_file;
  pruned.previous_hash = link->previous_hash;
  pruned.count = static_cast<std::uint64_t>(kept - files->begin());
  auto next = begin_draft();
  add(next, pruned);
  if (options_.key) add_checkpoint(next, now_ms);
  if (auto done = commit(std::move(next)); !done) return;  // the next file begins with another attempt
  std::error_code error;
  for (auto file = files->begin(); file != kept; ++file) fs::remove(*file, error);
  log_event(log_level::info, "audit", "old files removed", {{"files", *pruned.count}, {"kept_from", oldest_kept}});
}

}  // namespace waggle
