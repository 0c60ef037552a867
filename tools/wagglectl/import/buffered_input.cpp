#include "tools/wagglectl/import/buffered_input.hpp"

#include <algorithm>
#include <cstring>

namespace waggle::ctl {

result<bool> buffered_input::refill() {
  begin_ = end_ = 0;
  auto n = source_.read(buffer_.data(), buffer_.size());
  if (!n) return n.error();
  end_ = *n;
  return end_ > 0;
}

result<int> buffered_input::refill_and_get() {
  auto more = refill();
  if (!more) return more.error();
  if (!*more) return -1;
  ++offset_;
  return static_cast<unsigned char>(buffer_[begin_++]);
}

result<buffered_input::line_status> buffered_input::read_line(std::string& out, std::size_t bytes_max) {
  out.clear();
  bool any = false;
  bool too_long = false;
  for (;;) {
    if (begin_ == end_) {
      auto more = refill();
      if (!more) return more.error();
      if (!*more) break;
    }
    any = true;
    const char* from = buffer_.data() + begin_;
    const auto* newline = static_cast<const char*>(std::memchr(from, '\n', end_ - begin_));
    const std::size_t length = newline ? static_cast<std::size_t>(newline - from) : end_ - begin_;
    if (out.size() + length > bytes_max)
      too_long = true;
    else if (!too_long)
      out.append(from, length);
    const std::size_t used = length + (newline ? 1 : 0);
    begin_ += used;
    offset_ += used;
    if (newline) break;
  }
  if (!any) return line_status::end;
  if (too_long) {
    out.clear();
    return line_status::too_long;
  }
  if (!out.empty() && out.back() == '\r') out.pop_back();
  return line_status::line;
}

result<std::size_t> buffered_input::read_exact(char* into, std::size_t n) {
  std::size_t done = 0;
  while (done < n) {
    if (begin_ == end_) {
      auto more = refill();
      if (!more) return more.error();
      if (!*more) break;
    }
    const std::size_t take = std::min(n - done, end_ - begin_);
    std::memcpy(into + done, buffer_.data() + begin_, take);
    begin_ += take;
    offset_ += take;
    done += take;
  }
  return done;
}

result<std::string_view> buffered_input::peek(std::size_t n) {
  n = std::min(n, buffer_.size());
  if (end_ - begin_ < n && begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  while (end_ - begin_ < n) {
    auto more = source_.read(buffer_.data() + end_, buffer_.size() - end_);
    if (!more) return more.error();
    if (*more == 0) break;
    end_ += *more;
  }
  return std::string_view(buffer_.data() + begin_, std::min(n, end_ - begin_));
}

result<bool> buffered_input::skip_to(std::uint64_t offset) {
  if (offset < offset_) return false;
  const std::uint64_t buffered = end_ - begin_;
  if (offset - offset_ > buffered && source_.skip(offset - offset_ - buffered)) {
    begin_ = end_ = 0;
    offset_ = offset;
    return true;
  }
  while (offset_ < offset) {
    if (begin_ == end_) {
      auto more = refill();
      if (!more) return more.error();
      if (!*more) return false;
    }
    const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(offset - offset_, end_ - begin_));
    begin_ += take;
    offset_ += take;
  }
  return true;
}

}  // namespace waggle::ctl
