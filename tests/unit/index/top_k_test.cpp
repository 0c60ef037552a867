#include "storage/index/top_k.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <limits>

using namespace waggle;

TEST_CASE("keeps what a full sort would keep, ties by row, for every k") {
  CHECK(rc::check([] {
    const auto k = *rc::gen::inRange<std::size_t>(0, 40);
    const auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 12));  // few values: many ties
    std::vector<neighbor> all;
    for (std::size_t i = 0; i < steps.size(); ++i)
      all.push_back({float(steps[i]), static_cast<std::uint32_t>((i * 7919) % 100003)});
    top_k kept(k);
    for (const auto& n : all) kept.push(n);
    std::sort(all.begin(), all.end());
    all.resize(std::min(k, all.size()));
    const auto got = kept.sorted();
    RC_ASSERT(std::vector<neighbor>(got.begin(), got.end()) == all);
  }));
}

TEST_CASE("ten thousand of a hundred thousand") {
  top_k kept(10'000);
  for (std::uint32_t i = 0; i < 100'000; ++i) kept.push({float((i * 48271u) % 65521u), i});
  CHECK(kept.full());
  const auto got = kept.sorted();
  CHECK(got.size() == 10'000);
  CHECK(got.front().distance == 0.0f);
  CHECK(std::is_sorted(got.begin(), got.end()));
}

TEST_CASE("k = 0 wants nothing; infinitely far is still better than nothing; reset starts over") {
  top_k none;
  CHECK_FALSE(none.wants({-1.0f, 0}));
  none.push({-1.0f, 0});
  none.push({-std::numeric_limits<float>::infinity(), 1});
  CHECK(none.size() == 0);

  top_k two(2);
  two.push({std::numeric_limits<float>::infinity(), 5});
  two.push({std::numeric_limits<float>::infinity(), 3});
  CHECK(two.size() == 2);
  two.push({std::numeric_limits<float>::infinity(), 4});
  CHECK(two.sorted()[1].row == 4);
  two.reset(1);
  CHECK(two.size() == 0);
  two.push({2.0f, 9});
  CHECK(two.bound() == 2.0f);
  CHECK_FALSE(two.wants({2.0f, 10}));
  CHECK(two.wants({2.0f, 8}));
}
