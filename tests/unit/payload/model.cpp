#include "model.hpp"

#include <cstdio>

namespace waggle::test {

node::node() = default;
node::~node() = default;
node::node(const node&) = default;
node::node(node&&) noexcept = default;
node& node::operator=(const node&) = default;
node& node::operator=(node&&) noexcept = default;

node node::boolean(bool v) {
  node n;
  n.is = kind::boolean;
  n.flag = v;
  return n;
}
node node::integer(__int128 v) {
  node n;
  n.is = kind::integer;
  n.whole = v;
  return n;
}
node node::fraction(double v) {
  node n;
  n.is = kind::fraction;
  n.real = v;
  return n;
}
node node::string(std::string v) {
  node n;
  n.is = kind::text;
  n.text = std::move(v);
  return n;
}
node node::array(std::vector<node> v) {
  node n;
  n.is = kind::array;
  n.items = std::move(v);
  return n;
}
node node::object(std::vector<std::pair<std::string, node>> v) {
  node n;
  n.is = kind::object;
  n.members = std::move(v);
  return n;
}
const node* node::find(std::string_view name) const {
  for (const auto& [key, value] : members)
    if (key == name) return &value;
  return nullptr;
}

namespace {
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}
std::string digits(__int128 v) {
  if (v < 0) return "-" + digits(-v);
  std::string out;
  do out.insert(out.begin(), static_cast<char>('0' + static_cast<int>(v % 10))), v /= 10;
  while (v > 0);
  return out;
}
}  // namespace

std::string to_json(const node& n) {
  switch (n.is) {
    case node::kind::null: return "null";
    case node::kind::boolean: return n.flag ? "true" : "false";
    case node::kind::integer: return digits(n.whole);
    case node::kind::fraction: {
      char text[40];
      std::snprintf(text, sizeof text, "%.4f", n.real);  // the pools hold multiples of 1/16
      std::string out = text;
      while (out.back() == '0' && out[out.size() - 2] != '.') out.pop_back();
      return out;
    }
    case node::kind::text: return quoted(n.text);
    case node::kind::array: {
      std::string out = "[";
      for (const auto& item : n.items) out += (out.size() > 1 ? "," : "") + to_json(item);
      return out + "]";
    }
    case node::kind::object: {
      std::string out = "{";
      for (const auto& [key, value] : n.members)
        out += (out.size() > 1 ? "," : "") + quoted(key) + ":" + to_json(value);
      return out + "}";
    }
  }
  return {};
}

node merge_patch(node target, const node& patch) {
  if (patch.is != node::kind::object) return patch;
  if (target.is != node::kind::object) target = node::object({});
  for (const auto& [name, value] : patch.members) {
    auto at = target.members.begin();
    while (at != target.members.end() && at->first != name) ++at;
    const bool exists = at != target.members.end();
    if (value.is == node::kind::null) {
      if (exists) target.members.erase(at);
    } else if (exists) {
      at->second = merge_patch(at->second, value);
    } else {
      target.members.emplace_back(name, merge_patch(node(), value));
    }
  }
  return target;
}

namespace {

template <class T, std::size_t N>
const T& one_of(const T (&pool)[N]) {
  return pool[pick(N)];
}
node word() {
  static const char* const pool[] = {"red", "fox", "Red Fox", "the red, red fox", "re", "", "fox red dog", "a.b", "é"};
  return node::string(one_of(pool));
}
node moment() {
  static const char* const pool[] = {"2024-01-01T00:00:00Z",    "2024-01-01T02:00:00+02:00", "2023-12-31T23:59:59.5Z",
                                     "2024-01-01T00:00:00.25Z", "2024-06-01T12:00:00-03:30", "1969-07-20T20:17:40Z",
                                     "2024-02-29T00:00:00Z",    "2024-02-30T00:00:00Z"};
  return node::string(one_of(pool));
}
/// With `valid`, one that a filter's range accepts.
node valid_moment() {
  auto n = moment();
  if (n.text == "2024-02-30T00:00:00Z") n.text = "2024-03-01T00:00:00Z";
  return n;
}
node whole() {
  static const __int128 pool[] = {0,
                                  1,
                                  2,
                                  3,
                                  -1,
                                  -7,
                                  (__int128(1) << 53) + 1,
                                  __int128(1) << 53,
                                  (__int128(1) << 63) - 1,
                                  __int128(1) << 63,
                                  (__int128(1) << 64) - 1,
                                  -(__int128(1) << 63)};
  return node::integer(one_of(pool));
}
node real() {
  static const double pool[] = {0.0, 1.0, 1.5, 2.0, -1.0, 2.25, 9007199254740992.0, 18446744073709551616.0, -0.5};
  return node::fraction(one_of(pool));
}
node number() { return pick(2) ? whole() : real(); }
node degrees(int half) { return node::integer(static_cast<int>(pick(2 * half + 1)) - half); }
/// Places on a coarse grid around (0, 0) and around the antimeridian.
node place() {
  auto lat = degrees(6), lon = degrees(6);
  if (pick(4) == 0) lon.whole += lon.whole > 0 ? 174 : -174;
  return node::object({{"lat", lat}, {"lon", lon}});
}
std::string name() {
  static const char* const pool[] = {"a", "b", "c", "a.b"};
  return one_of(pool);
}
std::string key() {
  static const char* const pool[] = {"a",     "b",    "c",      "a.b",     "a.b.c",     "a[]",   "a[].b",
                                     "b[].a", "a[1]", "a[0].b", "\"a.b\"", "\"a.b\".c", "c[][]", "a[].b[].c"};
  return one_of(pool);
}
std::vector<node> some(node (*make)()) {
  std::vector<node> out(pick(4));
  for (auto& n : out) n = make();
  return out;
}
node scalar() {
  switch (pick(8)) {
    case 0: return node();
    case 1: return node::boolean(pick(2));
    case 2: return whole();
    case 3: return real();
    case 4: return moment();
    case 5: return place();
    default: return word();
  }
}
node match_scalar() {
  switch (pick(3)) {
    case 0: return node::boolean(pick(2));
    case 1: return whole();
    default: return word();
  }
}

}  // namespace

node random_value(int depth) {
  const auto choice = depth > 0 ? pick(5) : 0;
  if (choice < 2) return scalar();
  if (choice == 2) return random_object(depth - 1);
  std::vector<node> items(pick(4));
  for (auto& item : items) item = random_value(depth - 1);
  return node::array(std::move(items));
}

node random_object(int depth) {
  node n = node::object({});
  for (auto count = pick(4); count > 0; --count)
    if (auto key = name(); !n.find(key)) n.members.emplace_back(std::move(key), random_value(depth));
  return n;
}

namespace {

node bounds(node (*make)()) {
  node n = node::object({});
  for (const auto side : {"gt", "gte", "lt", "lte"})
    if (pick(3) == 0) n.members.emplace_back(side, make());
  return n;
}
node small_count() { return node::integer(static_cast<int>(pick(4))); }

node ring() {
  std::vector<node> corners{place(), place(), place()};
  corners.push_back(corners.front());
  return node::object({{"points", node::array(std::move(corners))}});
}

std::pair<std::string, node> match() {
  switch (pick(7)) {
    case 0: return {"any", node::array(some(match_scalar))};
    case 1: return {"except", node::array(some(match_scalar))};
    case 2: return {"text", word()};
    case 3: return {"text_any", word()};
    case 4: return {"phrase", word()};
    case 5: return {"prefix", word()};
    default: return {"value", match_scalar()};
  }
}

/// The member of a keyed condition that says what is asked.
std::pair<std::string, node> test() {
  switch (pick(9)) {
    case 0: return {"range", bounds(number)};
    case 1: {
      auto range = bounds(valid_moment);
      if (range.members.empty()) range.members.emplace_back("gte", valid_moment());
      return {"range", std::move(range)};
    }
    case 2:
      return {"geo_bounding_box", pick(2) ? node::object({{"top_left", place()}, {"bottom_right", place()}})
                                          : node::object({{"top_right", place()}, {"bottom_left", place()}})};
    case 3:
      return {"geo_radius",
              node::object({{"center", place()}, {"radius", node::integer(static_cast<int>(pick(12)) * 70'000)}})};
    case 4: {
      auto polygon = node::object({{"exterior", ring()}});
      if (pick(2)) polygon.members.emplace_back("interiors", node::array({ring()}));
      return {"geo_polygon", std::move(polygon)};
    }
    case 5: return {"values_count", bounds(small_count)};
    case 6: return {pick(2) ? "is_empty" : "is_null", node::boolean(pick(2))};
    default: return {"match", node::object({match()})};
  }
}

/// The tagged form the Vectorizer clients send, where there is one.
node tagged() {
  static const char* const ways[] = {"exact", "prefix", "suffix", "contains"};
  if (pick(3) == 0) {
    auto asked = test();
    auto n = node::object({{"type", node::string(asked.first)}, {"key", node::string(key())}});
    n.members.push_back(std::move(asked));
    return n;
  }
  node value = pick(4) == 0 ? node() : match_scalar();
  if (pick(3) == 0) value = node::object({{"text", word()}, {"type", node::string(one_of(ways))}});
  return node::object(
      {{"type", node::string("match")}, {"key", node::string(key())}, {"match_value", std::move(value)}});
}

node condition(int depth) {
  switch (pick(depth > 0 ? 12 : 8)) {
    case 0: return node::object({{"has_id", node::array({node::integer(7), node::string(pick(2) ? "p" : "q")})}});
    case 1: return node::object({{"has_vector", node::string(pick(2) ? "" : "image")}});
    case 2: return node::object({{pick(2) ? "is_empty" : "is_null", node::object({{"key", node::string(key())}})}});
    case 3: return tagged();
    case 8: return random_filter(depth - 1);
    case 9: return node::object({{"key", node::string("__nested__")}, {"filter", random_filter(depth - 1)}});
    case 10: return node::object({{"type", node::string("nested")}, {"filter", random_filter(depth - 1)}});
    case 11:
      return node::object(
          {{"nested", node::object({{"key", node::string(key())}, {"filter", random_filter(depth - 1)}})}});
    default: {
      auto n = node::object({{"key", node::string(key())}});
      n.members.push_back(test());
      return n;
    }
  }
}

node conditions(int depth) {
  if (pick(3) == 0) return condition(depth);
  std::vector<node> list(pick(4));
  for (auto& item : list) item = condition(depth);
  return node::array(std::move(list));
}

}  // namespace

node random_filter(int depth) {
  node n = node::object({});
  for (const auto clause : {"must", "should", "must_not"})
    if (pick(3) == 0) n.members.emplace_back(clause, conditions(depth));
  if (pick(6) == 0)
    n.members.emplace_back("min_should", node::object({{"conditions", conditions(depth)},
                                                       {"min_count", node::integer(1 + static_cast<int>(pick(3)))}}));
  return n;
}

namespace {

/// A value such as a test of this name compares.
node value_for(const std::string& how, const node& asked) {
  if (how == "range") {
    const bool times = !asked.members.empty() && asked.members[0].second.is == node::kind::text;
    return times ? moment() : number();
  }
  if (how.starts_with("geo_")) return place();
  if (how == "match" || how == "match_value") {
    const auto& sample = how == "match" ? asked.members[0].second : asked;
    const bool text = sample.is == node::kind::text || sample.is == node::kind::object;
    return text ? word() : pick(4) ? match_scalar() : scalar();
  }
  return random_value(2);
}

}  // namespace

meeting random_meeting() {
  auto c = pick(3) ? node::object({}) : tagged();
  if (c.members.empty()) {
    c.members.emplace_back("key", node());
    c.members.push_back(test());
  }
  const auto [how, asked] = c.members.back();
  node value = value_for(how, asked);
  if (pick(3) == 0) value = node::array({scalar(), std::move(value), value_for(how, asked)});
  static const char* const keys[] = {"a", "a.b", "a[].b", "a[1]", "\"a.b\""};
  const std::string key = one_of(keys);
  for (auto& [name, member] : c.members)
    if (name == "key") member = node::string(key);
  if (key == "a.b") value = node::object({{"b", std::move(value)}});
  if (key == "a[].b")
    value =
        node::array({node::object({{"b", value_for(how, asked)}}), scalar(), node::object({{"b", std::move(value)}})});
  if (key == "a[1]") value = node::array({value_for(how, asked), std::move(value)});
  return {node::object({{"must", std::move(c)}}), node::object({{key.front() == '"' ? "a.b" : "a", std::move(value)}})};
}

}  // namespace waggle::test
