// Searching views: order, filters at every selectivity, tombstones, several shards as one.
#include <doctest/doctest.h>

#include <filesystem>

#include "shard_world.hpp"

namespace waggle::test {
namespace {

struct shard_and_model {
  shard_and_model(metric measure, std::uint32_t dimension, std::size_t graph_rows_min)
      : chance(99, dimension), truth(measure), core(config(measure, dimension, graph_rows_min)) {}

  void insert(row r) {
    truth.rows[r.data.id.str()] = r;
    REQUIRE(core.insert(std::move(r)).has_value());
  }
  void erase(const std::string& id) {
    REQUIRE(core.erase(truth.rows.at(id).seq, seq_no(++seq)).has_value());
    truth.rows.erase(id);
  }
  shard_config config(metric measure, std::uint32_t dimension, std::size_t graph_rows_min) const {
    shard_config c;
    c.key = key_of(1);
    c.measure = measure;
    c.dimension = dimension;
    c.hnsw = {8, 60, 50};
    c.directory = directory.path();
    c.bounds.graph_rows_min = graph_rows_min;
    return c;
  }

  scratch_directory directory;
  row_source_of_chance chance;
  model truth;
  shard_core core;
  std::uint64_t seq = 0;
};

/// `rows` rows with n = 0 .. rows-1 and smooth vectors, sealed into one graph.
void fill_graph(shard_and_model& s, std::size_t rows) {
  for (std::size_t n = 0; n < rows; ++n) {
    row r;
    r.seq = seq_no(++s.seq);
    r.data.id = point_id::trusted("p" + std::to_string(n), false);
    r.data.vector = s.chance.smooth_vector();
    r.data.payload = "{\"n\":" + std::to_string(n) + "}";
    s.insert(std::move(r));
  }
  s.core.freeze();
  build_all(s.core);
}

vector_query query_for(std::span<const float> vector, std::size_t limit, const filter* accept = nullptr) {
  vector_query q;
  q.vector = vector;
  q.limit = limit;
  q.accept = accept;
  return q;
}

double recall(const std::vector<model::answer>& found, const std::vector<model::answer>& truth) {
  std::size_t same = 0;
  for (const auto& t : truth) same += std::find(found.begin(), found.end(), t) != found.end();
  return truth.empty() ? 1 : static_cast<double>(same) / static_cast<double>(truth.size());
}

void check_order(const search_hits& hits) {
  for (std::size_t i = 1; i < hits.hits.size(); ++i) {
    const auto &a = hits.hits[i - 1], &b = hits.hits[i];
    REQUIRE((a.score > b.score || (a.score == b.score && a.row.id < b.row.id)));
  }
}

}  // namespace

TEST_CASE("equal scores are ordered by id, at the cut and across segments") {
  shard_and_model s(metric::euclidean, 3, 1'000'000);
  std::vector<std::string> ids;
  for (int i = 0; i < 300; ++i) ids.push_back("id" + std::to_string(i));
  std::shuffle(ids.begin(), ids.end(), s.chance.random());
  for (const auto& id : ids) {
    auto r = s.chance.make(++s.seq, id);
    r.data.vector = {1, 1, s.seq % 4 == 0 ? 2.0f : 1.0f};
    s.insert(std::move(r));
    if (s.seq % 70 == 0) s.core.freeze();
    if (s.seq == 150) build_all(s.core);
  }
  const auto view = s.core.publish();
  REQUIRE(view->parts().size() > 3);
  const std::vector<float> query{1, 1, 1};
  for (const std::size_t limit : {1, 2, 10, 224, 225, 226, 299, 300, 400})
    CHECK(answers_of(view->search(query_for(query, limit))) == s.truth.search(query, limit, nullptr));
}

TEST_CASE("scores that round to the same number are ties although their distances differ") {
  shard_and_model s(metric::euclidean, 1, 1'000'000);
  // So near that 1/(1+d) is 1 for all of them, inserted nearest first with ids descending.
  for (int i = 0; i < 20; ++i) {
    auto r = s.chance.make(++s.seq, std::string(1, static_cast<char>('z' - i)));
    r.data.vector = {static_cast<float>(i) * 1e-10f};
    s.insert(std::move(r));
  }
  const std::vector<float> query{0};
  const auto found = answers_of(s.core.publish()->search(query_for(query, 5)));
  CHECK(found == s.truth.search(query, 5, nullptr));
  CHECK(found.front().id == "g");
}

TEST_CASE("filtered search returns exactly min(limit, matches) at every selectivity") {
  constexpr std::size_t rows = 10'000;
  for (const auto measure : {metric::cosine, metric::euclidean}) {
    shard_and_model s(measure, 8, 1000);
    fill_graph(s, rows);
    const auto view = s.core.publish();
    REQUIRE(view->parts().front().rows->file() != nullptr);
    REQUIRE(view->parts().front().rows->file()->graph() != nullptr);
    for (const std::size_t matches : {5000, 1000, 100, 10, 1, 0}) {
      // Contiguous in n, so unrelated to the vectors.
      const auto accept = filter_of("{\"must\":[{\"key\":\"n\",\"range\":{\"lt\":" + std::to_string(matches) + "}}]}");
      double sum = 0;
      constexpr int queries = 10;
      for (int i = 0; i < queries; ++i) {
        const auto query = s.chance.smooth_vector();
        for (const std::size_t limit : {1, 10, 50, 1000}) {
          const auto hits = view->search(query_for(query, limit, &accept));
          REQUIRE(hits.has_value());
          CAPTURE(matches);
          CAPTURE(limit);
          REQUIRE(hits->hits.size() == std::min(limit, matches));
          check_order(*hits);
          for (const auto& hit : hits->hits) REQUIRE(accept.matches(hit.row.id, hit.row.payload, false));
          if (limit == 10) sum += recall(answers_of(*hits), s.truth.search(query, limit, &accept));
        }
      }
      CHECK_MESSAGE(sum / queries >= 0.9, "recall at ", matches, " matches: ", sum / queries);
    }
  }
}

TEST_CASE("a filter that has to do with the vectors is answered in full") {
  // Matches lie on the side away from the query: a walk near the query meets none of them.
  shard_and_model s(metric::euclidean, 4, 1000);
  for (std::size_t n = 0; n < 6000; ++n) {
    auto r = s.chance.make(++s.seq, "p" + std::to_string(n));
    r.data.vector = s.chance.smooth_vector();
    r.data.vector[0] += n % 2 == 0 ? 0.0f : 1000.0f;
    r.data.payload = n % 2 == 0 ? R"({"side":"near"})" : R"({"side":"far"})";
    s.insert(std::move(r));
  }
  s.core.freeze();
  build_all(s.core);
  const auto view = s.core.publish();
  const auto far = filter_of(R"({"must":[{"key":"side","match":{"value":"far"}}]})");
  const std::vector<float> query{0, 0, 0, 0};
  const auto hits = view->search(query_for(query, 20, &far));
  REQUIRE(hits.has_value());
  CHECK(answers_of(*hits) == s.truth.search(query, 20, &far));
  CHECK(hits->explain.walks_abandoned == 1);
}

TEST_CASE("search with many deleted rows returns min(limit, live)") {
  shard_and_model s(metric::cosine, 8, 1000);
  fill_graph(s, 5000);
  const auto before = s.core.publish();
  for (std::size_t n = 0; n < 5000; ++n)
    if (n % 50 != 0) s.erase("p" + std::to_string(n));
  const auto view = s.core.publish();
  REQUIRE(view->live_count() == 100);
  for (int i = 0; i < 20; ++i) {
    const auto query = s.chance.smooth_vector();
    for (const std::size_t limit : {1, 10, 99, 100, 500}) {
      const auto hits = view->search(query_for(query, limit));
      REQUIRE(hits.has_value());
      CHECK(hits->hits.size() == std::min<std::size_t>(limit, 100));
      check_order(*hits);
    }
    CHECK(before->search(query_for(query, 1000))->hits.size() == 1000);
  }
  CHECK(build_all(s.core) == 1);  // more than 30 % dead
  const auto merged = s.core.publish();
  CHECK(merged->parts().front().count == 100);
  const auto query = s.chance.smooth_vector();
  CHECK(answers_of(merged->search(query_for(query, 500))) == s.truth.search(query, 500, nullptr));
}

TEST_CASE("explain tells which road a search took") {
  shard_and_model s(metric::cosine, 8, 1000);
  fill_graph(s, 5000);
  const auto view = s.core.publish();
  const auto query = s.chance.smooth_vector();
  const system_clock time;
  auto q = query_for(query, 10);
  q.time = &time;
  const auto walked = view->search(q);
  CHECK(walked->explain.graphs_walked == 1);
  CHECK(walked->explain.visited_nodes > 10);
  CHECK(walked->explain.distances < 5000);
  CHECK(walked->explain.runs_scanned == 0);
  CHECK(walked->explain.total_us >= walked->explain.graph_us);
  CHECK(recall(answers_of(*walked), s.truth.search(query, 10, nullptr)) >= 0.8);

  q.exact = true;
  const auto scanned = view->search(q);
  CHECK(scanned->explain.graphs_walked == 0);
  CHECK(scanned->explain.runs_scanned == 1);
  CHECK(scanned->explain.distances == 5000);
  CHECK(answers_of(*scanned) == s.truth.search(query, 10, nullptr));

  // Half of the rows match: the filter is asked about a few, not about all.
  const auto half = filter_of(R"({"must":[{"key":"n","range":{"lt":2500}}]})");
  q.accept = &half;
  const auto filtered = view->search(q);
  CHECK(answers_of(*filtered) == s.truth.search(query, 10, &half));
  CHECK(filtered->explain.filter_evaluations < 100);
  CHECK(filtered->explain.filter_evaluations >= 10);
}

TEST_CASE("shards of one collection search as one") {
  constexpr std::size_t shards = 3;
  shard_and_model whole(metric::dot, 5, 1'000'000);
  std::vector<std::unique_ptr<shard_and_model>> split;
  for (std::size_t i = 0; i < shards; ++i)
    split.push_back(std::make_unique<shard_and_model>(metric::dot, 5, 1'000'000));
  for (int i = 0; i < 400; ++i) {
    const auto r = whole.chance.make(++whole.seq, "p" + std::to_string(i));
    split[whole.chance.below(shards)]->insert(r);
    whole.insert(r);
  }
  split[1]->core.freeze();
  build_all(split[1]->core);
  std::vector<shard_view::view_ptr> views;
  for (auto& s : split) views.push_back(s->core.publish());
  const auto one = whole.core.publish();
  const auto even = filter_of(R"({"must":[{"key":"even","match":{"value":true}}]})");
  for (const filter* accept : {static_cast<const filter*>(nullptr), &even}) {
    const auto query = whole.chance.coarse_vector();
    CHECK(answers_of(shard_view::search(views, query_for(query, 50, accept))) == whole.truth.search(query, 50, accept));
    const auto sparse = whole.chance.sparse();
    CHECK(answers_of(shard_view::search_sparse(views, sparse, 50, accept)) ==
          whole.truth.search_sparse(sparse, 50, accept));
    const text_query text{"honey drone comb", 25, {}, accept};
    CHECK(answers_of(shard_view::search_text(views, text)) == answers_of(one->search_text(text)));
    CHECK(shard_view::count(views, accept) == one->count(accept));
  }
  CHECK(shard_view::matching(views, &even, 1000).size() == whole.truth.count(even));
  CHECK(shard_view::matching(views, nullptr, 7, "p2").front().row.id == "p20");
  CHECK(answers_of(shard_view::search({}, query_for({}, 5))).empty());
}

TEST_CASE("text search: threshold, filter, ties by id, exact text first") {
  shard_and_model s(metric::cosine, 5, 1'000'000);
  const auto add = [&](const char* id, const char* content) {
    auto r = s.chance.make(++s.seq, id);
    r.data.payload = std::string(R"({"content":")") + content + "\"}";
    s.insert(std::move(r));
  };
  add("d", "the bee and the flower");
  add("c", "the bee and the flower");
  add("b", "bee bee bee bee");
  s.core.freeze();
  build_all(s.core);
  add("a", "a hive without");
  add("e", "Bee, flower!");
  const auto view = s.core.publish();
  const auto hits = view->search_text({"bee flower", 10, {}, nullptr}).hits;
  REQUIRE(hits.size() == 4);
  CHECK(hits[0].row.id == "e");
  CHECK(hits[0].score == 1.0f);
  CHECK(hits[1].row.id == "c");
  CHECK(hits[2].row.id == "d");
  CHECK(hits[1].score == hits[2].score);
  CHECK(hits[3].row.id == "b");
  CHECK(view->search_text({"bee flower", 10, hits[2].score, nullptr}).hits.size() == 3);
  const auto only = filter_of(R"({"must":[{"has_id":["b","a"]}]})");
  CHECK(answers_of(view->search_text({"bee flower", 10, {}, &only})) ==
        std::vector<model::answer>{{"b", 3, hits[3].score}});
  CHECK(view->search_text({"unheard", 10, {}, nullptr}).hits.empty());
  CHECK(view->search_text({"", 10, {}, nullptr}).hits.empty());
}

TEST_CASE("edges of a query") {
  shard_and_model s(metric::cosine, 5, 1'000'000);
  const std::vector<float> query{1, 0, 0, 0, 0};
  CHECK(answers_of(s.core.publish()->search(query_for(query, 10))).empty());
  for (int i = 0; i < 20; ++i) s.insert(s.chance.make(++s.seq, "p" + std::to_string(i)));
  const auto view = s.core.publish();
  CHECK(answers_of(view->search(query_for(query, 0))).empty());
  CHECK(view->matching(nullptr, 0).empty());
  const auto wrong = view->search(query_for(std::span(query).first(4), 10));
  REQUIRE_FALSE(wrong.has_value());
  CHECK(wrong.error().code == ec::dimension_mismatch);
  const std::vector<float> zero(5), huge(5, 3e38f);
  CHECK(answers_of(view->search(query_for(zero, 30))) == s.truth.search(zero, 30, nullptr));
  CHECK(view->search(query_for(huge, 30))->hits.size() == 20);
}

TEST_CASE("sums that overflow stay in order and finite") {
  shard_and_model s(metric::dot, 2, 1'000'000);
  for (int i = 0; i < 40; ++i) {
    auto r = s.chance.make(++s.seq, "p" + std::to_string(i));
    r.data.vector = {i % 3 == 0 ? 3e38f : 1.0f, i % 2 == 0 ? -3e38f : 2.0f};
    s.insert(std::move(r));
  }
  const std::vector<float> query{3e38f, 3e38f};
  const auto view = s.core.publish();
  for (const std::size_t limit : {5, 20, 40}) {
    const auto hits = view->search(query_for(query, limit));
    REQUIRE(hits.has_value());
    CHECK(hits->hits.size() == limit);
    check_order(*hits);
    for (const auto& hit : hits->hits) CHECK(std::isfinite(hit.score));
  }
}

TEST_CASE("a hit outlives its view, its shard and its file") {
  std::vector<search_hit> hits;
  std::map<std::string, row> expected;
  {
    shard_and_model s(metric::cosine, 5, 1'000'000);
    for (int i = 0; i < 50; ++i) s.insert(s.chance.make(++s.seq, "p" + std::to_string(i)));
    s.core.freeze();
    build_all(s.core);
    for (int i = 50; i < 60; ++i) s.insert(s.chance.make(++s.seq, "p" + std::to_string(i)));
    hits = s.core.publish()->search(query_for(s.chance.coarse_vector(), 100))->hits;
    expected = s.truth.rows;
  }
  REQUIRE(hits.size() == 60);
  for (const auto& hit : hits) {
    const auto& r = expected.at(std::string(hit.row.id));
    CHECK(hit.row.payload == r.data.payload);
    CHECK(std::equal(hit.row.vector.begin(), hit.row.vector.end(), r.data.vector.begin(), r.data.vector.end()));
  }
}

}  // namespace waggle::test
