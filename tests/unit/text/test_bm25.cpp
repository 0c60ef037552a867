#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <string>

#include "storage/text/bm25.hpp"

using namespace waggle;

namespace {

struct stored {
  std::string id;
  document_terms terms;
  bool live = true;
  bool accepted = true;
};
using corpus = std::vector<stored>;

struct found {
  std::string id;
  float score;
  bool exact;
  bool operator==(const found&) const = default;
};

/// The textbook formula, one document after the other, sharing nothing with the engine but the analyser.
std::vector<found> naive_search(const corpus& all, const query_terms& query, std::size_t k) {
  double documents = 0, words = 0;
  for (const auto& d : all)
    if (d.live && d.terms.length) ++documents, words += d.terms.length;
  const auto count_in = [](const stored& d, std::uint64_t term) -> std::uint32_t {
    for (const auto& t : d.terms.terms)
      if (t.term == term) return t.count;
    return 0;
  };
  std::vector<found> out;
  for (const auto& d : all) {
    if (!d.live || !d.accepted) continue;
    double sum = 0;
    bool shares = false;
    for (const auto term : query.terms) {
      double df = 0;
      for (const auto& other : all) df += other.live && count_in(other, term);
      const double count = count_in(d, term);
      if (count == 0) continue;
      shares = true;
      const double idf = std::log(1 + (documents - df + 0.5) / (df + 0.5));
      sum += idf * (count * (1.2 + 1)) / (count + 1.2 * (1 - 0.75) + 1.2 * 0.75 / (words / documents) * d.terms.length);
    }
    if (shares) out.push_back({d.id, static_cast<float>(sum), d.terms.fingerprint == query.fingerprint});
  }
  std::sort(out.begin(), out.end(), [](const found& a, const found& b) {
    const float x = text_score(a.score, a.exact), y = text_score(b.score, b.exact);
    return x != y ? x > y : a.id < b.id;
  });
  if (out.size() > k) out.resize(k);
  return out;
}

struct chunked_rows final : document_rows {
  std::vector<const stored*> docs;
  std::size_t rows() const override { return docs.size(); }
  const document_terms& at(std::uint32_t row) const override { return docs[row]->terms; }
};

/// The corpus cut into segments at random, some sealed, some mutable, with extra dead and empty rows in between.
struct segmentation {
  struct segment {
    std::vector<const stored*> docs;
    postings_data data;
    postings_view view;
    chunked_rows rows;
    std::function<bool(std::uint32_t)> live, accept;
  };
  std::vector<std::unique_ptr<segment>> segments;
  std::vector<bm25_source> sources;
  const stored empty_row{"", {}, true, true};
  const stored dead_row{"", analyze_document("w0 w1 w2 w3"), false, true};

  segmentation(const corpus& all, std::mt19937_64& random, bool no_tests_needed = false) {
    std::vector<const stored*> order;
    for (const auto& d : all) order.push_back(&d);
    std::shuffle(order.begin(), order.end(), random);
    std::size_t next = 0;
    do {
      auto s = std::make_unique<segment>();
      for (auto n = random() % (all.size() + 1); n > 0 && next < order.size(); --n) {
        s->docs.push_back(order[next++]);
        if (random() % 4 == 0) s->docs.push_back(&empty_row);
        if (random() % 4 == 0 && !no_tests_needed) s->docs.push_back(&dead_row);
      }
      segments.push_back(std::move(s));
    } while (next < order.size());
    for (auto& s : segments) {
      bm25_source source;
      if (random() % 2) {
        postings_builder builder;
        for (std::uint32_t row = 0; row < s->docs.size(); ++row)
          if (s->docs[row]->terms.length) builder.add(row, s->docs[row]->terms);
        s->data = builder.finish();
        s->view = postings_view::open(s->data.span()).value();
        source.postings = &s->view;
      } else {
        s->rows.docs = s->docs;
        source.documents = &s->rows;
      }
      s->live = [docs = &s->docs](std::uint32_t row) { return (*docs)[row]->live; };
      s->accept = [docs = &s->docs](std::uint32_t row) { return (*docs)[row]->accepted; };
      if (!no_tests_needed) source.live = s->live, source.accept = s->accept;
      sources.push_back(source);
    }
  }

  std::vector<found> search(const query_terms& query, std::size_t k, const corpus_stats& stats) const {
    const auto id = [this](const bm25_hit& h) -> const std::string& { return segments[h.source]->docs[h.row]->id; };
    auto before = [&](const bm25_hit& a, const bm25_hit& b) { return id(a) < id(b); };
    std::vector<found> out;
    for (const auto& hit : bm25_search(sources, query, k, stats, before))
      out.push_back({id(hit), hit.score, hit.exact});
    return out;
  }
};

corpus_stats stats_of(const corpus& all) {
  corpus_stats stats;
  for (const auto& d : all)
    if (d.live && d.terms.length) ++stats.documents, stats.total_length += d.terms.length;
  return stats;
}

std::string random_text(std::mt19937_64& random, std::size_t words, unsigned vocabulary) {
  std::string text;
  for (std::size_t i = 0; i < words; ++i) {
    const auto a = random() % vocabulary, b = random() % vocabulary;
    text += "w" + std::to_string(std::min(a, b)) + " ";  // low numbers are frequent
  }
  return text;
}

corpus random_corpus(std::mt19937_64& random, std::size_t size, bool tombstones) {
  corpus all;
  for (std::size_t i = 0; i < size; ++i) {
    const auto words = random() % 10 == 0 ? 0 : 1 + random() % 12;
    all.push_back({"id" + std::to_string(random() % 1000) + "-" + std::to_string(i),
                   analyze_document(random_text(random, words, 30)), !tombstones || random() % 4 != 0,
                   !tombstones || random() % 4 != 0});
  }
  return all;
}

std::vector<found> search_texts(const std::vector<std::string>& texts, std::string_view query, std::size_t k = 10) {
  corpus all;
  for (std::size_t i = 0; i < texts.size(); ++i) all.push_back({std::to_string(i), analyze_document(texts[i])});
  std::mt19937_64 random(3);
  return segmentation(all, random).search(analyze_query(query), k, stats_of(all));
}

}  // namespace

TEST_CASE("equal to a naive implementation for any tombstones and any segmentation") {
  std::mt19937_64 random(1);
  std::size_t compared = 0;
  for (int round = 0; round < 120; ++round) {
    const auto all = random_corpus(random, 1 + random() % 80, round % 2);
    const auto stats = stats_of(all);
    for (int q = 0; q < 4; ++q) {
      // Short queries, and ones with more terms than a document has.
      const auto query = analyze_query(random_text(random, q == 3 ? 60 : 1 + random() % 5, 32));
      const std::size_t k = q == 0 ? 1000 : 1 + random() % 8;
      const auto expected = naive_search(all, query, k);
      for (int cut = 0; cut < 3; ++cut) {
        const auto actual = segmentation(all, random).search(query, k, stats);
        REQUIRE(actual == expected);
        if (round % 2 == 0) REQUIRE(segmentation(all, random, true).search(query, k, stats) == expected);
        compared += actual.size();
      }
    }
  }
  CHECK(compared > 5000);
}

TEST_CASE("lists longer than a scoring window give the same result as a scan") {
  std::mt19937_64 random(2);
  const auto vocabulary = 40u;
  chunked_rows rows;
  corpus all;
  for (std::size_t i = 0; i < 9000; ++i) {
    // Long stretches in which no document has a query term.
    const bool quiet = i % 4000 > 500;
    all.push_back({"d" + std::to_string(i),
                   analyze_document(quiet ? "z" + std::to_string(i % 7) : random_text(random, 6, vocabulary)),
                   random() % 5 != 0});
  }
  postings_builder builder;
  for (std::uint32_t i = 0; i < all.size(); ++i) {
    rows.docs.push_back(&all[i]);
    builder.add(i, all[i].terms);
  }
  const auto data = builder.finish();
  const auto view = postings_view::open(data.span()).value();
  auto live = [&](std::uint32_t row) { return all[row].live; };
  auto accept = [&](std::uint32_t row) { return row % 3 != 0; };
  auto before = [](const bm25_hit& a, const bm25_hit& b) { return a.row < b.row; };
  bm25_source sealed, scanned;
  sealed.postings = &view;
  scanned.documents = &rows;
  sealed.live = scanned.live = live;
  sealed.accept = scanned.accept = accept;
  const auto query = analyze_query("w0 w3 w9 w38 absent");
  for (const std::size_t k : {1, 10, 100, 100000}) {
    const auto a = bm25_search(std::span(&sealed, 1), query, k, stats_of(all), before);
    const auto b = bm25_search(std::span(&scanned, 1), query, k, stats_of(all), before);
    CHECK(a == b);
    CHECK(!a.empty());
    CHECK(a.size() <= k);
  }
}

TEST_CASE("a query equal to a stored text ranks it first, with score 1") {
  // BM25 alone would prefer the second text: same words, more of them.
  const auto hits =
      search_texts({"red fish", "fish fish red red", "red red red fish fish fish", "blue fish"}, "Red fish!");
  REQUIRE(hits.size() == 4);
  CHECK(hits[0].id == "0");
  CHECK(hits[0].exact);
  CHECK(text_score(hits[0].score, true) == 1.0f);
  for (std::size_t i = 1; i < hits.size(); ++i) {
    CHECK(!hits[i].exact);
    CHECK(text_score(hits[i].score, false) < 1.0f);
  }
  std::mt19937_64 random(4);
  for (int round = 0; round < 100; ++round) {
    std::vector<std::string> texts;
    for (int i = 0; i < 30; ++i) texts.push_back(random_text(random, 1 + random() % 8, 6));
    const auto& wanted = texts[random() % texts.size()];
    const auto best = search_texts(texts, wanted, 1);
    REQUIRE(best.size() == 1);
    CHECK(analyze_document(texts[static_cast<std::size_t>(std::stoi(best[0].id))]).fingerprint ==
          analyze_document(wanted).fingerprint);
  }
  CHECK(search_texts({"...", "???"}, "???").at(0).id == "1");
}

TEST_CASE("documents that share no term are not found; a rarer term weighs more") {
  CHECK(search_texts({"alpha", "beta"}, "gamma").empty());
  CHECK(search_texts({"alpha", "beta"}, "").empty());
  CHECK(search_texts({}, "alpha").empty());
  CHECK(search_texts({"common x", "common y", "common z", "rare w"}, "common rare").at(0).id == "3");
}

TEST_CASE("deleting a document changes scores as if it had never been") {
  corpus with{
      {"a", analyze_document("one two")}, {"b", analyze_document("two three")}, {"c", analyze_document("one one one")}};
  corpus without{with[0], with[1]};
  with[2].live = false;
  std::mt19937_64 random(6);
  const auto query = analyze_query("one two");
  CHECK(segmentation(with, random).search(query, 9, stats_of(with)) ==
        segmentation(without, random).search(query, 9, stats_of(without)));
}

TEST_CASE("a filter hides documents and leaves the scores of the others alone") {
  corpus all{{"a", analyze_document("one two")}, {"b", analyze_document("two three")}, {"c", analyze_document("one")}};
  std::mt19937_64 random(7);
  const auto query = analyze_query("one two");
  auto full = segmentation(all, random).search(query, 9, stats_of(all));
  all[0].accepted = false;
  std::erase_if(full, [](const found& f) { return f.id == "a"; });
  CHECK(segmentation(all, random).search(query, 9, stats_of(all)) == full);
}

TEST_CASE("frequencies summed over shards give the scores of one shard") {
  std::mt19937_64 random(8);
  const auto all = random_corpus(random, 60, true);
  const auto query = analyze_query(random_text(random, 4, 20));
  const segmentation whole(all, random);
  const corpus left(all.begin(), all.begin() + 25), right(all.begin() + 25, all.end());
  const segmentation shard_a(left, random), shard_b(right, random);
  auto total = count_documents(shard_a.sources, query);
  const auto more = count_documents(shard_b.sources, query);
  for (std::size_t i = 0; i < total.size(); ++i) total[i] += more[i];
  CHECK(total == count_documents(whole.sources, query));
  auto stats = stats_of(all);
  stats.document_frequency = total;
  auto merged = shard_a.search(query, 999, stats);
  for (auto& hit : shard_b.search(query, 999, stats)) merged.push_back(hit);
  const auto by_id = [](const found& a, const found& b) { return a.id < b.id; };
  auto expected = whole.search(query, 999, stats_of(all));
  std::sort(merged.begin(), merged.end(), by_id);
  std::sort(expected.begin(), expected.end(), by_id);
  CHECK(!expected.empty());
  CHECK(merged == expected);
}

TEST_CASE("wrong statistics and odd calls give finite scores") {
  corpus all{{"a", analyze_document("one two")}, {"b", analyze_document("one")}};
  std::mt19937_64 random(9);
  const segmentation cut(all, random);
  for (const corpus_stats stats : {corpus_stats{0, 0, {}}, corpus_stats{1, 1, {}}, corpus_stats{5, 0, {}}})
    for (const auto& hit : cut.search(analyze_query("one"), 9, stats)) {
      CHECK(std::isfinite(hit.score));
      CHECK(hit.score > 0);
    }
  CHECK(cut.search(analyze_query("one"), 0, stats_of(all)).empty());
  auto never = [](const bm25_hit&, const bm25_hit&) { return false; };
  CHECK(bm25_search({}, analyze_query("one"), 5, {}, never).empty());
  const bm25_source nothing;
  CHECK(bm25_search(std::span(&nothing, 1), analyze_query("one"), 5, {}, never).empty());
}

TEST_CASE("the public score is monotone, in (0, 1], and 1 for exact only") {
  float last = 0;
  for (float raw = 1e-6f; raw < 1e9f; raw *= 1.5f) {
    const float score = text_score(raw, false);
    CHECK(score >= last);
    CHECK(score > 0);
    CHECK(score < 1);
    last = score;
  }
  CHECK(text_score(8, false) == 0.5f);
  CHECK(text_score(0.001f, true) == 1);
}

TEST_CASE("dot_sparse multiplies what is in both") {
  CHECK(dot_sparse({{1, 5, 9}, {1, 2, 3}}, {{5, 9, 12}, {10, 100, 1000}}) == 320.0f);
  CHECK(dot_sparse({{1}, {1}}, {{2}, {1}}) == 0.0f);
  CHECK(dot_sparse({}, {{2}, {1}}) == 0.0f);
  CHECK(dot_sparse({{1, 2}, {1}}, {{1, 2}, {3, 4}}) == 3.0f);  // a torn vector: the values that are there
}
