#include "cluster/raft/log_window.hpp"

#include <algorithm>

namespace waggle {

void log_window::reset(std::uint64_t first_index) {
  first_ = first_index;
  bytes_ = 0;
  sizes_.clear();
  terms_.clear();
}

void log_window::push(std::uint64_t term, std::size_t data_bytes) {
  if (terms_.empty() || terms_.back().second != term) terms_.emplace_back(last_index() + 1, term);
  sizes_.push_back(data_bytes + entry_overhead_bytes);
  bytes_ += sizes_.back();
}

void log_window::truncate_from(std::uint64_t index) {
  while (!sizes_.empty() && last_index() >= index) {
    bytes_ -= sizes_.back();
    sizes_.pop_back();
  }
  while (!terms_.empty() && terms_.back().first > last_index()) terms_.pop_back();
}

void log_window::trim_to(std::uint64_t index) {
  while (!sizes_.empty() && first_ <= index) {
    bytes_ -= sizes_.front();
    sizes_.pop_front();
    ++first_;
  }
  while (terms_.size() > 1 && terms_[1].first <= first_) terms_.pop_front();
  if (sizes_.empty()) terms_.clear();
}

std::uint64_t log_window::term_of(std::uint64_t index) const {
  if (index < first_ || index > last_index()) return 0;
  const auto after = std::upper_bound(terms_.begin(), terms_.end(), index,
                                      [](std::uint64_t i, const auto& run) { return i < run.first; });
  return std::prev(after)->second;
}

log_window::trim log_window::plan_trim(std::size_t keep_bytes, std::uint64_t limit_index) const {
  trim plan{first_ - 1, 0};
  for (const auto size : sizes_) {
    if (bytes_ - plan.freed_bytes <= keep_bytes || plan.index >= limit_index) break;
    ++plan.index;
    plan.freed_bytes += size;
  }
  return plan;
}

}  // namespace waggle
