#include "storage/text/chunking.hpp"

#include <algorithm>
#include <array>

namespace waggle {
namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

/// Sentence ends that are written without white space after them, and white space outside ASCII.
bool ends_with_break(std::string_view text, std::size_t position) {
  static constexpr std::array<std::string_view, 8> breaks = {
      "\u3002", "\uFF01", "\uFF1F", "\uFF0E", "\uFF61", "\u0964", "\u3000", "\u2003"};  // 。！？．｡। and wide spaces
  if (position < 3) return false;
  const auto last = text.substr(position - 3, 3);
  return std::find(breaks.begin(), breaks.end(), last) != breaks.end();
}

/// May a chunk end (or an overlap begin) at `position` without splitting a word?
bool is_break(std::string_view text, std::size_t position) {
  if (position == 0 || position == text.size()) return true;
  return is_space(text[position - 1]) || is_space(text[position]) || ends_with_break(text, position);
}

/// The largest code point boundary not above `position`. Bytes that are no UTF-8 may be cut anywhere.
std::size_t boundary_before(std::string_view text, std::size_t position) {
  if (position >= text.size()) return text.size();
  std::size_t at = position;
  while (at > 0 && position - at < 3 && is_continuation(text[at])) --at;
  return is_continuation(text[at]) ? position : at;
}

/// Where the chunk that begins at `start` ends; greater than `covered`.
std::size_t end_of_chunk(std::string_view text, std::size_t start, std::size_t covered, std::size_t chunk_bytes) {
  if (text.size() - start <= chunk_bytes) return text.size();
  const std::size_t limit = start + chunk_bytes;
  for (std::size_t at = limit; at > covered; --at)
    if (is_break(text, at)) return at;
  return boundary_before(text, limit);
}

/// Where the chunk after [start, end) begins: a word inside the overlap, or the code point there, or `end` itself.
std::size_t start_of_next(std::string_view text, std::size_t start, std::size_t end, std::size_t overlap_bytes) {
  const std::size_t earliest = std::max(end - std::min(end, overlap_bytes), start + 1);
  for (std::size_t at = earliest; at < end; ++at)
    if (is_break(text, at) && !is_space(text[at])) return at;
  std::size_t at = earliest;
  while (at < end && at - earliest < 3 && is_continuation(text[at])) ++at;
  return at;
}

}  // namespace

std::vector<std::string_view> chunk_text(std::string_view text, std::size_t chunk_bytes, std::size_t overlap_bytes) {
  chunk_bytes = std::max<std::size_t>(chunk_bytes, 4);
  // At least one code point of every window must be new, else the text would never end.
  overlap_bytes = std::min({overlap_bytes, chunk_bytes / 2, chunk_bytes - 4});
  std::vector<std::string_view> chunks;
  std::size_t start = 0, end = 0;
  while (end < text.size()) {
    end = end_of_chunk(text, start, end, chunk_bytes);
    chunks.push_back(text.substr(start, end - start));
    start = start_of_next(text, start, end, overlap_bytes);
  }
  return chunks;
}

}  // namespace waggle
