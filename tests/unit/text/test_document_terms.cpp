#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "storage/text/analyzer.hpp"
#include "storage/text/document_terms.hpp"

using namespace waggle;

TEST_CASE("hash_term is what the files on disk were written with") {
  CHECK(hash_term("") == 0xEFD01F60BA992926ull);
  CHECK(hash_term("run") == 0x13DF1AAE72A7E7A2ull);
  CHECK(hash_term("\u0e20\u0e32\u0e29\u0e32") == 0xC4F51A6AB3BC4830ull);
}

TEST_CASE("the fingerprint is what the files on disk were written with") {
  CHECK(analyze_document("Hello, world").fingerprint == 0x9C6ED2546927E83Dull);
}

TEST_CASE("a document's terms are counted, ascending and stemmed") {
  const auto d = analyze_document("Dogs run, a dog runs; running DOGS");
  CHECK(d.length == 7);
  REQUIRE(d.terms.size() == 3);
  CHECK(std::is_sorted(d.terms.begin(), d.terms.end(), [](auto& a, auto& b) { return a.term < b.term; }));
  for (const auto& [term, count] : d.terms)
    CHECK(count == (term == hash_term("dog") ? 3u : term == hash_term("run") ? 3u : term == hash_term("a") ? 1u : 0u));
}

TEST_CASE("the fingerprint sees words and their order, not case or punctuation") {
  const auto print = [](std::string_view text) { return analyze_document(text).fingerprint; };
  CHECK(print("Hello, world!") == print("hello   WORLD"));
  CHECK(print("hello world") != print("world hello"));
  CHECK(print("running dogs") != print("run dog"));  // equal terms, other words
  CHECK(print("ab c") != print("a bc"));
  CHECK(print("a") != print("a a"));
  CHECK(print("hello world") == analyze_query("Hello World").fingerprint);
}

TEST_CASE("nothing but blanks is empty; symbols alone are still terms") {
  for (const std::string_view blank : {"", " ", "\n\t "}) {
    const auto d = analyze_document(blank);
    CHECK(d.terms.empty());
    CHECK(d.length == 0);
    CHECK(d.fingerprint == 0);
    CHECK(analyze_query(blank) == query_terms{});
  }
  const auto d = analyze_document("??? !!\xff");
  CHECK(d.length == 2);
  CHECK(d.terms.size() == 2);
  CHECK(d.fingerprint == analyze_query(" ???\n!!\xff").fingerprint);
  CHECK(d.fingerprint != analyze_query("???").fingerprint);
  // As soon as there is a word, symbols are punctuation.
  CHECK(analyze_document("??? word").length == 1);
}

TEST_CASE("a query's terms are unique and in order of first use") {
  const auto q = analyze_query("zebra apple zebras mango apples");
  CHECK(q.length == 5);
  CHECK(q.counts == std::vector<std::uint32_t>{2, 2, 1});
  CHECK(q.terms == std::vector{hash_term(stem_english("zebra")), hash_term(stem_english("apple")),
                               hash_term(stem_english("mango"))});
}
