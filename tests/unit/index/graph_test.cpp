#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <thread>

#include "tests/unit/index/vectors.hpp"

using namespace waggle;
using namespace waggle::test;

namespace {

const std::atomic<bool> never{false};

std::vector<std::uint32_t> rows_of(top_k& best) {
  std::vector<std::uint32_t> rows;
  for (const auto& n : best.sorted()) rows.push_back(n.row);
  return rows;
}

std::vector<std::uint32_t> exact(const vector_block& block, const prepared_query& q, std::size_t k,
                                 const row_filter& accept = {}) {
  top_k best(k);
  scan(block, q, accept, best);
  return rows_of(best);
}

double recall_at_10(const graph_data& graph, const vectors& set, const vectors& queries, metric measure, std::size_t ef,
                    const row_filter& accept = {}) {
  search_scratch scratch;
  std::size_t hits = 0, wanted = 0;
  for (std::size_t i = 0; i < queries.count(); ++i) {
    const prepared_query q(measure, queries.at(i));
    const auto truth = exact(set.block(measure), q, 10, accept);
    top_k best(10);
    search_graph(graph.view(), set.block(measure), q, ef, accept, best, scratch);
    const auto found = rows_of(best);
    wanted += truth.size();
    for (const auto r : truth) hits += std::count(found.begin(), found.end(), r) > 0;
  }
  return double(hits) / double(wanted);
}

bool same_bytes(std::span<const std::byte> a, std::span<const std::byte> b) { return std::ranges::equal(a, b); }

bool same_graph(const graph_data& a, const graph_data& b) {
  const auto x = a.sections(), y = b.sections();
  return same_bytes(x.header, y.header) && same_bytes(x.level0, y.level0) &&
         same_bytes(x.upper_offsets, y.upper_offsets) && same_bytes(x.upper, y.upper);
}

}  // namespace

TEST_CASE("5,000 clustered rows: recall, filters, determinism, for each metric") {
  const auto set = clustered(5000, 32, 50, 17);
  const auto queries = clustered(100, 32, 50, 17, 1);
  for (const metric measure : all_metrics) {
    CAPTURE(int(measure));
    const auto block = set.block(measure);
    const auto built = build_graph(block, {}, never);
    REQUIRE(built.has_value());
    const auto view = built->view();
    REQUIRE(graph_view::from_sections(built->sections(), set.count()).has_value());
    CHECK(view.max_level > 0);
    CHECK(recall_at_10(*built, set, queries, measure, 100) >= 0.95);
    // A beam that is too narrow must cost recall or at least work, or `ef` does nothing.
    search_scratch scratch;
    top_k best(10);
    const prepared_query q(measure, queries.at(0));
    const auto narrow = search_graph(view, block, q, 10, {}, best, scratch);
    best.reset(10);
    const auto wide = search_graph(view, block, q, 400, {}, best, scratch);
    CHECK(narrow.distances < wide.distances);
    CHECK(narrow.visited_nodes < wide.visited_nodes);
    CHECK(wide.distances < set.count());

    const auto third = [](std::uint32_t r) { return r % 3 == 0; };
    CHECK(recall_at_10(*built, set, queries, measure, 200, third) >= 0.95);

    const auto again = build_graph(block, {}, never);
    REQUIRE(again.has_value());
    CHECK(same_graph(*built, *again));
  }
}

TEST_CASE("the distances that a walk reports are those of the scan, bit for bit") {
  const auto set = clustered(1000, 33, 10, 4);
  for (const metric measure : all_metrics) {
    const auto block = set.block(measure);
    const auto graph = build_graph(block, {}, never);
    REQUIRE(graph.has_value());
    search_scratch scratch;
    const prepared_query q(measure, set.at(123));
    top_k walked(20), scanned(1000);
    search_graph(graph->view(), block, q, 1000, {}, walked, scratch);
    scan(block, q, {}, scanned);
    const auto all = scanned.sorted();
    for (const auto& n : walked.sorted()) CHECK(std::find(all.begin(), all.end(), n) != all.end());
  }
}

TEST_CASE("a refused row is never returned, whatever the share of refused rows; ef = all rows finds all accepted") {
  const auto set = clustered(2000, 16, 10, 23);
  const auto graph = build_graph(set.block(metric::euclidean), {}, never);
  REQUIRE(graph.has_value());
  std::mt19937 random(5);
  search_scratch scratch;
  for (const unsigned percent : {0u, 1u, 10u, 50u, 99u}) {
    std::vector<std::uint64_t> bits((set.count() + 63) / 64);
    std::size_t accepted = 0;
    for (std::size_t r = 0; r < set.count(); ++r) {
      const bool in = random() % 100 < percent;
      accepted += in;
      bits[r / 64] |= std::uint64_t{in} << (r % 64);
    }
    const row_filter accept{std::span<const std::uint64_t>(bits)};
    for (int i = 0; i < 20; ++i) {
      const prepared_query q(metric::euclidean, set.at(random() % set.count()));
      top_k best(15);
      search_graph(graph->view(), set.block(metric::euclidean), q, 30, accept, best, scratch);
      for (const auto& n : best.sorted()) CHECK(accept(n.row));
      best.reset(15);
      search_graph(graph->view(), set.block(metric::euclidean), q, set.count(), accept, best, scratch);
      CHECK(best.size() == std::min<std::size_t>(15, accepted));
      CHECK(rows_of(best) == exact(set.block(metric::euclidean), q, 15, accept));
    }
  }
}

TEST_CASE("k above ef widens the beam, k above the row count returns every reachable row once") {
  const auto set = clustered(600, 12, 6, 31);
  const auto graph = build_graph(set.block(metric::cosine), {}, never);
  REQUIRE(graph.has_value());
  search_scratch scratch;
  const prepared_query q(metric::cosine, set.at(0));
  top_k best(200);
  search_graph(graph->view(), set.block(metric::cosine), q, 1, {}, best, scratch);
  CHECK(best.size() == 200);
  best.reset(10'000);
  search_graph(graph->view(), set.block(metric::cosine), q, 1, {}, best, scratch);
  auto rows = rows_of(best);
  CHECK(rows.size() == set.count());
  std::sort(rows.begin(), rows.end());
  CHECK(std::adjacent_find(rows.begin(), rows.end()) == rows.end());
  best.reset(0);
  CHECK(search_graph(graph->view(), set.block(metric::cosine), q, 10, {}, best, scratch).distances == 0);
}

TEST_CASE("no rows, one row, two rows, all rows equal") {
  search_scratch scratch;
  for (const metric measure : all_metrics) {
    for (const std::size_t count : {0u, 1u, 2u, 3u}) {
      CAPTURE(count);
      const auto set = clustered(count, 5, 1, 2);
      const auto query = clustered(1, 5, 1, 2, 9);
      const auto graph = build_graph(set.block(measure), {}, never);
      REQUIRE(graph.has_value());
      CHECK(graph_view::from_sections(graph->sections(), count).has_value());
      const prepared_query q(measure, query.at(0));
      top_k best(10);
      search_graph(graph->view(), set.block(measure), q, 10, {}, best, scratch);
      CHECK(rows_of(best) == exact(set.block(measure), q, 10));
    }
  }
  vectors same{4, aligned_array<float>(4 * 300, 0.5f), {}};
  same.finish();
  const auto graph = build_graph(same.block(metric::cosine), {}, never);
  REQUIRE(graph.has_value());
  top_k best(10);
  search_graph(graph->view(), same.block(metric::cosine), prepared_query(metric::cosine, same.at(0)), 50, {}, best,
               scratch);
  CHECK(best.size() == 10);
  top_k nothing(5);
  search_graph({}, same.block(metric::cosine), prepared_query(metric::cosine, same.at(0)), 50, {}, nothing, scratch);
  CHECK(nothing.size() == 0);
}

TEST_CASE("one scratch serves graphs of different sizes through more searches than an epoch has numbers") {
  const auto small = clustered(50, 6, 2, 1), large = clustered(900, 6, 2, 1);
  const auto a = build_graph(small.block(metric::euclidean), {}, never);
  const auto b = build_graph(large.block(metric::euclidean), {}, never);
  REQUIRE(a.has_value());
  REQUIRE(b.has_value());
  search_scratch used;
  for (std::size_t i = 0; i < 700; ++i) {
    const bool first = i % 3 == 0;
    const auto& set = first ? small : large;
    const auto& graph = first ? *a : *b;
    const prepared_query q(metric::euclidean, large.at(i));
    search_scratch fresh;
    top_k with_used(10), with_fresh(10);
    search_graph(graph.view(), set.block(metric::euclidean), q, 20, {}, with_used, used);
    search_graph(graph.view(), set.block(metric::euclidean), q, 20, {}, with_fresh, fresh);
    REQUIRE(rows_of(with_used) == rows_of(with_fresh));
  }
}

TEST_CASE("several threads build an equally good graph that passes the check") {
  const auto set = clustered(3000, 24, 30, 8);
  const auto queries = clustered(50, 24, 30, 8, 1);
  const auto graph = build_graph(set.block(metric::euclidean), {}, never, 3);
  REQUIRE(graph.has_value());
  CHECK(graph_view::from_sections(graph->sections(), set.count()).has_value());
  CHECK(recall_at_10(*graph, set, queries, metric::euclidean, 100) >= 0.95);
}

TEST_CASE("a build can be cancelled before and during, by one thread or several") {
  const auto set = clustered(20'000, 64, 40, 12);
  for (const unsigned threads : {1u, 3u}) {
    std::atomic<bool> cancel{true};
    const auto early = build_graph(set.block(metric::cosine), {}, cancel, threads);
    REQUIRE(!early);
    CHECK(early.error().code == ec::shutting_down);
    cancel = false;
    std::thread stopper([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(30));
      cancel = true;
    });
    const auto late = build_graph(set.block(metric::cosine), {}, cancel, threads);
    stopper.join();
    REQUIRE(!late);
    CHECK(late.error().code == ec::shutting_down);
  }
}

TEST_CASE("parameters out of range are refused") {
  const auto set = clustered(10, 4, 1, 1);
  const auto code = [&](std::uint32_t m, std::uint32_t ef, vector_block block) {
    hnsw_params p;
    p.m = m;
    p.ef_construction = ef;
    const auto built = build_graph(block, p, never);
    return built ? ec::ok : built.error().code;
  };
  const auto block = set.block(metric::dot);
  CHECK(code(1, 100, block) == ec::validation_error);
  CHECK(code(513, 100, block) == ec::validation_error);
  CHECK(code(16, 0, block) == ec::validation_error);
  auto bad = block;
  bad.dimension = 0;
  CHECK(code(16, 100, bad) == ec::validation_error);
  bad.dimension = 65537;
  CHECK(code(16, 100, bad) == ec::validation_error);
  bad = block;
  bad.count = std::size_t{1} << 31;
  CHECK(code(16, 100, bad) == ec::validation_error);
  CHECK(code(2, 1, block) == ec::ok);
  CHECK(code(5, 10, block) == ec::ok);
  CHECK(code(512, 100, block) == ec::ok);
}
