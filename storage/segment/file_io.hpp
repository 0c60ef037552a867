#pragma once
// The two things a segment file needs from the operating system: a file that appears whole or not at all, and a
// read-only mapping. The door to POSIX files of this folder. One thread per object; a finished mapping: any thread.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace waggle {

/// Failure for an errno: out of room (ENOSPC, EDQUOT, EFBIG) is storage_full, ENOENT not_found, the rest io_error.
failure io_failure(int error, std::string_view act, const std::string& path);

/// A file under construction: bytes go to `<path>.tmp`, `commit` makes them durable under `path`, the destructor
/// removes what was not committed. Errors stick: after the first one every call does nothing and `commit` reports it.
class durable_file {
 public:
  explicit durable_file(std::string path);
  ~durable_file();
  durable_file(const durable_file&) = delete;
  durable_file& operator=(const durable_file&) = delete;

  void append(std::string_view bytes);
  /// Zero bytes up to the next multiple of `alignment`.
  void align(std::size_t alignment);
  std::uint64_t size() const { return written_ + buffer_.size(); }
  /// Overwrites bytes that were appended before.
  void overwrite(std::uint64_t offset, std::string_view bytes);
  /// Hands every appended byte to the kernel, so that a mapping of `temp_path()` shows them.
  result<void> flush();
  /// fsync, rename over `path`, fsync of the directory.
  result<void> commit();
  const std::string& temp_path() const { return temp_path_; }

 private:
  void write(std::string_view bytes);
  void drain();
  void fail(int error, std::string_view act);
  std::string path_, temp_path_;
  std::string buffer_;
  std::uint64_t written_ = 0;
  int fd_ = -1;
  bool committed_ = false;
  failure error_;
  bool failed_ = false;
};

/// A read-only mapping of a whole file, kept until destruction.
class mapped_file {
 public:
  static result<mapped_file> open(const std::string& path);
  ~mapped_file();
  mapped_file(mapped_file&& other) noexcept;
  mapped_file& operator=(mapped_file&&) = delete;
  std::string_view bytes() const { return {static_cast<const char*>(base_), size_}; }

 private:
  mapped_file(const void* base, std::size_t size) : base_(base), size_(size) {}
  const void* base_;
  std::size_t size_;
};

}  // namespace waggle
