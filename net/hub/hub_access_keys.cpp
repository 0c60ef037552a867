#include "net/hub/hub_access_keys.hpp"

#include <initializer_list>

#include "base/json.hpp"
#include "base/text_out.hpp"

namespace waggle {
namespace {

failure not_understood(std::string_view what) {
  return failure(ec::io_error, "HiveHub's answer is not understood: " + std::string(what));
}

/// The first of these members that is there.
std::string first_text(const json_value& object, std::initializer_list<std::string_view> names) {
  for (const auto name : names)
    if (const auto v = object[name]; v.is_string() && !v.as_string().empty()) return std::string(v.as_string());
  return {};
}

std::vector<std::string> texts_of(const json_value& list) {
  std::vector<std::string> out;
  if (!list.is_array()) return out;
  for (const auto item : list.as_array())
    if (const json_value text(item); text.is_string()) out.emplace_back(text.as_string());
  return out;
}

result<hub_access_key> read_key(const json_value& from) {
  hub_access_key key;
  key.id = first_text(from, {"id", "key_id"});
  if (key.id.empty()) return not_understood("a key has no id");
  key.name = first_text(from, {"name"});
  key.user = first_text(from, {"user_id", "tenant_id"});
  key.permissions = texts_of(from["permissions"]);
  if (const auto functions = from["allowed_functions"]; functions.is_array()) key.functions = texts_of(functions);
  key.status = first_text(from, {"rotation_status", "status"});
  key.created_at = first_text(from, {"created_at"});
  key.expires_at = first_text(from, {"expires_at"});
  key.secret = first_text(from, {"key", "access_key"});
  return key;
}

}  // namespace

std::string create_key_request(const hub_access_key& wanted) {
  std::string out;
  json_writer w(out);
  w.begin_object().member("user_id", wanted.user).member("name", wanted.name);
  w.member("permissions", wanted.permissions);
  if (wanted.functions) w.member("allowed_functions", *wanted.functions);
  if (!wanted.expires_at.empty()) w.member("expires_at", wanted.expires_at);
  w.end_object();
  return out;
}

result<hub_access_key> read_access_key(std::string_view body) {
  json_parser parser;
  const auto root = parser.parse(body);
  if (!root || !root->is_object()) return not_understood("it is no JSON object");
  return read_key(*root);
}

result<std::vector<hub_access_key>> read_access_keys(std::string_view body) {
  json_parser parser;
  const auto root = parser.parse(body);
  if (!root || !(*root)["keys"].is_array()) return not_understood("it has no list of keys");
  std::vector<hub_access_key> list;
  for (const auto item : (*root)["keys"].as_array()) {
    auto key = read_key(json_value(item));
    if (!key) return key.error();
    list.push_back(std::move(*key));
  }
  return list;
}

}  // namespace waggle
