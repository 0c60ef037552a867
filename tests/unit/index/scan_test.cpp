#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

#include "tests/unit/index/vectors.hpp"

using namespace waggle;
using namespace waggle::test;

namespace {

std::vector<neighbor> naive(const vectors& set, metric measure, std::span<const float> query, std::size_t k,
                            const std::vector<bool>& accepted) {
  std::vector<neighbor> all;
  for (std::size_t i = 0; i < set.count(); ++i)
    if (accepted[i])
      all.push_back({float(reference_distance(measure, query, set.at(i))), static_cast<std::uint32_t>(i)});
  std::sort(all.begin(), all.end());
  all.resize(std::min(k, all.size()));
  return all;
}

/// Same rows, except where the reference itself can't tell two apart in float.
void check_same(std::span<const neighbor> got, const std::vector<neighbor>& want) {
  REQUIRE(got.size() == want.size());
  for (std::size_t i = 0; i < want.size(); ++i)
    CHECK(got[i].distance == doctest::Approx(want[i].distance).epsilon(1e-4));
}

std::vector<std::uint64_t> bits_of(const std::vector<bool>& accepted) {
  std::vector<std::uint64_t> bits((accepted.size() + 63) / 64);
  for (std::size_t i = 0; i < accepted.size(); ++i) bits[i / 64] |= std::uint64_t{accepted[i]} << (i % 64);
  return bits;
}

}  // namespace

TEST_CASE("scan finds what a naive sort finds, with and without a filter, for the three metrics") {
  const auto set = clustered(1500, 37, 20, 1);
  const auto queries = clustered(8, 37, 20, 1, 1);
  const std::vector<bool> all(set.count(), true);
  std::vector<bool> some(set.count());
  for (std::size_t i = 0; i < some.size(); ++i) some[i] = i % 7 == 3 || (i > 640 && i < 700);
  const auto bits = bits_of(some);
  std::vector<std::uint32_t> rows;
  for (std::size_t i = 0; i < some.size(); ++i)
    if (some[i]) rows.push_back(static_cast<std::uint32_t>(i));
  for (const metric measure : all_metrics) {
    CAPTURE(int(measure));
    const auto block = set.block(measure);
    for (std::size_t q = 0; q < queries.count(); ++q) {
      const prepared_query query(measure, queries.at(q));
      top_k whole(25), by_bits(25), by_predicate(25), by_rows(25), by_both(25);
      scan(block, query, {}, whole);
      check_same(whole.sorted(), naive(set, measure, queries.at(q), 25, all));
      const auto want = naive(set, measure, queries.at(q), 25, some);
      const auto is_accepted = [&](std::uint32_t r) { return some[r]; };
      scan(block, query, std::span<const std::uint64_t>(bits), by_bits);
      scan(block, query, is_accepted, by_predicate);
      scan_rows(block, query, rows, by_rows);
      const std::vector<std::uint64_t> every(bits.size(), ~std::uint64_t{0});
      scan(block, query, row_filter(every, is_accepted), by_both);
      const auto got = by_bits.sorted();
      check_same(got, want);
      for (const auto& n : got) CHECK(some[n.row]);
      CHECK(std::ranges::equal(got, by_predicate.sorted()));
      CHECK(std::ranges::equal(got, by_rows.sorted()));
      CHECK(std::ranges::equal(got, by_both.sorted()));
    }
  }
}

TEST_CASE("equal vectors come back in row order, wherever in a batch they stand") {
  auto set = clustered(700, 50, 5, 3);
  const std::vector<std::size_t> copies{699, 2, 257, 256, 511, 300, 1};
  for (const std::size_t to : copies)
    std::copy_n(set.values.data() + 100 * set.dimension, set.dimension, set.values.data() + to * set.dimension);
  set.finish();
  for (const metric measure : {metric::cosine, metric::euclidean}) {
    top_k best(8);
    scan(set.block(measure), prepared_query(measure, set.at(100)), {}, best);
    std::vector<std::uint32_t> got;
    for (const auto& n : best.sorted()) got.push_back(n.row);
    CHECK(got == std::vector<std::uint32_t>{1, 2, 100, 256, 257, 300, 511, 699});
    best.reset(3);
    scan(set.block(measure), prepared_query(measure, set.at(100)), {}, best);
    CHECK(best.sorted()[2].row == 100);
  }
}

TEST_CASE("scores are those of the contract") {
  vectors set{2, {3, 4, 0, -2, 6, 8}, {}};
  set.finish();
  const float q[] = {3, 4};
  const auto score = [&](metric m, std::uint32_t row) {
    float d;
    distances_to(set.block(m), prepared_query(m, q), &row, 1, &d);
    return score_of(m, d);
  };
  CHECK(score(metric::cosine, 0) == doctest::Approx(1.0));
  CHECK(score(metric::cosine, 2) <= 1.0f);
  CHECK(score(metric::cosine, 1) == doctest::Approx(-0.8));
  CHECK(score(metric::dot, 2) == doctest::Approx(50));
  CHECK(score(metric::dot, 1) == doctest::Approx(-8));
  CHECK(score(metric::euclidean, 0) == 1.0f);
  CHECK(score(metric::euclidean, 2) == doctest::Approx(1.0 / 6));
  CHECK(euclidean_distance(25) == 5.0f);
  CHECK(score_of(metric::cosine, -1.0000002f) == 1.0f);
  CHECK(score_of(metric::euclidean, std::numeric_limits<float>::infinity()) == 0.0f);
}

TEST_CASE("norms are added up in double precision and never become infinite or NaN") {
  std::vector<float> many(65536, 1e-3f);
  many[0] = 1e3f;
  CHECK(inverse_norm(many) == doctest::Approx(1.0 / std::sqrt(1e6 + 65535e-6)).epsilon(1e-7));
  CHECK(inverse_norm(std::vector<float>{3e38f, 3e38f}) > 0.0f);
  CHECK(std::isfinite(inverse_norm(std::vector<float>{1e-45f})));
  CHECK(inverse_norm(std::vector<float>{0.0f, 0.0f}) == 0.0f);
}

TEST_CASE("an inner product that overflows both ways counts as farthest, not as NaN") {
  vectors set{64, {}, {}};
  for (int row = 0; row < 3; ++row)
    for (int j = 0; j < 64; ++j) set.values.push_back(row == 1 ? (j % 2 ? 3e38f : -3e38f) : 1.0f);
  set.finish();
  const std::vector<float> q(64, 3e38f);
  top_k best(3);
  scan(set.block(metric::dot), prepared_query(metric::dot, q), {}, best);
  const auto got = best.sorted();
  REQUIRE(got.size() == 3);
  CHECK(got[2].row == 1);
  CHECK(got[2].distance == std::numeric_limits<float>::infinity());
}

TEST_CASE("empty blocks, refused everything, bitmaps that are too short") {
  const auto set = clustered(100, 8, 2, 5);
  const prepared_query query(metric::cosine, set.at(0));
  top_k best(5);
  scan({nullptr, 0, 8, nullptr, metric::cosine}, query, {}, best);
  CHECK(best.size() == 0);
  scan(
      set.block(metric::cosine), query, [](std::uint32_t) { return false; }, best);
  scan(set.block(metric::cosine), query, std::span<const std::uint64_t>(), best);
  scan_rows(set.block(metric::cosine), query, {}, best);
  CHECK(best.size() == 0);
  const std::vector<std::uint64_t> first_word{~std::uint64_t{0}};
  top_k hundred(100);
  scan(set.block(metric::cosine), query, std::span(first_word), hundred);
  CHECK(hundred.size() == 64);
  const std::vector<std::uint64_t> too_long(5, ~std::uint64_t{0});
  hundred.reset(1000);
  scan(set.block(metric::cosine), query, std::span(too_long), hundred);
  CHECK(hundred.size() == 100);
}
