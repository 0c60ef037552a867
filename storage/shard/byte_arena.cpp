#include "storage/shard/byte_arena.hpp"

#include <algorithm>
#include <cstring>

namespace waggle {
namespace {
// A shard with three points should cost a page; a busy one should not allocate per point.
constexpr std::size_t block_bytes_min = 2048;
constexpr std::size_t block_bytes_max = 256 * 1024;
}  // namespace

std::string_view byte_arena::store(std::string_view bytes, std::size_t padding) {
  const auto need = bytes.size() + padding;
  if (need > left_) {
    const auto usual = std::clamp(reserved_, block_bytes_min, block_bytes_max);
    const auto size = std::max(need, usual);
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(size));
    at_ = blocks_.back().get();
    left_ = size;
    reserved_ += size;
  }
  char* const copy = at_;
  if (!bytes.empty()) std::memcpy(copy, bytes.data(), bytes.size());
  if (padding != 0) std::memset(copy + bytes.size(), 0, padding);
  at_ += need;
  left_ -= need;
  return {copy, bytes.size()};
}

}  // namespace waggle
