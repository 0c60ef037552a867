#include "storage/segment/file_io.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace waggle {
namespace {
constexpr std::size_t buffer_bytes = 1u << 20;

/// 0, or the errno of the write that failed. Retries what a signal or the kernel cut short.
int write_all(int fd, std::string_view bytes, std::int64_t offset) {
  while (!bytes.empty()) {
    const auto n = ::pwrite(fd, bytes.data(), bytes.size(), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    if (n == 0) return ENOSPC;
    bytes.remove_prefix(static_cast<std::size_t>(n));
    offset += n;
  }
  return 0;
}

int sync_directory_of(const std::string& path) {
  const auto slash = path.find_last_of('/');
  const std::string directory = slash == path.npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno;
  const int error = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  return error;
}
}  // namespace

failure io_failure(int error, std::string_view act, const std::string& path) {
  const bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  failure f(full ? ec::storage_full : error == ENOENT ? ec::not_found : ec::io_error);
  f.log_text.append(act).append(" ").append(path).append(": ").append(std::strerror(error));
  return f;
}

durable_file::durable_file(std::string path) : path_(std::move(path)), temp_path_(path_ + ".tmp") {
  fd_ = ::open(temp_path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
  if (fd_ < 0) fail(errno, "create");
}

durable_file::~durable_file() {
  if (fd_ < 0) return;
  ::close(fd_);
  if (!committed_) ::unlink(temp_path_.c_str());
}

void durable_file::fail(int error, std::string_view act) {
  if (failed_) return;
  failed_ = true;
  error_ = io_failure(error, act, temp_path_);
}

void durable_file::write(std::string_view bytes) {
  if (failed_) return;
  if (const int error = write_all(fd_, bytes, static_cast<std::int64_t>(written_))) return fail(error, "write");
  written_ += bytes.size();
}

void durable_file::drain() {
  write(buffer_);
  buffer_.clear();
}

void durable_file::append(std::string_view bytes) {
  if (failed_) return;
  if (buffer_.size() + bytes.size() > buffer_bytes) drain();
  if (bytes.size() >= buffer_bytes) return write(bytes);
  buffer_.append(bytes);
}

void durable_file::align(std::size_t alignment) {
  if (const auto excess = size() % alignment; excess != 0) append(std::string(alignment - excess, '\0'));
}

void durable_file::overwrite(std::uint64_t offset, std::string_view bytes) {
  drain();
  if (failed_) return;
  if (const int error = write_all(fd_, bytes, static_cast<std::int64_t>(offset))) fail(error, "write");
}

result<void> durable_file::flush() {
  drain();
  if (failed_) return error_;
  return {};
}

result<void> durable_file::commit() {
  drain();
  if (!failed_ && ::fsync(fd_) != 0) fail(errno, "fsync");
  if (!failed_ && ::rename(temp_path_.c_str(), path_.c_str()) != 0) fail(errno, "rename");
  if (failed_) return error_;
  committed_ = true;
  if (const int error = sync_directory_of(path_)) return io_failure(error, "fsync directory of", path_);
  return {};
}

result<mapped_file> mapped_file::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return io_failure(errno, "open", path);
  struct stat status {};
  int error = ::fstat(fd, &status) == 0 ? 0 : errno;
  if (!error && !S_ISREG(status.st_mode)) error = EINVAL;
  const auto size = static_cast<std::size_t>(status.st_size);
  const void* base = nullptr;
  if (!error && size > 0) {
    base = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
    if (base == MAP_FAILED) error = errno;
  }
  ::close(fd);
  if (error) return io_failure(error, "map", path);
  return mapped_file(base, size);
}

mapped_file::mapped_file(mapped_file&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)), size_(std::exchange(other.size_, 0)) {}

mapped_file::~mapped_file() {
  if (base_) ::munmap(const_cast<void*>(base_), size_);
}

}  // namespace waggle
