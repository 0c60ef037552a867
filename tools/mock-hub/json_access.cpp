#include "tools/mock-hub/json_access.hpp"

#include <ctime>

namespace waggle::mock {
namespace {
const json::value* find(const json::object& object, std::string_view name) {
  const auto* found = object.if_contains(name);
  return found && !found->is_null() ? found : nullptr;
}
[[noreturn]] void refuse_type(std::string_view name, const char* wanted) {
  throw refusal(400, std::string(name) + " must be " + wanted);
}
}  // namespace

json::object parse_object(std::string_view text) {
  if (text.empty()) return {};
  json::error_code code;
  auto value = json::parse(text, code);
  if (code) throw refusal(400, "the body is not JSON: " + code.message());
  if (!value.is_object()) throw refusal(400, "the body must be a JSON object");
  return std::move(value.get_object());
}

std::optional<std::string> find_text(const json::object& object, std::string_view name) {
  const auto* found = find(object, name);
  if (!found) return std::nullopt;
  if (!found->is_string()) refuse_type(name, "a string");
  return std::string(found->get_string());
}

std::optional<std::int64_t> find_number(const json::object& object, std::string_view name) {
  const auto* found = find(object, name);
  if (!found) return std::nullopt;
  json::error_code code;
  const auto number = found->to_number<std::int64_t>(code);
  if (code) refuse_type(name, "an integer");
  return number;
}

std::optional<std::vector<std::string>> find_texts(const json::object& object, std::string_view name) {
  const auto* found = find(object, name);
  if (!found) return std::nullopt;
  if (!found->is_array()) refuse_type(name, "a list of strings");
  std::vector<std::string> texts;
  for (const auto& item : found->get_array()) {
    if (!item.is_string()) refuse_type(name, "a list of strings");
    texts.emplace_back(item.get_string());
  }
  return texts;
}

const json::object* find_object(const json::object& object, std::string_view name) {
  const auto* found = find(object, name);
  if (found && !found->is_object()) refuse_type(name, "an object");
  return found ? &found->get_object() : nullptr;
}

std::string text_or(const json::object& object, std::string_view name, std::string_view otherwise) {
  return find_text(object, name).value_or(std::string(otherwise));
}
std::int64_t number_or(const json::object& object, std::string_view name, std::int64_t otherwise) {
  return find_number(object, name).value_or(otherwise);
}

std::string required_text(const json::object& object, std::string_view name) {
  auto text = find_text(object, name);
  if (!text || text->empty()) throw refusal(400, std::string(name) + " is missing");
  return *text;
}

json::array to_json(const std::vector<std::string>& texts) {
  json::array list;
  for (const auto& text : texts) list.emplace_back(text);
  return list;
}

std::int64_t parse_rfc3339(const std::string& text) {
  std::tm parts{};
  const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::int64_t fraction_ms = 0;
  if (rest && *rest == '.') {
    std::int64_t scale = 100;
    for (++rest; *rest >= '0' && *rest <= '9'; ++rest, scale /= 10) fraction_ms += (*rest - '0') * scale;
  }
  if (!rest || std::string_view(rest) != "Z")
    throw refusal(400, "'" + text + "' is no UTC time such as 2026-01-01T00:00:00Z");
  return std::int64_t{::timegm(&parts)} * 1000 + fraction_ms;
}

}  // namespace waggle::mock
