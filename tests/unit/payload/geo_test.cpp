#include "storage/payload/geo.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <cmath>
#include <numbers>

using namespace waggle;

TEST_CASE("geo: known distances") {
  constexpr double degree_m = 2 * std::numbers::pi * 6371008.8 / 360;
  CHECK(haversine_m({0, 0}, {0, 1}) == doctest::Approx(degree_m));
  CHECK(haversine_m({0, 0}, {1, 0}) == doctest::Approx(degree_m));
  CHECK(haversine_m({60, 0}, {60, 1}) == doctest::Approx(degree_m / 2).epsilon(0.001));
  CHECK(haversine_m({0, 179.5}, {0, -179.5}) == doctest::Approx(degree_m));
  CHECK(haversine_m({90, 0}, {90, 123}) == doctest::Approx(0).epsilon(1e-6));
  CHECK(haversine_m({90, 0}, {-90, 0}) == doctest::Approx(180 * degree_m));
  CHECK(haversine_m({0, 0}, {0, 180}) == doctest::Approx(180 * degree_m));
  CHECK(haversine_m({52.52, 13.405}, {48.137, 11.575}) == doctest::Approx(504'000).epsilon(0.01));
}

TEST_CASE("geo: edges are outside, of every area") {
  const geo_box box{-10, 10, -5, 5};
  CHECK(box.contains({0, 0}));
  for (const geo_point edge : {geo_point{5, 0}, {-5, 0}, {0, 10}, {0, -10}, {5, 10}}) CHECK_FALSE(box.contains(edge));
  const geo_polygon square{{{0, 0}, {0, 4}, {4, 4}, {4, 0}, {0, 0}}, {{{1, 1}, {1, 2}, {2, 2}, {2, 1}, {1, 1}}}};
  CHECK(square.contains({3, 3}));
  for (const geo_point edge : {geo_point{0, 0}, {0, 2}, {2, 4}, {4, 4}, {1, 1}, {1, 1.5}, {1.5, 1.5}})
    CHECK_FALSE(square.contains(edge));
}

TEST_CASE("geo: a ray through vertices counts each once") {
  // A diamond and a saw: the ray from the place to the east runs exactly through their corners.
  const geo_polygon diamond{{{0, 5}, {5, 10}, {10, 5}, {5, 0}, {0, 5}}, {}};
  CHECK(diamond.contains({5, 5}));
  CHECK_FALSE(diamond.contains({5, -3}));
  CHECK_FALSE(diamond.contains({0, 0}));
  CHECK_FALSE(diamond.contains({10, 0}));
  const geo_polygon saw{{{0, 0}, {4, 2}, {0, 4}, {4, 6}, {0, 8}, {9, 8}, {9, 0}, {0, 0}}, {}};
  CHECK(saw.contains({4, 0.5}));
  CHECK(saw.contains({4, 4}));
  CHECK_FALSE(saw.contains({0, -1}));
  CHECK_FALSE(saw.contains({1, 2}));
}

TEST_CASE("geo: distance is a metric") {
  CHECK(rc::check("symmetric, zero at home, within half the circumference, triangle", [] {
    const auto place = [] {
      return geo_point{*rc::gen::inRange(-900, 901) / 10.0, *rc::gen::inRange(-1800, 1801) / 10.0};
    };
    const auto a = place(), b = place(), c = place();
    RC_ASSERT(haversine_m(a, b) == haversine_m(b, a));
    RC_ASSERT(haversine_m(a, a) == 0);
    RC_ASSERT(haversine_m(a, b) <= std::numbers::pi * 6371008.8 + 1e-6);
    RC_ASSERT(haversine_m(a, c) <= haversine_m(a, b) + haversine_m(b, c) + 1e-3);
  }));
}
