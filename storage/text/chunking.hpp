#pragma once
// Cuts a long text into chunks for embedding (contract rest.md §4). Pure; any thread.
#include <cstddef>
#include <string_view>
#include <vector>

namespace waggle {

/// Chunks of at most `chunk_bytes` (below 4 counts as 4: a code point must fit), in order, that together cover every
/// byte; views into `text`. A chunk ends after the last white space or sentence end inside its window, at a code point
/// boundary if there is none. The next one begins up to `overlap_bytes` earlier (at most half a chunk, so that the
/// chunks of a text never add up to more than a few times the text), at a word if possible. Text that fits is one
/// chunk; empty text is none.
std::vector<std::string_view> chunk_text(std::string_view text, std::size_t chunk_bytes, std::size_t overlap_bytes);

}  // namespace waggle
