// The part of filter_reader that reads what is asked of a value: match, range, geo_*, values_count.
#include <algorithm>
#include <array>

#include "storage/payload/filter_reader.hpp"

namespace waggle {

result<predicate> filter_reader::read_predicate(std::string_view name, const json_value& json) {
  if (name == "match") return read_match(json);
  if (name == "match_value") return read_match_value(json);
  if (name == "range") return read_range(json);
  if (name == "geo_bounding_box") return read_box(json);
  if (name == "geo_radius") return read_circle(json);
  return read_polygon(json);
}

result<predicate> filter_reader::read_match(const json_value& json) {
  constexpr std::array<std::string_view, 7> names{"value", "any", "except", "text", "text_any", "phrase", "prefix"};
  if (auto known = expect_members(json, {"value", "any", "except", "text", "text_any", "phrase", "prefix"}); !known)
    return known.error();
  std::string_view kind;
  for (const auto name : names) {
    if (json[name].missing()) continue;
    if (!kind.empty()) return refuse(name, "stands beside another kind of match: write one condition for each");
    kind = name;
  }
  if (kind.empty()) return refuse("needs one of value, any, except, text, text_any, phrase, prefix");
  const place here(*this, kind);
  const auto asked = json[kind];
  if (kind == "text") return read_words(asked, has_words::mode::every);
  if (kind == "text_any") return read_words(asked, has_words::mode::any);
  if (kind == "phrase") return read_words(asked, has_words::mode::phrase);
  if (kind == "prefix") {
    if (!asked.is_string()) return refuse("must be a string");
    return predicate(has_text{has_text::mode::prefix, std::string(asked.as_string())});
  }
  auto set = read_set(asked, kind != "value");
  if (!set) return set.error();
  if (kind == "except") return predicate(is_none_of{std::move(*set)});
  return predicate(is_one_of{std::move(*set)});
}

/// The Vectorizer clients' match_value: a string, integer or boolean, null for "any value", or {text, type}.
result<predicate> filter_reader::read_match_value(const json_value& json) {
  if (json.is_null()) return predicate(is_present{});
  if (!json.is_object()) {
    auto set = read_set(json, false);
    if (!set) return set.error();
    return predicate(is_one_of{std::move(*set)});
  }
  if (auto known = expect_members(json, {"text", "type"}); !known) return known.error();
  if (!json["text"].is_string()) return refuse("text", "must be a string");
  constexpr std::array<std::string_view, 4> names{"exact", "prefix", "suffix", "contains"};
  const auto kind = json["type"];
  const auto at = std::find(names.begin(), names.end(), kind.is_string() ? kind.as_string() : "");
  if (at == names.end()) return refuse("type", "must be exact, prefix, suffix or contains");
  const auto how = static_cast<has_text::mode>(at - names.begin());
  return predicate(has_text{how, std::string(json["text"].as_string())});
}

result<value_set> filter_reader::read_set(const json_value& json, bool list) const {
  value_set set;
  if (!list) {
    if (!set.insert(json)) return refuse("must be a string, an integer or a boolean");
    return set;
  }
  if (!json.is_array()) return refuse("must be an array");
  for (const auto item : json.as_array())
    if (!set.insert(json_value(item))) return refuse("must hold strings, integers and booleans only");
  set.seal();
  return set;
}

result<predicate> filter_reader::read_words(const json_value& json, has_words::mode how) const {
  if (!json.is_string()) return refuse("must be a string");
  has_words out{how, tokens_, tokens_(json.as_string())};
  if (out.words.size() > limits::filter_words_max)
    return refuse("has more than " + std::to_string(limits::filter_words_max) + " words");
  if (how != has_words::mode::phrase) {
    std::sort(out.words.begin(), out.words.end());
    out.words.erase(std::unique(out.words.begin(), out.words.end()), out.words.end());
  }
  return predicate(std::move(out));
}

namespace {

template <class T>
std::array<std::pair<std::string_view, std::optional<T>*>, 4> sides(bounds<T>& range) {
  return {{{"gt", &range.gt}, {"gte", &range.gte}, {"lt", &range.lt}, {"lte", &range.lte}}};
}

}  // namespace

result<predicate> filter_reader::read_range(const json_value& json) const {
  if (auto known = expect_members(json, {"gt", "gte", "lt", "lte"}); !known) return known.error();
  in_number_range numbers;
  in_time_range times;
  bool any_number = false, any_time = false;
  const auto number_sides = sides(numbers.range);
  const auto time_sides = sides(times.range);
  for (std::size_t i = 0; i < number_sides.size(); ++i) {
    const auto name = number_sides[i].first;
    const auto bound = json[name];
    if (bound.missing()) continue;
    if (bound.is_number()) {
      *number_sides[i].second = exact_number(bound);
      any_number = true;
      continue;
    }
    if (!bound.is_string()) return refuse(name, "must be a number or an RFC 3339 date-time");
    const auto at = parse_instant(bound.as_string());
    if (!at) return refuse(name, "is not an RFC 3339 date-time such as 2024-01-31T12:00:00Z");
    *time_sides[i].second = at;
    any_time = true;
  }
  if (any_number && any_time) return refuse("mixes numbers and date-times");
  if (any_time) return predicate(times);
  return predicate(numbers);
}

result<bounds<std::uint64_t>> filter_reader::read_count(const json_value& json) const {
  if (auto known = expect_members(json, {"gt", "gte", "lt", "lte"}); !known) return known.error();
  bounds<std::uint64_t> range;
  for (const auto& [name, side] : sides(range)) {
    const auto bound = json[name];
    if (bound.missing()) continue;
    std::uint64_t count = 0;
    if (!bound.get_uint64(count)) return refuse(name, "must be an unsigned integer");
    *side = count;
  }
  return range;
}

result<predicate> filter_reader::read_box(const json_value& json) {
  if (auto known = expect_members(json, {"top_left", "bottom_right", "top_right", "bottom_left"}); !known)
    return known.error();
  // Qdrant names one diagonal, the Vectorizer clients the other.
  const bool vectorizer = json["top_right"].present() || json["bottom_left"].present();
  if (vectorizer && (json["top_left"].present() || json["bottom_right"].present()))
    return refuse("needs one pair of opposite corners");
  const std::string_view names[2] = {vectorizer ? "top_right" : "top_left",
                                     vectorizer ? "bottom_left" : "bottom_right"};
  geo_point corners[2];
  for (int i = 0; i < 2; ++i) {
    const place here(*this, names[i]);
    const auto corner = read_point(json[names[i]]);
    if (!corner) return corner.error();
    corners[i] = *corner;
  }
  const auto [top, bottom] = corners;
  if (vectorizer) return predicate(is_within<geo_box>{{bottom.lon, top.lon, bottom.lat, top.lat}});
  return predicate(is_within<geo_box>{{top.lon, bottom.lon, bottom.lat, top.lat}});
}

result<predicate> filter_reader::read_circle(const json_value& json) {
  if (auto known = expect_members(json, {"center", "radius"}); !known) return known.error();
  const auto radius = json["radius"];
  if (!radius.is_number() || radius.as_double() < 0) return refuse("radius", "must be a number of metres, 0 or more");
  const place here(*this, "center");
  const auto center = read_point(json["center"]);
  if (!center) return center.error();
  return predicate(is_within<geo_circle>{{*center, radius.as_double()}});
}

result<predicate> filter_reader::read_polygon(const json_value& json) {
  if (auto known = expect_members(json, {"exterior", "interiors"}); !known) return known.error();
  geo_polygon out;
  {
    const place here(*this, "exterior");
    auto ring = read_ring(json["exterior"]);
    if (!ring) return ring.error();
    out.exterior = std::move(*ring);
  }
  const place here(*this, "interiors");
  const auto interiors = json["interiors"];
  if (interiors.missing()) return predicate(is_within<geo_polygon>{std::move(out)});
  if (!interiors.is_array()) return refuse("must be an array");
  std::size_t index = 0;
  for (const auto item : interiors.as_array()) {
    const place inner(*this, index++);
    auto ring = read_ring(json_value(item));
    if (!ring) return ring.error();
    out.interiors.push_back(std::move(*ring));
  }
  return predicate(is_within<geo_polygon>{std::move(out)});
}

result<geo_polygon::ring> filter_reader::read_ring(const json_value& json) {
  if (auto known = expect_members(json, {"points"}); !known) return known.error();
  if (!json["points"].is_array()) return refuse("points", "must be an array");
  geo_polygon::ring ring;
  for (const auto item : json["points"].as_array()) {
    if (++polygon_points_ > limits::filter_polygon_points_max)
      return too_much(limits::filter_polygon_points_max, "polygon points");
    const place here(*this, ring.size());
    const auto point = read_point(json_value(item));
    if (!point) return point.error();
    ring.push_back(*point);
  }
  if (ring.size() < 4 || ring.front() != ring.back())
    return refuse("points", "must be at least 4, the first repeated as the last");
  return ring;
}

result<geo_point> filter_reader::read_point(const json_value& json) const {
  if (auto known = expect_members(json, {"lat", "lon"}); !known) return known.error();
  const auto point = read_place(json);
  if (!point) return refuse("needs lat within -90 … 90 and lon within -180 … 180");
  return *point;
}

}  // namespace waggle
