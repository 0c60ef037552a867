#pragma once
// When a log write begins. Who was answered comes back soon, so it waits until enough writes are there, but no longer than a
// window. The window's end comes to the group as a message, behind the writes that are in its mailbox by then: a busy worker
// cuts no batch short. Enough is
//   all writers   while the disk is the slow part: one sync for everybody, and coming back takes less time than that
//   half of them  while coming back takes longer than a sync: one half comes back while the other half's log write is out
// Pure; one thread; times in microseconds of one steady clock.
#include <algorithm>
#include <cstdint>
#include <optional>

namespace waggle {

class group_commit {
 public:
  /// `entries_max`: what one log write takes.
  group_commit(bool windows, std::size_t entries_max) : windows_(windows), entries_max_(entries_max) {}

  /// A write came; so many are now unanswered: waiting for a log write, or in one.
  void arrived(std::size_t unanswered, std::int64_t now_us) {
    writers_ = std::max(writers_, unanswered);
    ++arrivals_;
    if (answered_ == 0 || arrivals_ < back_at_) return;
    const auto all_back_us =
        (now_us - answered_us_) * static_cast<std::int64_t>(writers_) / static_cast<std::int64_t>(answered_);
    come_back_us_ += (all_back_us - come_back_us_) / 4;
    answered_ = 0;
  }
  /// So many writers have their answer.
  void answered(std::size_t count, std::int64_t now_us) {
    if (answered_ > 0) return;
    answered_ = count;
    answered_us_ = now_us;
    back_at_ = arrivals_ + count;
  }
  /// Whether `waiting` writes shall go into the log now.
  bool enough(std::size_t waiting) const {
    const auto wanted = come_back_us_ > sync_us_ ? (writers_ + 1) / 2 : writers_;
    return !windows_ || over_ || waiting >= std::min(wanted, entries_max_);
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
  void began(std::size_t unanswered, std::int64_t now_us) {
    writers_ = unanswered;
    open_ = over_ = false;
    began_us_ = now_us;
  }
  /// It is on disk.
  void stored(std::int64_t now_us) { sync_us_ += (now_us - began_us_ - sync_us_) / 4; }

 private:
  bool windows_;
  std::size_t entries_max_;
  std::size_t writers_ = 0;  ///< most unanswered at a time since the last log write began
  std::uint64_t number_ = 0;
  bool open_ = false;
  bool over_ = false;

  std::int64_t began_us_ = 0;
  std::int64_t sync_us_ = 0;       ///< of late
  std::int64_t come_back_us_ = 0;  ///< from the answers to all writers' next writes, of late
  std::uint64_t arrivals_ = 0;
  std::size_t answered_ = 0;  ///< those whose coming back is being timed; 0: none
  std::int64_t answered_us_ = 0;
  std::uint64_t back_at_ = 0;  ///< the arrival with which as many have come as were answered
};

}  // namespace waggle
