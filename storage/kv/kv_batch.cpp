#include "storage/kv/kv_batch.hpp"

namespace waggle {

void kv_batch::add(op kind, kv_family family, std::string_view first, std::string_view second) {
  byte_writer out(ops_);
  out.fixed(static_cast<std::uint8_t>(kind));
  out.fixed(static_cast<std::uint8_t>(family));
  out.text(first);
  out.text(second);
}

void kv_batch::put(kv_family family, std::string_view key, std::string_view value) { add(op::put, family, key, value); }

void kv_batch::erase(kv_family family, std::string_view key) { add(op::erase, family, key, {}); }

void kv_batch::erase_range(kv_family family, std::string_view begin, std::string_view end) {
  // RocksDB reports an inverted range only after the batch is in its log, where it would fail every recovery.
  if (begin < end) add(op::erase_range, family, begin, end);
}

void kv_batch::append(const kv_batch& later) { ops_ += later.ops_; }

}  // namespace waggle
