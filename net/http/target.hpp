#pragma once
// The request target: split, percent-decode, strip the prefixes. Pure; any thread. Contract README §4; RFC 9112 §3.2.
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "net/http/types.hpp"

namespace waggle {

/// Decodes %XX once; '+' becomes a space when `plus_is_space`. False when an escape is incomplete or not hexadecimal,
/// or the result holds NUL or is not UTF-8.
bool percent_decode(std::string_view text, bool plus_is_space, std::string& out);

/// Fills raw_path, raw_query, segments and parameters from `request.target` (origin form, absolute form or "*").
/// `authority` receives the authority of an absolute form, else stays empty. 400 on anything malformed.
result<void> read_target(http_request& request, std::string_view& authority);

/// 1 to `bytes_max` visible ASCII characters: what an id in a header may be.
bool is_header_id(std::string_view text, std::size_t bytes_max);

/// Checks X-Correlation-ID, then X-Request-Id: 1…128 visible ASCII characters. Anything else gets a fresh UUIDv7.
void choose_correlation_id(http_request& request);

/// Sets arrived/deadline from the server's timeout, lowered by X-Request-Timeout-Ms. 400 when that is no whole number
/// ≥ 1.
result<void> set_deadline(http_request& request, std::int64_t now_us, int timeout_ms);

}  // namespace waggle
