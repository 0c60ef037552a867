#pragma once
// Bytes received and not yet parsed. One per connection; grows for bodies, shrinks again when the connection is idle.
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace waggle {

class read_buffer {
 public:
  explicit read_buffer(std::size_t bytes) : resting_bytes_(bytes) { reset_storage(bytes); }

  std::string_view unread() const { return {data_.get() + begin_, end_ - begin_}; }
  bool empty() const { return begin_ == end_; }
  void consume(std::size_t n) {
    begin_ += n;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  /// Room for the next read: at least one byte, unless `bytes_max` unread bytes are held already.
  std::pair<char*, std::size_t> room(std::size_t bytes_max) {
    if (end_ == capacity_ && begin_ > 0) {
      std::memmove(data_.get(), data_.get() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (end_ == capacity_ && capacity_ < bytes_max) grow(std::min(capacity_ * 2, bytes_max));
    return {data_.get() + end_, capacity_ - end_};
  }
  void received(std::size_t n) { end_ += n; }
  /// Takes large reads from now on.
  void widen(std::size_t bytes) {
    if (capacity_ < bytes) grow(bytes);
  }
  /// Gives memory back. Only when empty.
  void rest() {
    if (capacity_ > resting_bytes_) reset_storage(resting_bytes_);
  }

 private:
  void reset_storage(std::size_t bytes) {
    data_.reset(new char[bytes]);
    capacity_ = bytes;
    begin_ = end_ = 0;
  }
  void grow(std::size_t bytes) {
    std::unique_ptr<char[]> wider(new char[bytes]);
    std::memcpy(wider.get(), data_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    data_ = std::move(wider);
    capacity_ = bytes;
  }
  const std::size_t resting_bytes_;
  std::unique_ptr<char[]> data_;
  std::size_t capacity_ = 0, begin_ = 0, end_ = 0;
};

}  // namespace waggle
