#pragma once
// Reading a request's JSON. A member of the wrong type is a `refusal`, the mock hub's one exception: thrown anywhere
// below `hub::carry_out` and `hub::control`, caught there, and answered as {"error": …}. Pure; any thread.
#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace waggle::mock {
namespace json = boost::json;

struct refusal : std::runtime_error {
  refusal(int s, const std::string& why) : std::runtime_error(why), status(s) {}
  int status;
};

/// An empty text is an empty object; anything else but an object is refused.
json::object parse_object(std::string_view text);

/// Each is nothing when the member is absent or null, and a refusal when it has another type.
std::optional<std::string> find_text(const json::object& object, std::string_view name);
std::optional<std::int64_t> find_number(const json::object& object, std::string_view name);
std::optional<std::vector<std::string>> find_texts(const json::object& object, std::string_view name);
/// An object, or nullptr.
const json::object* find_object(const json::object& object, std::string_view name);

std::string text_or(const json::object& object, std::string_view name, std::string_view otherwise);
std::int64_t number_or(const json::object& object, std::string_view name, std::int64_t otherwise);
std::string required_text(const json::object& object, std::string_view name);
json::array to_json(const std::vector<std::string>& texts);

/// "2026-01-01T00:00:00Z", with or without a fraction, to unix milliseconds. Any other zone is refused.
std::int64_t parse_rfc3339(const std::string& text);

}  // namespace waggle::mock
