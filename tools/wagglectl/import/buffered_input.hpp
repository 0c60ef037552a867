#pragma once
// A byte source with one fixed buffer: lines, exact reads, look-ahead, and the offset of what was consumed.
// Owned by an import; one thread at a time. Memory: one buffer, whatever the source claims.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "tools/wagglectl/import/byte_source.hpp"

namespace waggle::ctl {

class buffered_input {
 public:
  static constexpr std::size_t buffer_bytes = 256 * 1024;
  explicit buffered_input(byte_source& source) : source_(source), buffer_(buffer_bytes) {}

  enum class line_status { line, too_long, end };
  /// One line without "\n" or "\r\n". A line over `bytes_max` is consumed whole but not kept: too_long.
  result<line_status> read_line(std::string& out, std::size_t bytes_max);
  /// Bytes read; fewer than `n` only at the end.
  result<std::size_t> read_exact(char* into, std::size_t n);
  /// Up to `n` ≤ buffer_bytes of what comes next, without consuming it.
  result<std::string_view> peek(std::size_t n);
  /// Consumes up to this absolute offset; false when the source ends before it.
  result<bool> skip_to(std::uint64_t offset);
  /// Next byte, or -1 at the end.
  result<int> get() {
    if (begin_ == end_) return refill_and_get();
    ++offset_;
    return static_cast<unsigned char>(buffer_[begin_++]);
  }
  /// Bytes consumed so far.
  std::uint64_t offset() const { return offset_; }

 private:
  result<bool> refill();
  result<int> refill_and_get();
  byte_source& source_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t offset_ = 0;
};

}  // namespace waggle::ctl
