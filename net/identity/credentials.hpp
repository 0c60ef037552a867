#pragma once
// What a request shows for itself (contract auth.md §2): one key, carried by Authorization, X-API-Key or api-key. Pure; any
// thread.
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "net/http/types.hpp"

namespace waggle {

/// The key, or none when the request carries none. BAD_REQUEST: two carriers say different things.
/// AUTH_INVALID_FORMAT: another scheme than Bearer, or an empty value. The view lives as long as the request.
/// `in_query`: `?api_key=` carries one, too (auth.allow_query_api_key); else nobody looks there.
result<std::optional<std::string_view>> find_key(const http_request& request, bool in_query);

}  // namespace waggle
