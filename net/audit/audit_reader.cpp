#include "net/audit/audit_reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <ctime>

#include "base/crypto.hpp"
#include "net/audit/audit_verify.hpp"

namespace waggle {
namespace fs = std::filesystem;
namespace {
constexpr std::string_view name_begin = "audit-", name_end = ".jsonl";
constexpr std::size_t day_bytes = 10;
constexpr std::size_t offset_digits = 20;

std::string_view day_of(std::string_view file) { return file.substr(name_begin.size(), day_bytes); }

/// The day after which the files hold nothing from before `time`: what was made before midnight may be written after it.
std::string last_day_for(const std::string& time) {
  std::tm day{};
  if (!::strptime(time.substr(0, day_bytes).c_str(), "%Y-%m-%d", &day)) return {};
  const std::time_t next = ::timegm(&day) + 86'400;
  char text[day_bytes + 1] = {};
  ::gmtime_r(&next, &day);
  return std::string(text, std::strftime(text, sizeof text, "%Y-%m-%d", &day));
}

class descriptor {
 public:
  explicit descriptor(const fs::path& file) : fd_(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) {}
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

failure unreadable(const fs::path& file) {
  failure f(ec::io_error);
  f.log_text = file.string() + " can't be read: " + std::strerror(errno);
  return f;
}

}  // namespace

// Every position is as long as any other.
std::string seal_position(const audit_position& position, std::string_view reader, std::string_view key) {
  auto digits = std::to_string(position.offset);
  digits.insert(0, offset_digits - digits.size(), '0');
  return base64url_encode(seal(key, std::string(day_of(position.file)) + digits, reader));
}

std::optional<audit_position> unseal_position(std::string_view text, std::string_view reader, std::string_view key) {
  const auto sealed = base64url_decode(text);
  const auto plain = sealed ? unseal(key, *sealed, reader) : std::nullopt;
  if (!plain || plain->size() != day_bytes + offset_digits) return std::nullopt;
  audit_position position{std::string(name_begin) + plain->substr(0, day_bytes) + std::string(name_end), 0};
  std::from_chars(plain->data() + day_bytes, plain->data() + plain->size(), position.offset);
  return position;
}

bool audit_reader::is_too_old(std::string_view file) const {
  return !query_.from.empty() && day_of(file) < std::string_view(query_.from).substr(0, day_bytes);
}

/// Goes to the file before, where nothing is left of this one. False: there is none.
result<bool> audit_reader::find_file() {
  if (at_.offset > 0) return !is_too_old(at_.file);
  const auto files = list_audit_files(directory_);
  if (!files) return files.error();
  const auto last_day = query_.to.empty() ? std::string() : last_day_for(query_.to);
  const auto found = std::find_if(files->rbegin(), files->rend(), [&](const fs::path& file) {
    const auto name = file.filename().string();
    const bool regular = name.size() == name_begin.size() + day_bytes + name_end.size();
    return regular && (at_.file.empty() || name < at_.file) && (last_day.empty() || day_of(name) <= last_day);
  });
  if (found == files->rend() || is_too_old(found->filename().string())) return false;
  struct stat about {};
  if (::stat(found->c_str(), &about) != 0) return unreadable(*found);
  at_ = {found->filename().string(), static_cast<std::uint64_t>(about.st_size)};
  return true;
}

/// Whole lines that end at the position, which moves to their beginning. "": nothing was there.
result<std::string> audit_reader::read_piece(std::size_t piece_bytes) {
  const auto file = directory_ / at_.file;
  const descriptor in(file);
  std::string piece(std::min<std::uint64_t>(at_.offset, std::max(piece_bytes, piece_bytes_min)), '\0');
  const auto begin = at_.offset - piece.size();
  if (in.get() < 0 && errno == ENOENT) {  // removed for its age
    at_.offset = 0;
    return std::string();
  }
  const auto n = in.get() < 0 ? -1 : ::pread(in.get(), piece.data(), piece.size(), static_cast<off_t>(begin));
  if (n < 0) return unreadable(file);
  piece.resize(static_cast<std::size_t>(n));
  // The newest file may end in a line that is not whole yet, or was cut meanwhile.
  piece.resize(piece.find_last_of('\n') == piece.npos ? 0 : piece.find_last_of('\n') + 1);
  const auto whole = begin == 0 ? 0 : piece.find('\n') + 1;
  const bool any = whole < piece.size();  // else it is the end of a line that is longer than any record
  at_.offset = begin + (any ? whole : 0);
  return any ? piece.substr(whole) : std::string();
}

result<bool> audit_reader::read(std::size_t piece_bytes, std::size_t most) {
  auto found = find_file();
  if (!found || !*found) return found;
  const auto piece = read_piece(piece_bytes);
  if (!piece) return piece.error();
  const auto begin = at_.offset;
  for (std::string_view rest = *piece; !rest.empty() && entries_.size() < most;) {
    const auto before = rest.substr(0, rest.size() - 1).rfind('\n');
    const auto start = before == rest.npos ? 0 : before + 1;
    const auto line = rest.substr(start, rest.size() - 1 - start);
    rest = rest.substr(0, start);
    at_.offset = begin + start;
    if (!filter_.may_be_asked_for(line)) continue;
    const auto record = parser_.parse(line);
    if (!record) continue;  // whoever verifies the files hears of it
    if (auto entry = audit_entry(*record, query_)) entries_.push_back(std::move(*entry));
  }
  return true;
}

}  // namespace waggle
