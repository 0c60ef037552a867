#pragma once
// Beast's parser aborts when it asked for more behind the line of a last chunk and is then offered fewer bytes than a body
// of chunks ends with. Every such body ends with at least as many, so waiting for them stalls nobody. One per parser.
#include <cstddef>
#include <string_view>

namespace waggle {

class chunk_end_guard {
 public:
  /// After each call of the parser: did it ask for more, inside a chunked body?
  void parsed(bool needs_more, bool in_chunks) { waits_ = needs_more && in_chunks; }
  /// Whether the parser must not see these bytes before more have come.
  bool offers_too_little(std::size_t bytes) const {
    constexpr std::size_t end_of_chunks_bytes = std::string_view("0\r\n\r\n").size();
    return waits_ && bytes < end_of_chunks_bytes;
  }

 private:
  bool waits_ = false;
};

}  // namespace waggle
