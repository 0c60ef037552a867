// What stands between bytes from disk and the walk: `graph_view::from_sections`.
#include <doctest/doctest.h>

#include <atomic>
#include <cstring>
#include <iterator>
#include <random>
#include <string>

#include "tests/unit/index/vectors.hpp"

using namespace waggle;
using namespace waggle::test;

namespace {

const std::atomic<bool> never{false};

/// A copy of the sections that a test may damage. Each array has exactly its own bytes, so that the sanitizers see a
/// read past one.
struct stored {
  std::array<aligned_array<std::byte>, 4> parts;

  explicit stored(const graph_sections& s) {
    std::size_t i = 0;
    for (const auto part : {s.header, s.level0, s.upper_offsets, s.upper}) parts[i++].assign(part.begin(), part.end());
  }
  graph_sections sections() const { return {parts[0], parts[1], parts[2], parts[3]}; }
  std::uint32_t word(std::size_t part, std::size_t at) const {
    std::uint32_t v;
    std::memcpy(&v, parts[part].data() + at * 4, 4);
    return v;
  }
  void set_word(std::size_t part, std::size_t at, std::uint32_t v) { std::memcpy(parts[part].data() + at * 4, &v, 4); }
};

enum part : std::size_t { header, level0, upper_offsets, upper };

struct sample {
  vectors set = clustered(400, 7, 5, 99);
  graph_data graph = [this] {
    hnsw_params p;
    p.m = 4;
    p.ef_construction = 40;
    return build_graph(set.block(metric::euclidean), p, never).value();
  }();
};

const sample& the_sample() {
  static const sample s;
  return s;
}

bool opens(const stored& s) { return bool(graph_view::from_sections(s.sections(), the_sample().set.count())); }

/// Walks from many queries and with every kind of filter; a wrong bound would read outside the arrays.
void walk_all_over(const graph_view& view) {
  const auto& set = the_sample().set;
  search_scratch scratch;
  for (std::size_t i = 0; i < set.count(); i += 37) {
    const prepared_query q(metric::euclidean, set.at(i));
    top_k best(10);
    search_graph(view, set.block(metric::euclidean), q, 50, {}, best, scratch);
    for (const auto& n : best.sorted()) REQUIRE(n.row < set.count());
    best.reset(10);
    search_graph(
        view, set.block(metric::euclidean), q, 50, [](std::uint32_t r) { return r % 2 == 0; }, best, scratch);
    for (const auto& n : best.sorted()) REQUIRE(n.row % 2 == 0);
  }
}

}  // namespace

TEST_CASE("sections that were written open again and search the same") {
  const auto& s = the_sample();
  const stored copy(s.graph.sections());
  const auto view = graph_view::from_sections(copy.sections(), s.set.count());
  REQUIRE(view.has_value());
  CHECK(view->max_level >= 2);
  search_scratch scratch;
  for (std::size_t i = 0; i < s.set.count(); i += 11) {
    const prepared_query q(metric::euclidean, s.set.at(i));
    top_k a(10), b(10);
    search_graph(s.graph.view(), s.set.block(metric::euclidean), q, 40, {}, a, scratch);
    search_graph(*view, s.set.block(metric::euclidean), q, 40, {}, b, scratch);
    CHECK(std::ranges::equal(a.sorted(), b.sorted()));
  }
}

TEST_CASE("each kind of damage is refused as corrupt data") {
  const auto& s = the_sample();
  const auto count = static_cast<std::uint32_t>(s.set.count());
  const stored good(s.graph.sections());
  REQUIRE(opens(good));
  const auto view = s.graph.view();
  const auto refused = [&](const char* what, auto&& damage) {
    CAPTURE(std::string(what));
    stored bad = good;
    damage(bad);
    const auto opened = graph_view::from_sections(bad.sections(), s.set.count());
    REQUIRE(!opened);
    CHECK(opened.error().code == ec::corrupt_data);
  };
  refused("magic", [](stored& b) { b.set_word(header, 0, 1); });
  refused("count up", [&](stored& b) { b.set_word(header, 1, count + 1); });
  refused("count down", [&](stored& b) { b.set_word(header, 1, count - 1); });
  refused("m", [](stored& b) { b.set_word(header, 2, 0); });
  refused("m up", [](stored& b) { b.set_word(header, 2, 5); });
  refused("m huge", [](stored& b) { b.set_word(header, 2, 0xffffffff); });
  refused("stride", [](stored& b) { b.set_word(header, 3, 0); });
  refused("entry point", [&](stored& b) { b.set_word(header, 4, count); });
  refused("no entry point", [](stored& b) { b.set_word(header, 4, no_row); });
  refused("entry point of a low level", [&](stored& b) {
    std::uint32_t low = 0;
    while (view.level_of(low) != 0) ++low;
    b.set_word(header, 4, low);
  });
  refused("max level up", [&](stored& b) { b.set_word(header, 5, view.max_level + 1); });
  refused("max level huge", [](stored& b) { b.set_word(header, 5, 0xffffffff); });
  refused("upper list count", [&](stored& b) { b.set_word(header, 6, b.word(header, 6) + 1); });
  refused("reserved", [](stored& b) { b.set_word(header, 7, 1); });
  refused("neighbour = count", [&](stored& b) { b.set_word(level0, 0, count); });
  refused("neighbour after the end of a list", [&](stored& b) {
    std::size_t slot = 0;
    while (b.word(level0, slot) != no_row) ++slot;
    b.set_word(level0, slot + 1, 0);
  });
  refused("first offset", [](stored& b) { b.set_word(upper_offsets, 0, 1); });
  refused("last offset", [&](stored& b) { b.set_word(upper_offsets, count, b.word(upper_offsets, count) + 1); });
  refused("offset falls", [](stored& b) { b.set_word(upper_offsets, 50, 0xfffffff0); });
  refused("upper neighbour = count", [&](stored& b) { b.set_word(upper, 0, count); });
  refused("upper neighbour without that level", [&](stored& b) {
    std::uint32_t low = 0;
    while (view.level_of(low) != 0) ++low;
    b.set_word(upper, 0, low);
  });
  for (std::size_t p = 0; p < 4; ++p) {
    refused("one byte short", [&](stored& b) { b.parts[p].pop_back(); });
    refused("four bytes short", [&](stored& b) { b.parts[p].erase(b.parts[p].end() - 4, b.parts[p].end()); });
    refused("one byte long", [&](stored& b) { b.parts[p].push_back(std::byte{0}); });
    refused("empty", [&](stored& b) { b.parts[p].clear(); });
  }
}

TEST_CASE("a section at an odd address is refused") {
  const stored good(the_sample().graph.sections());
  auto shifted = good.parts[level0];
  shifted.insert(shifted.begin(), std::byte{0});
  auto sections = good.sections();
  sections.level0 = std::span<const std::byte>(shifted).subspan(1);
  CHECK(!graph_view::from_sections(sections, the_sample().set.count()));
}

TEST_CASE("an empty file and a graph for another segment are refused") {
  CHECK(!graph_view::from_sections({}, 0));
  const stored good(the_sample().graph.sections());
  CHECK(!graph_view::from_sections(good.sections(), 0));
  CHECK(!graph_view::from_sections(good.sections(), the_sample().set.count() + 1));
}

TEST_CASE("random damage never leads a walk out of the arrays") {
  // Most of the damage goes where it is most likely to pass the check and so reach a walk: into the lists.
  const std::size_t targets[] = {header, upper_offsets, upper, upper, level0, level0, level0, level0};
  const std::uint32_t words[] = {0, 1, 399, 400, 0x7fffffff, no_row};
  const stored good(the_sample().graph.sections());
  std::mt19937 random(20240607);
  int opened = 0;
  for (int round = 0; round < 3000; ++round) {
    stored s = good;
    for (std::size_t hits = 1 + random() % 4; hits > 0; --hits) {
      const auto part = targets[random() % std::size(targets)];
      auto& bytes = s.parts[part];
      const std::size_t at = random() % bytes.size();
      switch (random() % 4) {
        case 0: bytes[at] ^= std::byte(1 << random() % 8); break;
        case 1: bytes[at & ~std::size_t{3}] = std::byte(random() % 256); break;
        case 2: s.set_word(part, at / 4, words[random() % std::size(words)]); break;
        default: {
          const std::size_t other = random() % (bytes.size() / 4);
          const auto v = s.word(part, at / 4);
          s.set_word(part, at / 4, s.word(part, other));
          s.set_word(part, other, v);
        }
      }
    }
    const auto view = graph_view::from_sections(s.sections(), the_sample().set.count());
    if (!view) continue;
    ++opened;
    walk_all_over(*view);
  }
  CAPTURE(opened);
  CHECK(opened > 100);
  CHECK(opened < 2900);
}

TEST_CASE("valid but meaningless links: a walk over random neighbours ends and stays inside") {
  stored s(the_sample().graph.sections());
  std::mt19937 random(3);
  const auto count = static_cast<std::uint32_t>(the_sample().set.count());
  for (std::size_t i = 0; i < s.parts[level0].size() / 4; ++i)
    if (s.word(level0, i) != no_row) s.set_word(level0, i, random() % count);
  const auto view = graph_view::from_sections(s.sections(), count);
  REQUIRE(view.has_value());
  walk_all_over(*view);
}
