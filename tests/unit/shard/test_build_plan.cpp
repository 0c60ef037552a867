// Which runs are built when: bounded work, few large graphs.
#include <doctest/doctest.h>

#include <cmath>

#include "shard_world.hpp"
#include "storage/shard/build_plan.hpp"

namespace waggle::test {
namespace {

using runs = std::vector<planned_run>;
planned_run frozen(std::size_t rows) { return {false, rows, rows}; }
planned_run sealed(std::size_t rows) { return {true, rows, rows}; }

/// Executes a build on paper; returns the rows written.
std::size_t execute(runs& r, planned_build build) {
  std::size_t live = 0;
  for (auto i = build.first; i < build.last; ++i) live += r[i].live;
  r.erase(r.begin() + static_cast<std::ptrdiff_t>(build.first), r.begin() + static_cast<std::ptrdiff_t>(build.last));
  if (live != 0) r.insert(r.begin() + static_cast<std::ptrdiff_t>(build.first), sealed(live));
  return live;
}

}  // namespace

TEST_CASE("nothing is due while segments are few and alive") {
  const build_bounds bounds;
  CHECK_FALSE(plan_build({}, bounds).has_value());
  CHECK_FALSE(plan_build(runs{sealed(9000)}, bounds).has_value());
  CHECK_FALSE(plan_build(runs{sealed(64000), sealed(9000), sealed(100)}, bounds).has_value());
}

TEST_CASE("frozen rows go first and take in neighbours that are no larger") {
  const build_bounds bounds;
  CHECK(plan_build(runs{sealed(90000), frozen(8192)}, bounds) == planned_build{1, 2});
  CHECK(plan_build(runs{sealed(90000), sealed(8192), frozen(8192)}, bounds) == planned_build{1, 3});
  CHECK(plan_build(runs{sealed(16384), sealed(8192), frozen(8192)}, bounds) == planned_build{0, 3});
  CHECK(plan_build(runs{sealed(90000), frozen(8192), frozen(8192), frozen(100)}, bounds) == planned_build{1, 4});
  // A restored range in the middle.
  CHECK(plan_build(runs{sealed(90000), frozen(8192), sealed(4000), sealed(90000), frozen(10)}, bounds) ==
        planned_build{1, 3});
}

TEST_CASE("segments with many dead rows and surplus segments are rewritten") {
  const build_bounds bounds;
  CHECK(plan_build(runs{sealed(90000), {true, 10000, 6999}, sealed(90000)}, bounds) == planned_build{1, 2});
  CHECK_FALSE(plan_build(runs{sealed(90000), {true, 10000, 7000}, sealed(90000)}, bounds).has_value());
  CHECK(plan_build(runs{{true, 5, 0}}, bounds) == planned_build{0, 1});
  runs many;
  for (int i = 0; i < 9; ++i) many.push_back(sealed(i == 4 || i == 5 ? 1000 : 100000u << i));
  CHECK(plan_build(many, bounds) == planned_build{4, 6});
}

TEST_CASE("no build of several runs outgrows the bound") {
  build_bounds bounds;
  bounds.segment_rows_max = 20000;
  CHECK(plan_build(runs{sealed(15000), frozen(8192), frozen(8192), frozen(8192)}, bounds) == planned_build{1, 3});
  CHECK(plan_build(runs{sealed(9000), sealed(9000), frozen(9000)}, bounds) == planned_build{1, 3});
}

TEST_CASE("n rows cost O(n log n) and end up in few graphs") {
  const build_bounds bounds;
  for (const std::size_t n : {100'000, 1'000'000, 3'000'000}) {
    runs r;
    std::size_t written = 0, most = 0;
    for (std::size_t rows = 0; rows + bounds.seal_rows <= n; rows += bounds.seal_rows) {
      r.push_back(frozen(bounds.seal_rows));
      while (const auto build = plan_build(r, bounds)) written += execute(r, *build);
      most = std::max(most, r.size());
    }
    const double doublings = std::log2(static_cast<double>(n) / static_cast<double>(bounds.seal_rows));
    CHECK(static_cast<double>(written) <= static_cast<double>(n) * (doublings + 1));
    CHECK(static_cast<double>(most) <= doublings + 1);
    if (n == 100'000) CHECK(r.size() <= 3);
  }
}

TEST_CASE("a bulk load that outruns the builder costs less, not more") {
  const build_bounds bounds;
  runs r;
  std::size_t written = 0;
  for (int i = 0; i < 96; ++i) {
    r.push_back(frozen(bounds.seal_rows));
    // The builder gets its turn as seldom as its last build was large.
    if (i % 24 == 23)
      if (const auto build = plan_build(r, bounds)) written += execute(r, *build);
  }
  CHECK(r.size() <= 3);
  CHECK(written <= 96 * bounds.seal_rows * 2);
}

TEST_CASE("a shard that seals as it grows keeps few segments, every row and its graph") {
  scratch_directory directory;
  shard_config config;
  config.key = key_of(1);
  config.dimension = 4;
  config.directory = directory.path();
  config.hnsw = {4, 20, 20};
  config.bounds.seal_rows = 128;
  config.bounds.graph_rows_min = 100;
  shard_core core(config);
  row_source_of_chance chance(8, 4);
  for (std::uint64_t seq = 1; seq <= 1600; ++seq) {
    row r = chance.make(seq, "p" + std::to_string(seq));
    r.data.vector = chance.smooth_vector();
    REQUIRE(core.insert(std::move(r)).has_value());
    build_all(core);
    sweep(core);
  }
  const auto view = core.publish();
  CHECK(view->live_count() == 1600);
  CHECK(core.manifest().segments.size() <= 4);
  CHECK(directory.files().size() == core.manifest().segments.size());
  for (const auto& part : view->parts())
    if (const auto* file = part.rows->file()) CHECK(file->graph() != nullptr);
}

}  // namespace waggle::test
