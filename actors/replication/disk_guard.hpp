#pragma once
// Refuses growth before the disk is full: at 95 % use, until it is back under 90 % (contract cluster.md §5).
// Owned by one actor; asks the file system at most four times a second.
#include <filesystem>

#include "base/clock.hpp"

namespace waggle {

class disk_guard {
 public:
  disk_guard(std::filesystem::path directory, const clock& time) : directory_(std::move(directory)), time_(time) {}
  bool full();

 private:
  std::filesystem::path directory_;
  const clock& time_;
  std::int64_t asked_us_ = 0;
  bool full_ = false;
};

}  // namespace waggle
