#pragma once
// Places and areas on the globe, in degrees. Areas are open sets, as Qdrant's are: a place exactly on an edge is
// outside. Pure; any thread.
#include <optional>
#include <span>
#include <vector>

#include "base/json.hpp"

namespace waggle {

struct geo_point {
  double lat = 0;  ///< -90 … 90
  double lon = 0;  ///< -180 … 180
  bool valid() const { return lat >= -90 && lat <= 90 && lon >= -180 && lon <= 180; }
  bool operator==(const geo_point&) const = default;
};

/// The place a payload value names: an object with numbers `lat` and `lon` in range, whatever else it holds.
std::optional<geo_point> read_place(const json_value& value);

/// Great-circle distance in metres on a sphere of the mean Earth radius 6,371,008.8 m (haversine).
double haversine_m(geo_point a, geo_point b);

/// `west > east` means the box crosses the antimeridian.
struct geo_box {
  double west = 0, east = 0, south = 0, north = 0;
  bool contains(geo_point p) const;
};

struct geo_circle {
  geo_point center;
  double radius_m = 0;
  bool contains(geo_point p) const { return haversine_m(center, p) < radius_m; }
};

/// Closed rings (first point = last) on the plane of longitude and latitude: an edge never wraps around the
/// antimeridian.
struct geo_polygon {
  using ring = std::vector<geo_point>;
  ring exterior;
  std::vector<ring> interiors;
  bool contains(geo_point p) const;
};

}  // namespace waggle
