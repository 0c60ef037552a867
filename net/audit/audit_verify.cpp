#include "net/audit/audit_verify.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

namespace waggle {
namespace fs = std::filesystem;
namespace {

failure unreadable(const fs::path& file, std::string_view why) {
  failure f(ec::io_error, file.string() + " can't be read: " + std::string(why));
  f.log_text = f.message;
  return f;
}

/// A file as text; its pages come as they are read.
class mapped_text {
 public:
  static result<std::unique_ptr<mapped_text>> open(const fs::path& file) {
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat about {};
    if (fd < 0 || ::fstat(fd, &about) != 0) {
      const auto why = std::strerror(errno);
      if (fd >= 0) ::close(fd);
      return unreadable(file, why);
    }
    const auto size = static_cast<std::size_t>(about.st_size);
    void* at = S_ISREG(about.st_mode) && size > 0 ? ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0) : nullptr;
    ::close(fd);
    if (!S_ISREG(about.st_mode)) return unreadable(file, "it is no file");
    if (at == MAP_FAILED) return unreadable(file, std::strerror(errno));
    return std::unique_ptr<mapped_text>(new mapped_text(static_cast<const char*>(at), size));
  }
  ~mapped_text() {
    if (at_) ::munmap(const_cast<char*>(at_), size_);
  }
  mapped_text(const mapped_text&) = delete;
  mapped_text& operator=(const mapped_text&) = delete;
  std::string_view text() const { return {at_, size_}; }

 private:
  mapped_text(const char* at, std::size_t size) : at_(at), size_(size) {}
  const char* at_;
  std::size_t size_;
};

/// Takes the first line, without its newline, off `text`; a last one that has none is no line.
std::optional<std::string_view> take_line(std::string_view& text) {
  const auto end = text.find('\n');
  if (end == text.npos) return std::nullopt;
  const auto line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

/// Whether a later line that holds has this number.
bool comes_later(std::uint64_t seq, std::string_view rest, json_parser& parser) {
  while (const auto line = take_line(rest))
    if (const auto link = read_audit_line(*line, parser); link && link->self.seq == seq) return true;
  return false;
}

bool follows(const std::optional<audit_link>& link, const chain_head& head) {
  return link && link->self.seq == head.seq + 1 && link->prev_hash == head.hash;
}

/// What happened at the line behind `head` that doesn't follow it.
chain_fault judge(const std::optional<audit_link>& link, std::string_view rest, const chain_head& head, std::size_t number,
                  json_parser& parser) {
  using kind = chain_fault_kind;
  chain_fault fault{kind::altered, "", number, link ? link->self.seq : head.seq + 1, ""};
  if (!link) {
    const auto next = take_line(rest);
    if (next && follows(read_audit_line(*next, parser), head)) fault.kind = kind::inserted;
    fault.why = "the line is no record with a hash of its own";
  } else if (link->self.seq == head.seq + 1) {
    // This record holds by itself; the one before isn't the one that it was written behind.
    if (number > 1) fault.line = number - 1, fault.seq = head.seq;
    fault.why = "the next record was written behind another one";
    if (number == 1) fault.why = "the record was written behind another one";
  } else if (link->self.seq <= head.seq || comes_later(link->self.seq, rest, parser)) {
    fault.kind = kind::inserted;
    fault.why = "a record of this number stands in another place";
  } else if (comes_later(head.seq + 1, rest, parser)) {
    fault.kind = kind::reordered;
    fault.why = "record " + std::to_string(head.seq + 1) + " comes later";
  } else {
    fault.kind = kind::missing;
    fault.why = "records " + std::to_string(head.seq + 1) + " to " + std::to_string(link->self.seq - 1) + " are not there";
    fault.seq = head.seq + 1;
  }
  return fault;
}

chain_fault fault_at(const audit_link& link, chain_fault_kind kind, std::string why) {
  return {kind, "", 0, link.self.seq, std::move(why)};
}

/// Whether a key has signed the checkpoints, and none is left out.
class signature_check {
 public:
  explicit signature_check(audit_key::pointer key) : key_(std::move(key)) {}
  std::optional<chain_fault> see(const audit_link& link) {
    if (!key_) return std::nullopt;
    if (link.event != "chain.checkpoint") {
      if (link.event.starts_with("chain.") || ++unsigned_records_ <= records_per_checkpoint) return std::nullopt;
      return fault_at(link, chain_fault_kind::missing, "a signed checkpoint is missing before it");
    }
    const auto text = checkpoint_text(link.node_id, link.self.seq, link.prev_hash);
    if (link.head != link.prev_hash || !key_->has_signed(text, link.signature))
      return fault_at(link, chain_fault_kind::altered, "the key has not signed what stands before this checkpoint");
    signed_seq_ = link.self.seq;
    unsigned_records_ = 0;
    return std::nullopt;
  }
  bool proves(std::uint64_t seq) const { return !key_ || seq < signed_seq_; }
  bool proves_nothing() const { return key_ && signed_seq_ == 0; }
  std::uint64_t signed_seq() const { return signed_seq_; }

 private:
  const audit_key::pointer key_;
  std::uint64_t unsigned_records_ = 0, signed_seq_ = 0;
};

/// Follows the chain through files, and what the chain says about files.
class file_walk {
 public:
  explicit file_walk(const audit_proof& proof)
      : anchor_found_(proof.anchor.empty()), signatures_(proof.key), anchor_(proof.anchor) {}

  result<void> read(const fs::path& file) {
    const auto mapped = mapped_text::open(file);
    if (!mapped) return mapped.error();
    const auto text = (*mapped)->text();
    const auto name = file.filename().string();
    if (first_file_.empty() && !text.empty()) start(text, name);
    ++verdict.files;
    bool first = true;
    verdict.fault = verify_audit_text(text, verdict.head, [&](const audit_link& link) {
      if (std::exchange(first, false) && (link.event != "chain.file" || misnamed(link)))
        return std::optional(fault_at(link, chain_fault_kind::altered, "the file does not begin with its chain.file"));
      return see(link);
    });
    verdict.signed_seq = signatures_.signed_seq();
    if (verdict.fault) verdict.fault->file = name;
    if (!text.empty()) last_file_ = name;
    return {};
  }

  /// After the last file. `alone`: nothing is asked about the files before the first.
  void finish(bool alone) {
    if (verdict.fault) return;
    using kind = chain_fault_kind;
    const bool pruned = pruned_seq_ > 0 && signatures_.proves(pruned_seq_);
    if (!alone && begins_late_ && !pruned)
      verdict.fault = {kind::missing, first_file_, 1, 1, "the files before it are gone, and no chain.pruned says so"};
    else if (signatures_.proves_nothing())
      verdict.fault = {kind::missing, first_file_, 1, 1, "there is no signed checkpoint"};
    else if (!anchor_found_)
      verdict.fault = {kind::missing, last_file_, 0, verdict.head.seq + 1, "no record has the anchor's hash"};
  }

  audit_verdict verdict;

 private:
  /// The first file tells where the chain stood before it.
  void start(std::string_view text, const std::string& name) {
    first_file_ = name;
    const auto line = take_line(text);
    const auto link = line ? read_audit_line(*line, parser_) : std::nullopt;
    if (!link || link->self.seq <= 1 || link->event != "chain.file") return;
    verdict.head = {link->self.seq - 1, link->prev_hash};
    begins_late_ = true;
    before_ = {link->previous_file, link->previous_hash};
    last_file_ = link->previous_file;
  }
  bool misnamed(const audit_link& link) const {
    return link.previous_file != last_file_ || link.previous_hash != link.prev_hash;
  }
  std::optional<chain_fault> see(const audit_link& link) {
    ++verdict.records;
    anchor_found_ = anchor_found_ || link.self.hash == anchor_;
    if (link.event == "chain.pruned" && before_ == std::pair(link.previous_file, link.previous_hash))
      pruned_seq_ = link.self.seq;
    return signatures_.see(link);
  }

  json_parser parser_;
  std::string first_file_, last_file_;
  bool begins_late_ = false, anchor_found_;
  std::uint64_t pruned_seq_ = 0;  ///< of the record that says where the files before the first have gone; 0 = none
  std::pair<std::string, std::string> before_;  ///< file and hash that the first file continues
  signature_check signatures_;
  const std::string anchor_;
};

/// Whether the file is of a day between those of `proof`.
bool is_asked_for(const fs::path& file, const audit_proof& proof) {
  constexpr std::string_view before_day = "audit-";
  constexpr std::size_t day_bytes = 10;
  const auto day = file.filename().string().substr(before_day.size(), day_bytes);
  return day >= proof.first_day && (proof.last_day.empty() || day <= proof.last_day);
}

}  // namespace

std::string_view to_string(chain_fault_kind kind) {
  constexpr std::array names = {"altered", "missing", "inserted", "reordered"};
  return names[static_cast<std::size_t>(kind)];
}

std::optional<chain_fault> verify_audit_text(std::string_view text, chain_head& head, const link_check& check) {
  json_parser parser;
  std::size_t number = 0;
  while (const auto line = take_line(text)) {
    ++number;
    const auto link = read_audit_line(*line, parser);
    if (!follows(link, head)) return judge(link, text, head, number, parser);
    head = link->self;
    if (auto fault = check(*link)) {
      fault->line = number;
      return fault;
    }
  }
  if (text.empty()) return std::nullopt;
  return chain_fault{chain_fault_kind::altered, "", number + 1, head.seq + 1, "the line has no end"};
}

result<std::vector<fs::path>> list_audit_files(const fs::path& directory) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    const auto name = it->path().filename().string();
    if (name.starts_with("audit-") && name.ends_with(".jsonl")) files.push_back(it->path());
  }
  if (error) return unreadable(directory, error.message());
  std::sort(files.begin(), files.end());
  return files;
}

result<audit_verdict> verify_audit_directory(const fs::path& directory, const audit_proof& proof) {
  auto files = list_audit_files(directory);
  if (!files) return files.error();
  std::erase_if(*files, [&](const fs::path& file) { return !is_asked_for(file, proof); });
  if (files->empty()) return unreadable(directory, "there are no audit files in it");
  file_walk walk(proof);
  for (const auto& file : *files) {
    if (auto read = walk.read(file); !read) return read.error();
    if (walk.verdict.fault) break;
  }
  walk.finish(!proof.first_day.empty());
  return std::move(walk.verdict);
}

result<audit_verdict> verify_audit_file(const fs::path& file, const audit_proof& proof) {
  file_walk walk(proof);
  if (auto read = walk.read(file); !read) return read.error();
  walk.finish(true);
  return std::move(walk.verdict);
}

}  // namespace waggle
