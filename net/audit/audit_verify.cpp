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

/// Follows the chain through files, and what the chain says about files.
class file_walk {
 public:
  explicit file_walk(const std::string& anchor) : anchor_found_(anchor.empty()), anchor_(anchor) {}

  result<void> read(const fs::path& file) {
    const auto mapped = mapped_text::open(file);
    if (!mapped) return mapped.error();
    const auto text = (*mapped)->text();
    const auto name = file.filename().string();
    if (first_file_.empty() && !text.empty()) start(text, name);
    ++verdict.files;
    bool first = true;
    auto fault = verify_audit_text(text, verdict.head, [&](const audit_link& link) {
      if (std::exchange(first, false) && (link.event != "chain.file" || misnamed(link)) && !misplaced_)
        misplaced_ = {chain_fault_kind::altered, name, 1, link.self.seq, "the file does not begin with its chain.file"};
      see(link);
    });
    if (fault) fault->file = name;
    // What stands first counts.
    if (misplaced_)
      verdict.fault = misplaced_;
    else
      verdict.fault = std::move(fault);
    if (!text.empty()) last_file_ = name;
    return {};
  }

  /// After the last file. `alone`: nothing is asked about the files before the first.
  void finish(bool alone) {
    if (verdict.fault) return;
    if (!alone && begins_late_ && !pruned_)
      verdict.fault = {chain_fault_kind::missing, first_file_, 1, 1, "the files before it are gone, and no chain.pruned says so"};
    else if (!anchor_found_)
      verdict.fault = {chain_fault_kind::missing, last_file_, 0, verdict.head.seq + 1, "no record has the anchor's hash"};
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
  void see(const audit_link& link) {
    ++verdict.records;
    anchor_found_ = anchor_found_ || link.self.hash == anchor_;
    pruned_ = pruned_ || (link.event == "chain.pruned" && before_ == std::pair(link.previous_file, link.previous_hash));
  }

  json_parser parser_;
  std::string first_file_, last_file_;
  bool begins_late_ = false, pruned_ = false, anchor_found_;
  std::pair<std::string, std::string> before_;  ///< file and hash that the first file continues
  std::optional<chain_fault> misplaced_;
  const std::string anchor_;
};

}  // namespace

std::string_view to_string(chain_fault_kind kind) {
  constexpr std::array names = {"altered", "missing", "inserted", "reordered"};
  return names[static_cast<std::size_t>(kind)];
}

std::optional<chain_fault> verify_audit_text(std::string_view text, chain_head& head,
                                             const std::function<void(const audit_link&)>& visit) {
  json_parser parser;
  std::size_t number = 0;
  while (const auto line = take_line(text)) {
    ++number;
    const auto link = read_audit_line(*line, parser);
    if (!follows(link, head)) return judge(link, text, head, number, parser);
    head = link->self;
    visit(*link);
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

result<audit_verdict> verify_audit_directory(const fs::path& directory, const std::string& anchor) {
  const auto files = list_audit_files(directory);
  if (!files) return files.error();
  if (files->empty()) return unreadable(directory, "there are no audit files in it");
  file_walk walk(anchor);
  for (const auto& file : *files) {
    if (auto read = walk.read(file); !read) return read.error();
    if (walk.verdict.fault) break;
  }
  walk.finish(false);
  return std::move(walk.verdict);
}

result<audit_verdict> verify_audit_file(const fs::path& file, const std::string& anchor) {
  file_walk walk(anchor);
  if (auto read = walk.read(file); !read) return read.error();
  walk.finish(true);
  return std::move(walk.verdict);
}

}  // namespace waggle
