#include "naive_filter.hpp"

#include <cmath>
#include <cstdlib>
#include <ctime>
#include <numbers>
#include <optional>

namespace waggle::test {
namespace {
using kind = node::kind;

struct subject {
  const node& payload;
  std::optional<std::string_view> id;  ///< nothing for an element of a nested array
};
bool filter_holds(const node& filter, const subject& s);

// Values at a key
// ------------------------------------------------------------------------------------------------------

void reach(std::string_view key, const node& from, std::vector<const node*>& out) {
  if (key.empty()) {
    out.push_back(&from);
  } else if (key.front() == '[') {
    if (from.is != kind::array) return;
    const auto close = key.find(']');
    const std::string inside(key.substr(1, close - 1));
    for (std::size_t i = 0; i < from.items.size(); ++i)
      if (inside.empty() || i == std::strtoull(inside.c_str(), nullptr, 10))
        reach(key.substr(close + 1), from.items[i], out);
  } else {
    if (key.front() == '.') key.remove_prefix(1);
    std::string name;
    if (key.front() == '"') {
      const auto end = key.find('"', 1);
      name = key.substr(1, end - 1);
      key.remove_prefix(end + 1);
    } else {
      const auto end = std::min(key.find_first_of(".["), key.size());
      name = key.substr(0, end);
      key.remove_prefix(end);
    }
    if (from.is != kind::object) return;
    if (const auto* member = from.find(name)) reach(key, *member, out);
  }
}
std::vector<const node*> values_at(std::string_view key, const node& payload) {
  std::vector<const node*> out;
  reach(key, payload, out);
  return out;
}

// One value
// ------------------------------------------------------------------------------------------------------------

bool same(const node& a, const node& b) {
  if (a.is != b.is) return false;
  if (a.is == kind::text) return a.text == b.text;
  if (a.is == kind::integer) return a.whole == b.whole;
  return a.is == kind::boolean && a.flag == b.flag;
}
bool listed(const node& value, const node& list) {
  for (const auto& item : list.items)
    if (same(value, item)) return true;
  return false;
}

/// Lower-cased runs of letters and digits; the payload pools hold ASCII and é.
std::vector<std::string> tokens(const std::string& text) {
  std::vector<std::string> out(1);
  for (const char c : text) {
    if (c == ' ' || c == ',' || c == '.' || c == ':' || c == '+' || c == '-') {
      if (!out.back().empty()) out.emplace_back();
    } else {
      out.back() += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
  }
  if (out.back().empty()) out.pop_back();
  return out;
}
bool has(const std::vector<std::string>& words, const std::string& word) {
  for (const auto& w : words)
    if (w == word) return true;
  return false;
}

bool match_holds(const std::string& how, const node& asked, const node& value) {
  if (how == "value") return same(value, asked);
  if (how == "any") return listed(value, asked);
  if (how == "except") return value.is != kind::null && !listed(value, asked);
  if (value.is != kind::text) return false;
  if (how == "prefix") return value.text.substr(0, asked.text.size()) == asked.text;
  const auto want = tokens(asked.text), got = tokens(value.text);
  if (want.empty()) return false;
  std::size_t found = 0;
  for (const auto& word : want) found += has(got, word);
  if (how == "text") return found == want.size();
  if (how == "text_any") return found > 0;
  for (std::size_t at = 0; at + want.size() <= got.size(); ++at)
    if (std::vector(got.begin() + at, got.begin() + at + want.size()) == want) return true;
  return false;
}

bool match_value_holds(const node& asked, const node& value) {
  if (asked.is == kind::null) return value.is != kind::null;
  if (asked.is != kind::object) return same(value, asked);
  if (value.is != kind::text) return false;
  const auto& text = asked.find("text")->text;
  const auto& how = asked.find("type")->text;
  const auto at = value.text.find(text);
  if (how == "exact") return value.text == text;
  if (how == "prefix") return at == 0;
  if (how == "contains") return at != std::string::npos;
  return value.text.size() >= text.size() && value.text.substr(value.text.size() - text.size()) == text;
}

/// -1, 0, 1. Whole numbers against fractions by the fraction's floor.
int compare(const node& a, const node& b) {
  if (a.is == kind::integer && b.is == kind::integer) return a.whole < b.whole ? -1 : a.whole > b.whole;
  if (a.is == kind::fraction && b.is == kind::fraction) return a.real < b.real ? -1 : a.real > b.real;
  if (a.is == kind::fraction) return -compare(b, a);
  const auto floor = static_cast<__int128>(std::floor(b.real));
  if (a.whole != floor) return a.whole < floor ? -1 : 1;
  return static_cast<double>(floor) < b.real ? -1 : 0;
}

/// Quarter milliseconds since 1970 of "YYYY-MM-DDThh:mm:ss[.f](Z|±hh:mm)": the pools hold no finer fraction.
std::optional<long long> moment(const std::string& text) {
  std::tm tm{};
  int used = 0;
  if (std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
                  &tm.tm_min, &tm.tm_sec, &used) != 6)
    return {};
  tm.tm_year -= 1900;
  tm.tm_mon -= 1;
  const int day = tm.tm_mday;
  auto seconds = static_cast<long long>(timegm(&tm));
  if (tm.tm_mday != day) return {};  // normalised: no such day
  double fraction = 0;
  char* rest = const_cast<char*>(text.c_str()) + used;
  if (*rest == '.') fraction = std::strtod(rest, &rest);
  int hours = 0, minutes = 0;
  if (*rest == '+' || *rest == '-') {
    std::sscanf(rest + 1, "%2d:%2d", &hours, &minutes);
    seconds -= (*rest == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
  }
  return seconds * 4000 + static_cast<long long>(fraction * 4000);
}

bool side_holds(const std::string& side, int order) {
  if (side == "gt") return order > 0;
  if (side == "gte") return order >= 0;
  if (side == "lt") return order < 0;
  return order <= 0;
}

bool range_holds(const node& range, const node& value) {
  bool times = false;
  for (const auto& [side, bound] : range.members) times = bound.is == kind::text;
  if (times) {
    if (value.is != kind::text) return false;
    const auto at = moment(value.text);
    if (!at) return false;
    for (const auto& [side, bound] : range.members) {
      const auto limit = *moment(bound.text);
      if (!side_holds(side, *at < limit ? -1 : *at > limit)) return false;
    }
    return true;
  }
  if (value.is != kind::integer && value.is != kind::fraction) return false;
  for (const auto& [side, bound] : range.members)
    if (!side_holds(side, compare(value, bound))) return false;
  return true;
}

// Places: the pools hold whole degrees, so that plane geometry is exact
// ---------------------------------------------------

struct spot {
  int lat, lon;
};
std::optional<spot> place(const node& value) {
  if (value.is != kind::object) return {};
  const auto *lat = value.find("lat"), *lon = value.find("lon");
  if (!lat || !lon || lat->is != kind::integer || lon->is != kind::integer) return {};
  return spot{static_cast<int>(lat->whole), static_cast<int>(lon->whole)};
}

bool box_holds(const node& box, spot p) {
  const bool qdrant = box.find("top_left");
  const auto top = *place(*box.find(qdrant ? "top_left" : "top_right"));
  const auto bottom = *place(*box.find(qdrant ? "bottom_right" : "bottom_left"));
  const int west = qdrant ? top.lon : bottom.lon, east = qdrant ? bottom.lon : top.lon;
  if (p.lat <= bottom.lat || p.lat >= top.lat) return false;
  // Over the antimeridian it is two boxes. 180 and -180 are different places, as in Qdrant.
  const auto holds = [&](int from, int to) { return from < p.lon && p.lon < to; };
  return west <= east ? holds(west, east) : holds(west, 181) || holds(-181, east);
}

/// Chord length through the sphere instead of the haversine.
bool circle_holds(const node& circle, spot p) {
  const auto c = *place(*circle.find("center"));
  const auto vector = [](spot s, double(&out)[3]) {
    const double lat = s.lat * std::numbers::pi / 180, lon = s.lon * std::numbers::pi / 180;
    out[0] = std::cos(lat) * std::cos(lon), out[1] = std::cos(lat) * std::sin(lon), out[2] = std::sin(lat);
  };
  double a[3], b[3], square = 0;
  vector(c, a);
  vector(p, b);
  for (int i = 0; i < 3; ++i) square += (a[i] - b[i]) * (a[i] - b[i]);
  const double distance = 2 * 6371008.8 * std::asin(std::min(1.0, std::sqrt(square) / 2));
  const auto radius = static_cast<double>(circle.find("radius")->whole);
  return radius > 0 && distance < radius;
}

/// -1 outside, 0 on the edge, 1 inside a triangle: the signs of the three turns.
int triangle(const node& ring, spot p) {
  const auto& points = ring.find("points")->items;
  const auto turn = [](spot a, spot b, spot c) {
    const long v = long(b.lon - a.lon) * (c.lat - a.lat) - long(b.lat - a.lat) * (c.lon - a.lon);
    return v < 0 ? -1 : v > 0;
  };
  const auto a = *place(points[0]), b = *place(points[1]), c = *place(points[2]);
  const auto on = [&](spot s, spot t) {
    return turn(s, t, p) == 0 && std::min(s.lat, t.lat) <= p.lat && p.lat <= std::max(s.lat, t.lat) &&
           std::min(s.lon, t.lon) <= p.lon && p.lon <= std::max(s.lon, t.lon);
  };
  if (on(a, b) || on(b, c) || on(c, a)) return 0;
  if (turn(a, b, c) == 0) return -1;  // a line has no inside
  return turn(a, b, p) == turn(b, c, p) && turn(b, c, p) == turn(c, a, p) ? 1 : -1;
}
bool polygon_holds(const node& polygon, spot p) {
  if (triangle(*polygon.find("exterior"), p) != 1) return false;
  if (const auto* interiors = polygon.find("interiors"))
    for (const auto& hole : interiors->items)
      if (triangle(hole, p) != -1) return false;
  return true;
}

// Conditions
// -----------------------------------------------------------------------------------------------------------

bool value_holds(const std::string& how, const node& asked, const node& value) {
  if (how == "match") return match_holds(asked.members[0].first, asked.members[0].second, value);
  if (how == "match_value") return match_value_holds(asked, value);
  if (how == "range") return range_holds(asked, value);
  const auto p = place(value);
  if (!p) return false;
  if (how == "geo_bounding_box") return box_holds(asked, *p);
  if (how == "geo_radius") return circle_holds(asked, *p);
  return polygon_holds(asked, *p);
}

bool count_holds(const node& range, std::size_t count) {
  return range_holds(range, node::integer(static_cast<long long>(count)));
}

bool keyed_holds(const std::string& how, const node& asked, const std::string& key, const node& payload) {
  const auto values = values_at(key, payload);
  if (how == "values_count") {
    if (values.empty()) return count_holds(asked, 0);
    for (const auto* v : values)
      if (count_holds(asked, v->is == kind::array ? v->items.size() : v->is != kind::null)) return true;
    return false;
  }
  if (how == "is_empty") {
    bool empty = true;
    for (const auto* v : values) empty = empty && (v->is == kind::null || (v->is == kind::array && v->items.empty()));
    return empty == (asked.is == kind::object || asked.flag);
  }
  if (how == "is_null") {
    bool null = false;
    for (const auto* v : values) {
      null = null || v->is == kind::null;
      for (const auto& item : v->items) null = null || item.is == kind::null;
    }
    return null == (asked.is == kind::object || asked.flag);
  }
  for (const auto* v : values) {
    if (v->is != kind::array && value_holds(how, asked, *v)) return true;
    for (const auto& item : v->items)
      if (value_holds(how, asked, item)) return true;
  }
  return false;
}

bool condition_holds(const node& c, const subject& s) {
  if (const auto* ids = c.find("has_id")) {
    if (!s.id) return false;
    for (const auto& id : ids->items)
      if ((id.is == kind::integer ? std::to_string(static_cast<long long>(id.whole)) : id.text) == *s.id) return true;
    return false;
  }
  if (const auto* vector = c.find("has_vector")) return s.id && vector->text.empty();
  if (const auto* inner = c.find("filter")) return filter_holds(*inner, s);
  if (const auto* nested = c.find("nested")) {
    auto key = nested->find("key")->text;
    if (!key.ends_with("[]")) key += "[]";
    for (const auto* element : values_at(key, s.payload))
      if (element->is == kind::object && filter_holds(*nested->find("filter"), {*element, {}})) return true;
    return false;
  }
  for (const auto& [name, asked] : c.members) {
    if (name == "key" || name == "type") continue;
    const bool clause = name == "must" || name == "should" || name == "must_not" || name == "min_should";
    if (clause) return filter_holds(c, s);
    const auto& key = c.find("key") ? c.find("key")->text : asked.find("key")->text;
    return keyed_holds(name, asked, key, s.payload);
  }
  return true;  // {}
}

std::size_t count_held(const node& list, const subject& s) {
  if (list.is == kind::object) return condition_holds(list, s);
  std::size_t held = 0;
  for (const auto& c : list.items) held += condition_holds(c, s);
  return held;
}
std::size_t count_all(const node& list) { return list.is == kind::object ? 1 : list.items.size(); }

bool filter_holds(const node& filter, const subject& s) {
  for (const auto& [name, clause] : filter.members) {
    if (name == "must" && count_held(clause, s) != count_all(clause)) return false;
    if (name == "must_not" && count_held(clause, s) != 0) return false;
    if (name == "should" && count_all(clause) > 0 && count_held(clause, s) == 0) return false;
    if (name == "min_should" &&
        count_held(*clause.find("conditions"), s) < static_cast<std::size_t>(clause.find("min_count")->whole))
      return false;
  }
  return true;
}

}  // namespace

bool naive_matches(const node& filter, const node& payload, std::string_view id) {
  return filter_holds(filter, {payload, id});
}

}  // namespace waggle::test
