#include "net/bridge/record_reader.hpp"

namespace waggle {

record_reader::record_reader(std::string_view json) {
  const auto root = parser_.parse(json);
  if (root && root->is_object())
    root_ = *root;
  else
    fail();
}

std::string record_reader::text(std::string_view name) {
  const auto v = root_[name];
  if (v.is_string()) return std::string(v.as_string());
  fail();
  return {};
}

std::vector<std::string> record_reader::texts(const json_value& list) {
  std::vector<std::string> out;
  if (!list.is_array()) return fail(), out;
  for (const auto element : list.as_array()) {
    const json_value v(element);
    if (!v.is_string()) return fail(), out;
    out.emplace_back(v.as_string());
  }
  return out;
}

bool record_reader::flag(std::string_view name) {
  const auto v = root_[name];
  if (!v.missing() && !v.is_bool()) fail();
  return v.is_bool() && v.as_bool();
}

tenant_id record_reader::tenant(std::string_view name) {
  tenant_id id;
  if (!parse_uuid(text(name), id.bytes)) fail();
  return id;
}

}  // namespace waggle
