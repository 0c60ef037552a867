#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <string>

#include "storage/text/fusion.hpp"

using namespace waggle;
using hits = std::vector<ranked<std::string>>;

TEST_CASE("rrf sums 1 / (60 + rank)") {
  const hits dense{{"a", 0.9f}, {"b", 0.8f}, {"c", 0.1f}};
  const hits sparse{{"c", 12.0f}, {"a", 3.0f}};
  const auto fused = fuse_hybrid(fusion_algorithm::rrf, 0.7, dense, sparse, 10);
  REQUIRE(fused.size() == 3);
  CHECK(fused[0].key == "a");
  CHECK(fused[0].score == static_cast<float>(1.0 / 61 + 1.0 / 62));
  CHECK(fused[1].key == "c");
  CHECK(fused[1].score == static_cast<float>(1.0 / 63 + 1.0 / 61));
  CHECK(fused[2].key == "b");
  CHECK(fused[2].score == static_cast<float>(1.0 / 62));
}

TEST_CASE("weighted adds min-max normalised scores") {
  const hits dense{{"a", 0.9f}, {"b", 0.5f}, {"c", 0.1f}};
  const hits sparse{{"c", 12.0f}, {"a", 2.0f}};
  const auto fused = fuse_hybrid(fusion_algorithm::weighted, 0.6, dense, sparse, 10);
  REQUIRE(fused.size() == 3);
  CHECK(fused[0].key == "a");
  CHECK(fused[0].score == doctest::Approx(0.6));
  CHECK(fused[1].key == "c");
  CHECK(fused[1].score == doctest::Approx(0.4));
  CHECK(fused[2].key == "b");
  CHECK(fused[2].score == doctest::Approx(0.3));
  CHECK(fuse_hybrid(fusion_algorithm::weighted, 0.0, dense, sparse, 1)[0].key == "c");
  CHECK(fuse_hybrid(fusion_algorithm::weighted, 1.0, dense, sparse, 1)[0].key == "a");
}

TEST_CASE("equal scores of a list all count as one; ties go by key") {
  const auto fused = fuse_hybrid(fusion_algorithm::weighted, 0.5, hits{{"z", 3}, {"m", 3}}, hits{{"a", -1}}, 10);
  CHECK(fused == hits{{"a", 0.5f}, {"m", 0.5f}, {"z", 0.5f}});
}

TEST_CASE("of a key that occurs twice in a list the first place counts") {
  const auto fused = fuse_hybrid(fusion_algorithm::rrf, 0, hits{{"a", 3}, {"b", 2}, {"a", 1}}, hits{}, 10);
  CHECK(fused == hits{{"a", static_cast<float>(1.0 / 61)}, {"b", static_cast<float>(1.0 / 62)}});
}

TEST_CASE("limits, empty lists and scores that are not finite") {
  CHECK(fuse_hybrid(fusion_algorithm::rrf, 0.5, hits{}, hits{}, 10).empty());
  CHECK(fuse_hybrid(fusion_algorithm::weighted, 0.5, hits{}, hits{}, 10).empty());
  CHECK(fuse_hybrid(fusion_algorithm::rrf, 0.5, hits{{"a", 1}, {"b", 1}}, hits{}, 1).size() == 1);
  CHECK(fuse_hybrid(fusion_algorithm::rrf, 0.5, hits{{"a", 1}}, hits{}, 0).empty());
  const float inf = std::numeric_limits<float>::infinity();
  const auto fused =
      fuse_hybrid(fusion_algorithm::weighted, 1, hits{{"a", inf}, {"b", 1}, {"c", NAN}, {"d", -inf}}, hits{}, 9);
  REQUIRE(fused.size() == 4);
  CHECK(fused[0] == ranked<std::string>{"a", 1.0f});
  CHECK(fused[1] == ranked<std::string>{"b", 0.5f});
  CHECK(fused[2] == ranked<std::string>{"c", 0.0f});
}

TEST_CASE("three lists with their own weights") {
  const std::vector<ranked<int>> a{{1, 1}, {2, 0}}, b{{2, 5}, {3, 1}}, c{{3, 9}};
  const std::array<ranked_list<int>, 3> lists{a, b, c};
  const std::array<double, 3> weights{1, 2, 4};
  CHECK(fuse_weighted<int>(lists, weights, 9) == std::vector<ranked<int>>{{3, 4}, {2, 2}, {1, 1}});
  CHECK(fuse_rrf<int>(lists, 2)[0].key == 2);  // as good as 3: rank 1 and rank 2
  CHECK(fuse_rrf<int>(lists, 2)[1].key == 3);
}

TEST_CASE("fusion does not depend on anything but the lists") {
  CHECK(rc::check("every key once, sorted, in range", [] {
    const auto list = rc::gen::map(rc::gen::container<std::vector<std::pair<int, float>>>(
                                       rc::gen::pair(rc::gen::inRange(0, 20), rc::gen::arbitrary<float>())),
                                   [](const auto& pairs) {
                                     std::vector<ranked<int>> out;
                                     for (const auto& [key, score] : pairs) out.push_back({key, score});
                                     return out;
                                   });
    const auto dense = *list, sparse = *list;
    for (const auto algorithm : {fusion_algorithm::rrf, fusion_algorithm::weighted}) {
      const auto fused = fuse_hybrid(algorithm, 0.7, dense, sparse, 1000);
      for (std::size_t i = 1; i < fused.size(); ++i) {
        const auto &before = fused[i - 1], &after = fused[i];
        RC_ASSERT(before.score > after.score || (before.score == after.score && before.key < after.key));
      }
      for (const auto& lists : {dense, sparse})
        for (const auto& item : lists)
          RC_ASSERT(std::count_if(fused.begin(), fused.end(), [&](auto& f) { return f.key == item.key; }) == 1);
      for (const auto& f : fused) RC_ASSERT(f.score >= 0 && f.score <= 1.0001f);
    }
  }));
}
