#pragma once
// Append-only bytes that never move. The writer stores; any thread reads what it was handed. Freed as a whole.
#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

namespace waggle {

class byte_arena {
 public:
  /// A copy of `bytes`, followed by `padding` zero bytes of its own: a reader may look at them while the writer goes
  /// on.
  std::string_view store(std::string_view bytes, std::size_t padding = 0);

 private:
  std::vector<std::unique_ptr<char[]>> blocks_;
  char* at_ = nullptr;
  std::size_t left_ = 0;
  std::size_t reserved_ = 0;
};

}  // namespace waggle
