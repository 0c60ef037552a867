#pragma once
// When a log write begins: who was answered comes back soon, so it waits until as many writes are there as were unanswered
// of late, but no longer than a window. The window's end comes to the group as a message, behind the writes that are in
// its mailbox by then: a busy worker cuts no batch short. Pure; one thread.
#include <algorithm>
#include <cstdint>
#include <optional>

namespace waggle {

class group_commit {
 public:
  /// `entries_max`: what one log write takes.
  group_commit(bool windows, std::size_t entries_max) : windows_(windows), entries_max_(entries_max) {}

  /// A write came; these are now unanswered: waiting for a log write, or in one.
  void arrived(std::size_t unanswered) { writers_ = std::max(writers_, unanswered); }
  /// Whether `waiting` writes shall go into the log now.
  bool enough(std::size_t waiting) const {
    return !windows_ || over_ || waiting >= std::min(writers_, entries_max_);
  }
  /// The number of the window that opens because there is not enough; none when one is open.
  std::optional<std::uint64_t> open() {
    if (open_) return std::nullopt;
    open_ = true;
    return ++number_;
  }
  /// The time of that window has passed. One whose log write has begun is of no account.
  void end(std::uint64_t number) { over_ = over_ || (open_ && number == number_); }
  /// A log write begins while so many are unanswered.
  void began(std::size_t unanswered) {
    writers_ = unanswered;
    open_ = over_ = false;
  }

 private:
  bool windows_;
  std::size_t entries_max_;
  std::size_t writers_ = 0;  ///< most unanswered at a time since the last log write began
  std::uint64_t number_ = 0;
  bool open_ = false;
  bool over_ = false;
};

}  // namespace waggle
