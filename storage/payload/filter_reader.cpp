#include "storage/payload/filter_reader.hpp"

#include <algorithm>
#include <array>

namespace waggle {
namespace {

constexpr std::array<std::string_view, 4> clause_names{"must", "should", "must_not", "min_should"};
/// Members of a condition of which exactly one says what is asked.
constexpr std::array<std::string_view, 13> test_names{
    "match",   "range",  "geo_bounding_box", "geo_radius", "geo_polygon", "values_count", "is_empty",
    "is_null", "has_id", "has_vector",       "nested",     "filter",      "match_value"};
constexpr std::string_view vectorizer_group_key = "__nested__";

bool is_group(const json_value& json) {
  for (const auto member : json.as_object())
    return std::find(clause_names.begin(), clause_names.end(), member.key) != clause_names.end();
  return true;
}

/// Names in error messages come from the client: cut them at a character, so that a message stays short UTF-8.
std::string_view shortened(std::string_view name) {
  constexpr std::size_t bytes_max = 100;
  if (name.size() <= bytes_max) return name;
  std::size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xc0) == 0x80) --end;
  return name.substr(0, end);
}

}  // namespace

failure filter_reader::too_much(std::size_t max, std::string_view of_what) {
  return failure::validation("filter", "has more than " + std::to_string(max) + " " + std::string(of_what));
}

failure filter_reader::refuse(std::string_view member, std::string_view reason) const {
  std::string field = at_;
  field.append(".").append(shortened(member));
  return failure::validation(field, reason);
}

result<void> filter_reader::expect_members(const json_value& json,
                                           std::initializer_list<std::string_view> names) const {
  if (!json.is_object()) return refuse("must be an object");
  std::uint32_t seen = 0;
  for (const auto member : json.as_object()) {
    const auto at = std::find(names.begin(), names.end(), member.key);
    if (at == names.end()) return refuse(member.key, "is not a known member");
    const auto bit = std::uint32_t{1} << (at - names.begin());
    if (seen & bit) return refuse(member.key, "is given twice");
    seen |= bit;
  }
  return {};
}

result<filter_clauses> filter_reader::read_clauses(const json_value& json, std::size_t depth) {
  if (depth > limits::filter_depth_max) return too_much(limits::filter_depth_max, "levels");
  if (auto known = expect_members(json, {"must", "should", "must_not", "min_should"}); !known) return known.error();
  filter_clauses out;
  const std::pair<std::string_view, std::vector<filter_condition>*> lists[] = {
      {"must", &out.must}, {"should", &out.should}, {"must_not", &out.must_not}};
  for (const auto& [name, list] : lists) {
    const place here(*this, name);
    if (auto read = read_list(json[name], depth, *list); !read) return read.error();
  }
  const place here(*this, "min_should");
  if (auto read = read_min_should(json["min_should"], depth, out); !read) return read.error();
  return out;
}

result<void> filter_reader::read_list(const json_value& json, std::size_t depth, std::vector<filter_condition>& out) {
  if (json.missing()) return {};
  if (json.is_object()) {
    auto condition = read_condition(json, depth);
    if (!condition) return condition.error();
    out.push_back(std::move(*condition));
    return {};
  }
  if (!json.is_array()) return refuse("must be a condition or an array of conditions");
  std::size_t index = 0;
  for (const auto item : json.as_array()) {
    const place here(*this, index++);
    auto condition = read_condition(json_value(item), depth);
    if (!condition) return condition.error();
    out.push_back(std::move(*condition));
  }
  // Conditions that need no payload decide first: a row they refuse is never parsed.
  std::stable_partition(out.begin(), out.end(), [](const filter_condition& c) {
    return std::holds_alternative<id_condition>(c) || std::holds_alternative<constant_condition>(c);
  });
  return {};
}

result<void> filter_reader::read_min_should(const json_value& json, std::size_t depth, filter_clauses& out) {
  if (json.missing()) return {};
  if (auto known = expect_members(json, {"conditions", "min_count"}); !known) return known.error();
  if (!json["min_count"].get_uint64(out.min_count) || out.min_count == 0)
    return refuse("min_count", "must be a positive integer");
  const place here(*this, "conditions");
  if (json["conditions"].missing()) return refuse("is required");
  return read_list(json["conditions"], depth, out.min_should);
}

result<filter_condition> filter_reader::read_condition(const json_value& json, std::size_t depth) {
  if (++conditions_ > limits::filter_conditions_max) return too_much(limits::filter_conditions_max, "conditions");
  if (!json.is_object()) return refuse("must be an object");
  if (is_group(json)) {
    auto clauses = read_clauses(json, depth + 1);
    if (!clauses) return clauses.error();
    return filter_condition(group_condition{std::make_unique<const filter_clauses>(std::move(*clauses))});
  }
  if (auto known = expect_members(
          json, {"key", "type", "match", "range", "geo_bounding_box", "geo_radius", "geo_polygon", "values_count",
                 "is_empty", "is_null", "has_id", "has_vector", "nested", "filter", "match_value"});
      !known)
    return known.error();
  std::string_view test;
  for (const auto name : test_names) {
    // `match_value: null` is the Vectorizer clients' "any value"; elsewhere null means "not given".
    const auto value = json[name];
    if (name == "match_value" ? !value.present() : value.missing()) continue;
    if (!test.empty()) return refuse(name, "stands beside another test: write one condition for each");
    test = name;
  }
  if (test.empty()) return refuse("asks nothing: one of match, range, … is required");
  if (auto tag = check_tag(json["type"], test); !tag) return tag.error();
  return read_test(test, json, depth);
}

/// The `type` of a Vectorizer condition says again what the test's member says; `match_value` exists only there.
result<void> filter_reader::check_tag(const json_value& tag, std::string_view test) const {
  if (tag.missing()) {
    if (test == "match_value") return refuse("match_value", "needs type \"match\"");
    return {};
  }
  if (!tag.is_string()) return refuse("type", "must be a string");
  const auto meant = test == "match_value" ? "match" : test == "filter" ? "nested" : test;
  if (tag.as_string() != meant) return refuse("type", "does not fit the condition's other members");
  return {};
}

result<filter_condition> filter_reader::read_test(std::string_view name, const json_value& json, std::size_t depth) {
  const auto test = json[name], key = json["key"];
  if (name == "filter") return read_group(test, key, depth);
  if (name == "is_empty" || name == "is_null") return read_emptiness(name, test, key);
  if (name != "has_id" && name != "has_vector" && name != "nested") return read_keyed(name, test, key);

  if (!key.missing()) return refuse("key", "does not belong to this condition");
  const place here(*this, name);
  if (name == "has_id") return read_ids(test);
  if (name == "nested") return read_nested(test, depth);
  if (!test.is_string()) return refuse("must be a vector's name");
  return filter_condition(constant_condition{test.as_string() == vector_name_});
}

result<filter_condition> filter_reader::read_keyed(std::string_view name, const json_value& test,
                                                   const json_value& key) {
  auto path = read_key(key);
  if (!path) return path.error();
  const place here(*this, name);
  if (name == "values_count") {
    const auto range = read_count(test);
    if (!range) return range.error();
    return filter_condition(count_condition{std::move(*path), *range});
  }
  auto asked = read_predicate(name, test);
  if (!asked) return asked.error();
  return filter_condition(value_condition{std::move(*path), std::move(*asked)});
}

result<filter_condition> filter_reader::read_nested(const json_value& json, std::size_t depth) {
  if (auto known = expect_members(json, {"key", "filter"}); !known) return known.error();
  auto path = read_key(json["key"]);
  if (!path) return path.error();
  // has_id and has_vector ask about the point, not about an element; inside `nested` Qdrant lets them never hold.
  const place here(*this, "filter");
  auto clauses = read_clauses(json["filter"], depth + 1);
  if (!clauses) return clauses.error();
  return filter_condition(
      element_condition{path->every_element(), std::make_unique<const filter_clauses>(std::move(*clauses))});
}

result<filter_condition> filter_reader::read_group(const json_value& json, const json_value& key, std::size_t depth) {
  if (!key.missing() && !(key.is_string() && key.as_string() == vectorizer_group_key))
    return refuse("key", "must be \"__nested__\" beside filter; an array's elements are asked with nested{key,filter}");
  const place here(*this, "filter");
  auto clauses = read_clauses(json, depth + 1);
  if (!clauses) return clauses.error();
  return filter_condition(group_condition{std::make_unique<const filter_clauses>(std::move(*clauses))});
}

result<filter_condition> filter_reader::read_emptiness(std::string_view name, const json_value& test,
                                                       const json_value& key) {
  const auto make = [&](payload_path path, bool wanted) {
    return name == "is_empty" ? filter_condition(empty_condition{std::move(path), wanted})
                              : filter_condition(null_condition{std::move(path), wanted});
  };
  if (test.is_bool()) {
    auto path = read_key(key);
    if (!path) return path.error();
    return make(std::move(*path), test.as_bool());
  }
  if (!key.missing()) return refuse(name, "must be true or false beside key");
  const place here(*this, name);
  if (auto known = expect_members(test, {"key"}); !known) return known.error();
  auto path = read_key(test["key"]);
  if (!path) return path.error();
  return make(std::move(*path), true);
}

result<filter_condition> filter_reader::read_ids(const json_value& json) const {
  if (!json.is_array()) return refuse("must be an array of ids");
  id_condition out;
  for (const auto item : json.as_array()) {
    const json_value id(item);
    if (std::uint64_t number = 0; id.get_uint64(number)) {
      out.ids.push_back(std::to_string(number));
      continue;
    }
    if (!id.is_string()) return refuse("must hold strings and unsigned integers only");
    auto parsed = point_id::parse(id.as_string());
    if (!parsed) return refuse("holds an id that is not valid: 1 to 256 bytes UTF-8, no control characters");
    out.ids.push_back(parsed->str());
  }
  std::sort(out.ids.begin(), out.ids.end());
  out.ids.erase(std::unique(out.ids.begin(), out.ids.end()), out.ids.end());
  return filter_condition(std::move(out));
}

result<payload_path> filter_reader::read_key(const json_value& key) const {
  if (!key.is_string()) return refuse("key", key.missing() ? "is required" : "must be a string");
  return payload_path::parse(key.as_string(), at_ + ".key");
}

}  // namespace waggle
