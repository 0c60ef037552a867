#pragma once
// Where import bytes come from: a file, standard input, or memory (tests, fuzzers). One thread at a time.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace waggle::ctl {

class byte_source {
 public:
  virtual ~byte_source() = default;
  /// Bytes read into `into`; 0 = end. Failure: io_error with a sentence for the user.
  virtual result<std::size_t> read(char* into, std::size_t capacity) = 0;
  /// Moves forward by `bytes` without reading, if the source can; false = the caller has to read them.
  virtual bool skip(std::uint64_t bytes) { return false; }
};

/// A view of memory that outlives the source. `piece` caps each read, so tests can cut records at any byte.
class memory_source final : public byte_source {
 public:
  explicit memory_source(std::string_view bytes, std::size_t piece = SIZE_MAX) : bytes_(bytes), piece_(piece) {}
  result<std::size_t> read(char* into, std::size_t capacity) override;

 private:
  std::string_view bytes_;
  std::size_t piece_;
};

/// Owns the descriptor, except standard input's.
class file_source final : public byte_source {
 public:
  static result<std::unique_ptr<file_source>> open(const std::string& path);
  static std::unique_ptr<file_source> standard_input();
  ~file_source() override;
  file_source(const file_source&) = delete;
  file_source& operator=(const file_source&) = delete;
  result<std::size_t> read(char* into, std::size_t capacity) override;
  bool skip(std::uint64_t bytes) override;

 private:
  file_source(int descriptor, bool owned, bool seekable)
      : descriptor_(descriptor), owned_(owned), seekable_(seekable) {}
  int descriptor_;
  bool owned_;
  bool seekable_;
};

}  // namespace waggle::ctl
