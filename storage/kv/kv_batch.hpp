#pragma once
// Key-value writes that happen together or not at all, in the order given. Plain bytes until kv_store writes them, so
// it can be built on a runtime thread and written on a blocking one. Belongs to one thread at a time; any thread.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/codec.hpp"

namespace waggle {

/// A keyspace with tuning of its own (a RocksDB column family).
enum class kv_family : std::uint8_t { raft_log, points, meta };
inline constexpr std::size_t kv_family_count = 3;

class kv_batch {
 public:
  void put(kv_family family, std::string_view key, std::string_view value);
  void erase(kv_family family, std::string_view key);
  /// Erases the keys in [begin, end); nothing when begin >= end.
  void erase_range(kv_family family, std::string_view begin, std::string_view end);
  /// Adds the writes of `later` after these.
  void append(const kv_batch& later);
  void clear() { ops_.clear(); }
  bool empty() const { return ops_.empty(); }
  /// About the size of the log record that this batch becomes.
  std::size_t bytes() const { return ops_.size(); }

  enum class op : std::uint8_t { put, erase, erase_range };
  /// Calls visit(op, kv_family, key or begin, value or end or "") for each write in order.
  template <class Visit>
  void for_each(Visit&& visit) const;

 private:
  void add(op kind, kv_family family, std::string_view first, std::string_view second);
  std::string ops_;  ///< op(1) family(1) first(varint length, bytes) second(the same)
};

template <class Visit>
void kv_batch::for_each(Visit&& visit) const {
  byte_reader in(ops_);
  while (in.ok() && in.left() > 0) {
    const auto kind = static_cast<op>(in.fixed<std::uint8_t>());
    const auto family = static_cast<kv_family>(in.fixed<std::uint8_t>());
    const auto first = in.text();
    const auto second = in.text();
    visit(kind, family, first, second);
  }
}

}  // namespace waggle
