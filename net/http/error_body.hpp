#pragma once
// The one error body (contract README §7). Pure; any thread.
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "net/http/types.hpp"

namespace waggle {

/// Which family of routes answers: they differ in `error_type` and `error`.
enum class error_style : std::uint8_t {
  native,
  hub,   ///< `/hub/*`: error_type equals code (seed 000)
  auth,  ///< `/auth/*`: error equals error_type
};

/// The code as `error_type` has it: "queue_full".
std::string error_type_of(ec code);

/// Status, body and the headers that belong to the code: Retry-After (always with 429), WWW-Authenticate with 401,
/// Accept-Encoding with 415. Codes that exist inside the node only become INTERNAL_ERROR and lose their message.
http_response error_response(const failure& why, std::string_view correlation_id,
                             error_style style = error_style::native);

}  // namespace waggle
