#pragma once
// Which entries a core holds in memory: their terms, their bytes, and how far the log may be trimmed to get back under
// a number of bytes. C-raft counts entries, memory is bytes. Pure; owned by one core.
#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>

namespace waggle {

class log_window {
 public:
  /// What an entry costs beside its data: C-raft's slot, its reference count, the allocator.
  static constexpr std::size_t entry_overhead_bytes = 96;

  /// Empties the window; the next push is entry `first_index`.
  void reset(std::uint64_t first_index);
  void push(std::uint64_t term, std::size_t data_bytes);
  /// Forgets entries from `index` on.
  void truncate_from(std::uint64_t index);
  /// Forgets entries up to and with `index`.
  void trim_to(std::uint64_t index);

  std::uint64_t first_index() const { return first_; }
  std::uint64_t last_index() const { return first_ + sizes_.size() - 1; }  ///< first_index() - 1 when empty
  std::size_t bytes() const { return bytes_; }
  /// 0 when the entry isn't here.
  std::uint64_t term_of(std::uint64_t index) const;

  struct trim {
    std::uint64_t index = 0;  ///< trim_to this; first_index() - 1 when nothing may go
    std::size_t freed_bytes = 0;
  };
  /// The smallest trim that leaves at most `keep_bytes`, but not beyond `limit_index`.
  trim plan_trim(std::size_t keep_bytes, std::uint64_t limit_index) const;

 private:
  std::uint64_t first_ = 1;
  std::size_t bytes_ = 0;
  std::deque<std::size_t> sizes_;
  std::deque<std::pair<std::uint64_t, std::uint64_t>> terms_;  ///< (first index of a run, its term), ascending
};

}  // namespace waggle
