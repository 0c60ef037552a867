#include "tools/wagglectl/import/import_state.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/checksum.hpp"
#include "base/json.hpp"
#include "base/text_out.hpp"
#include "tools/wagglectl/json_access.hpp"

namespace waggle::ctl {
namespace {
constexpr std::size_t head_bytes = 64 * 1024;
constexpr std::size_t state_bytes_max = 64 * 1024;
constexpr int state_version = 1;

std::string to_hex(const std::uint8_t* bytes, std::size_t n) {
  static constexpr char hex[] = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < n; ++i) {
    out += hex[bytes[i] >> 4];
    out += hex[bytes[i] & 15];
  }
  return out;
}
failure io(const std::string& what, const std::string& path) {
  return failure(ec::io_error, "Cannot " + what + " " + path + ": " + std::strerror(errno));
}
}  // namespace

result<source_fingerprint> fingerprint_file(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return io("read", path);
  std::ifstream in(path, std::ios::binary);
  std::string head(head_bytes, '\0');
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(in.gcount()));
  source_fingerprint out;
  out.size = static_cast<std::uint64_t>(info.st_size);
  out.mtime_ns = std::int64_t{info.st_mtim.tv_sec} * 1000000000 + info.st_mtim.tv_nsec;
  const auto digest = sha256(head);
  out.head_sha256 = to_hex(digest.data(), digest.size());
  return out;
}

std::string import_state::to_json() const {
  std::string out;
  json_writer w(out);
  w.begin_object().member("version", state_version).member("run_id", run_id).member("endpoint", endpoint);
  w.member("collection", collection).key("source").begin_object().member("size", source.size);
  w.member("mtime_ns", source.mtime_ns).member("head_sha256", source.head_sha256).end_object();
  w.member("next_batch", next_batch).member("offset", offset).member("consumed", consumed);
  w.member("accepted", accepted).member("rejected", rejected).end_object();
  return out + "\n";
}

result<import_state> import_state::from_json(std::string_view text) {
  json_parser parser;
  auto root = parser.parse(text);
  if (!root) return root.error();
  std::int64_t version = 0;
  if (!(*root)["version"].get_int64(version) || version != state_version)
    return failure(ec::parse_error, "its version is not known");
  import_state out;
  const auto source = (*root)["source"];
  out.run_id = text_of((*root)["run_id"]);
  out.endpoint = text_of((*root)["endpoint"]);
  out.collection = text_of((*root)["collection"]);
  out.source.head_sha256 = text_of(source["head_sha256"]);
  const bool whole = source["size"].get_uint64(out.source.size) && source["mtime_ns"].get_int64(out.source.mtime_ns) &&
                     (*root)["next_batch"].get_uint64(out.next_batch) && (*root)["offset"].get_uint64(out.offset) &&
                     (*root)["consumed"].get_uint64(out.consumed) && (*root)["accepted"].get_uint64(out.accepted) &&
                     (*root)["rejected"].get_uint64(out.rejected);
  if (!whole || out.run_id.empty()) return failure(ec::parse_error, "a member is missing");
  return out;
}

std::string state_path(const std::string& source, const std::string& endpoint, const std::string& collection) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path absolute = fs::absolute(source, error).lexically_normal();
  const auto digest = sha256(absolute.string() + '\n' + endpoint + '\n' + collection);
  const std::string mark = to_hex(digest.data(), 4);
  const fs::path folder = absolute.parent_path();
  if (::access(folder.c_str(), W_OK) == 0)
    return (folder / (absolute.filename().string() + ".waggle-import-" + mark + ".json")).string();
  const char* state_home = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  fs::path base = state_home && *state_home ? fs::path(state_home) : fs::path(home ? home : ".") / ".local" / "state";
  return (base / "waggle" / ("import-" + to_hex(digest.data(), 16) + ".json")).string();
}

result<import_state> load_state(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return failure(ec::not_found, "There is no state file " + path);
  std::string text(state_bytes_max, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  auto state = import_state::from_json(text);
  if (!state) return failure(ec::parse_error, "The state file " + path + " cannot be used: " + state.error().message);
  return state;
}

result<void> save_state(const std::string& path, const import_state& state) {
  namespace fs = std::filesystem;
  std::error_code error;
  fs::create_directories(fs::path(path).parent_path(), error);
  const std::string next = path + ".new";
  const int descriptor = ::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (descriptor < 0) return io("write", next);
  const std::string text = state.to_json();
  const bool written = ::write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  // Without this a power cut could leave an empty file under the final name.
  const bool kept = written && ::fdatasync(descriptor) == 0;
  ::close(descriptor);
  if (!kept || ::rename(next.c_str(), path.c_str()) != 0) return io("write", path);
  return {};
}

bool ack_tracker::complete(const ack& done) {
  waiting_.emplace(done.index, done);
  bool grew = false;
  for (auto it = waiting_.begin(); it != waiting_.end() && it->first == state_.next_batch; it = waiting_.erase(it)) {
    state_.next_batch = it->first + 1;
    state_.offset = it->second.end_offset;
    state_.consumed = it->second.end_consumed;
    state_.accepted += it->second.accepted;
    state_.rejected += it->second.rejected;
    grew = true;
  }
  return grew;
}

}  // namespace waggle::ctl
