#include "tools/wagglectl/import/byte_source.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace waggle::ctl {

result<std::size_t> memory_source::read(char* into, std::size_t capacity) {
  const std::size_t n = std::min({capacity, piece_, bytes_.size()});
  std::memcpy(into, bytes_.data(), n);
  bytes_.remove_prefix(n);
  return n;
}

result<std::unique_ptr<file_source>> file_source::open(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return failure(ec::io_error, "Cannot open " + path + ": " + std::strerror(errno));
  struct stat info {};
  const bool known = ::fstat(descriptor, &info) == 0;
  if (known && S_ISDIR(info.st_mode)) {
    ::close(descriptor);
    return failure(ec::io_error, "Cannot read " + path + ": it is a directory");
  }
  const bool regular = known && S_ISREG(info.st_mode);
  if (regular) ::posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL);
  return std::unique_ptr<file_source>(new file_source(descriptor, true, regular));
}

std::unique_ptr<file_source> file_source::standard_input() {
  return std::unique_ptr<file_source>(new file_source(STDIN_FILENO, false, false));
}

file_source::~file_source() {
  if (owned_) ::close(descriptor_);
}

result<std::size_t> file_source::read(char* into, std::size_t capacity) {
  // A read that a signal broke off is not begun again: the import is being stopped.
  const ssize_t n = ::read(descriptor_, into, capacity);
  if (n < 0) return failure(ec::io_error, std::string("Cannot read the source: ") + std::strerror(errno));
  return static_cast<std::size_t>(n);
}

bool file_source::skip(std::uint64_t bytes) {
  return seekable_ && ::lseek(descriptor_, static_cast<off_t>(bytes), SEEK_CUR) >= 0;
}

}  // namespace waggle::ctl
