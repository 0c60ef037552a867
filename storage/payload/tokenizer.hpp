#pragma once
// The seam between filters and text analysis, which lives above this folder (storage/text/analyzer.hpp `word_tokens`).
#include <string>
#include <string_view>
#include <vector>

namespace waggle {

/// Words of a text, in order, in the form they are compared in. Must be safe to call from any thread.
using tokenizer = std::vector<std::string> (*)(std::string_view utf8);

}  // namespace waggle
