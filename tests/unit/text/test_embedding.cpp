#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <numeric>
#include <random>

#include "storage/text/embedding.hpp"

using namespace waggle;

namespace {
std::vector<float> embed(std::string_view text, std::size_t dimension = 512) {
  std::vector<float> v(dimension, 99.0f);
  bm25_embedding(text, v);
  return v;
}
double dot(const std::vector<float>& a, const std::vector<float>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}
}  // namespace

TEST_CASE("an embedding is what it was when data was written") {
  const auto v = embed("The quick brown fox jumps over the lazy dog", 16);
  const std::vector<float> golden = {-0.451122314f, -0.123715594f, 0.123715594f,  0.0f,
                                     0.247431189f,  -0.247431189f, -0.167455658f, 0.167455658f,
                                     -0.123715594f, 0.0f,          0.371146768f,  -0.451122314f,
                                     -0.123715594f, 0.414886832f,  -0.167455658f, 0.123715594f};
  CHECK(v == golden);
}

TEST_CASE("embeddings have length one in every dimension, with and without words") {
  for (const std::size_t dimension : {1, 2, 3, 7, 64, 512, 4096})
    for (const std::string_view text : {"", " \n", "???", "word", "the", "many different words that may cancel out",
                                        "\u4eca\u65e5\u306f\u826f\u3044\u5929\u6c14", "\xff\xfe"}) {
      const auto v = embed(text, dimension);
      CHECK(dot(v, v) == doctest::Approx(1.0).epsilon(1e-5));
    }
  CHECK(embed("word", 1).size() == 1);
  CHECK(std::fabs(embed("word", 1)[0]) == 1.0f);
  bm25_embedding("no room", {});
}

TEST_CASE("a text without terms has the fixed vector, also when terms cancel out") {
  CHECK(embed("", 4) == std::vector<float>(4, 0.5f));
  CHECK(embed(" \t", 4) == embed("", 4));
  // In one dimension about one word in four draws as many pluses as minuses.
  int fixed = 0;
  for (int i = 0; i < 100; ++i) fixed += embed("w" + std::to_string(i), 1)[0] == 1.0f;
  CHECK(fixed > 40);
  CHECK(fixed < 90);
}

TEST_CASE("equal words give equal vectors, whatever case, punctuation, inflection and order") {
  CHECK(embed("Running dogs!") == embed("dog run"));
  CHECK(embed("alpha beta") != embed("alpha gamma"));
}

TEST_CASE("texts that share terms are closer than texts that share none") {
  const auto query = embed("vector database for tenants");
  const auto near = embed("A database that stores every vector of its tenants");
  const auto far = embed("The cat slept on a warm windowsill all afternoon");
  CHECK(dot(query, near) > 0.5);
  CHECK(dot(query, near) > dot(query, far) + 0.3);
  CHECK(dot(query, query) == doctest::Approx(1.0));

  // Over random vocabularies: sharing 2 of 8 words must win against sharing none nearly always.
  std::mt19937 random(5);
  const auto word = [&] { return "w" + std::to_string(random() % 1000000); };
  int won = 0;
  constexpr int rounds = 500;
  for (int i = 0; i < rounds; ++i) {
    std::string q, shared, other;
    for (int w = 0; w < 8; ++w) {
      const auto mine = word();
      q += mine + " ";
      shared += (w < 2 ? mine : word()) + " ";
      other += word() + " ";
    }
    won += dot(embed(q), embed(shared)) > dot(embed(q), embed(other));
  }
  CHECK(won >= rounds * 98 / 100);
}

TEST_CASE("function words count less than others") {
  const auto query = embed("the turbine");
  CHECK(dot(query, embed("turbine maintenance")) > 2 * dot(query, embed("the maintenance")));
}
