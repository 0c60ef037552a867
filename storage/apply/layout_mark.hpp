#pragma once
// The mark of a store's layout, and of a conversion that is not finished. Private to storage/apply.
#include "storage/kv/kv_store.hpp"

namespace waggle {

enum class layout_mark { together, apart, to_apart, to_together };
result<layout_mark> read_layout(const kv_store& kv);
void write_layout(kv_batch& batch, layout_mark mark);

}  // namespace waggle
