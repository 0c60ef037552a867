#pragma once
// OpenAPI 3.1 of every served route and a page that shows it, both generated from the route table. Pure; any thread.
#include <string>
#include <string_view>

namespace waggle::rest {

std::string openapi_json(std::string_view version);
std::string openapi_page(std::string_view version);

}  // namespace waggle::rest
