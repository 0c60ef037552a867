#include "storage/payload/geo.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace waggle {
namespace {

enum class side { outside, edge, inside };

/// Even-odd rule; a place on a segment of the ring is `edge`.
side locate(std::span<const geo_point> ring, geo_point p) {
  bool inside = false;
  for (std::size_t i = 1; i < ring.size(); ++i) {
    const auto a = ring[i - 1], b = ring[i];
    const double cross = (b.lon - a.lon) * (p.lat - a.lat) - (b.lat - a.lat) * (p.lon - a.lon);
    const bool within = p.lon >= std::min(a.lon, b.lon) && p.lon <= std::max(a.lon, b.lon) &&
                        p.lat >= std::min(a.lat, b.lat) && p.lat <= std::max(a.lat, b.lat);
    if (cross == 0 && within) return side::edge;
    // The half-open comparison counts a vertex for one of its two segments only.
    if ((a.lat > p.lat) == (b.lat > p.lat)) continue;
    const bool upward = b.lat > a.lat;
    if (upward ? cross < 0 : cross > 0) continue;
    inside = !inside;
  }
  return inside ? side::inside : side::outside;
}

}  // namespace

std::optional<geo_point> read_place(const json_value& value) {
  const auto lat = value["lat"], lon = value["lon"];
  if (!lat.is_number() || !lon.is_number()) return {};
  const geo_point p{lat.as_double(), lon.as_double()};
  if (!p.valid()) return {};
  return p;
}

double haversine_m(geo_point a, geo_point b) {
  constexpr double radius_m = 6'371'008.8;
  constexpr double radians = std::numbers::pi / 180;
  const double half_lat = std::sin((b.lat - a.lat) * radians / 2);
  const double half_lon = std::sin((b.lon - a.lon) * radians / 2);
  const double h = half_lat * half_lat + std::cos(a.lat * radians) * std::cos(b.lat * radians) * half_lon * half_lon;
  // Rounding can lift h above 1 for opposite places.
  return 2 * radius_m * std::asin(std::sqrt(std::min(1.0, h)));
}

bool geo_box::contains(geo_point p) const {
  const bool lon = west > east ? p.lon > west || p.lon < east : p.lon > west && p.lon < east;
  return lon && p.lat > south && p.lat < north;
}

bool geo_polygon::contains(geo_point p) const {
  if (locate(exterior, p) != side::inside) return false;
  return std::all_of(interiors.begin(), interiors.end(),
                     [&](const ring& hole) { return locate(hole, p) == side::outside; });
}

}  // namespace waggle
