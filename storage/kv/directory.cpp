#include "storage/kv/directory.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "storage/kv/rocks_database.hpp"

namespace waggle {

result<void> sync_directory(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return to_failure(errno, "open " + path.string());
  const int failed = ::fsync(file) != 0 ? errno : 0;
  ::close(file);
  if (failed) return to_failure(failed, "sync " + path.string());
  return {};
}

result<void> remove_directory(const std::filesystem::path& path) {
  std::error_code failed;
  std::filesystem::remove_all(path, failed);
  if (failed) return to_failure(failed.value(), "remove " + path.string());
  return {};
}

}  // namespace waggle
