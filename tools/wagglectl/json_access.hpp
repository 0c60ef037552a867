#pragma once
// Reading JSON that somebody else wrote: a member that is absent or of another kind is an empty text, never a crash.
// Any thread.
#include <string_view>

#include "base/json.hpp"

namespace waggle::ctl {

/// The string, or "" when `value` is none. Valid as long as its parser's document.
inline std::string_view text_of(json_value value) { return value.is_string() ? value.as_string() : std::string_view(); }

}  // namespace waggle::ctl
