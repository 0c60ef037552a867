#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <thread>

#include "storage/text/analyzer.hpp"
#include "text_samples.hpp"

using namespace waggle;
using words = std::vector<std::string>;

namespace {
words words_by_icu(std::string_view text) {
  words out;
  auto keep = [&](std::string_view word) { out.emplace_back(word); };
  scan_words_icu(text, keep);
  return out;
}
}  // namespace

TEST_CASE("English words: folded, without punctuation, apostrophes and numbers kept whole") {
  CHECK(word_tokens("The quick (brown) Fox can't jump 32.3 feet, right?") ==
        words{"the", "quick", "brown", "fox", "can't", "jump", "32.3", "feet", "right"});
  CHECK(word_tokens("snake_case __ _ x1 1,000 a:b 10:30") == words{"snake_case", "x1", "1,000", "a", "b", "10", "30"});
  CHECK(word_tokens("don\u2019t") == words{"don't"});
  CHECK(word_tokens("").empty());
  CHECK(word_tokens(" \t\r\n -- ... !?").empty());
}

TEST_CASE("English terms are stemmed in text order, repetitions kept") {
  CHECK(index_terms("Running dogs run; the dog's running") == words{"run", "dog", "run", "the", "dog", "run"});
  CHECK(index_terms("connection connected connecting connections") ==
        words{"connect", "connect", "connect", "connect"});
}

TEST_CASE("German, Cyrillic and Greek fold; the sharp s and ligatures spell out") {
  CHECK(word_tokens("Die Stra\u00dfe in K\u00d6LN") == words{"die", "strasse", "in", "k\u00f6ln"});
  CHECK(word_tokens("K\u00d6LN") == word_tokens("Ko\u0308ln"));  // composed and decomposed
  CHECK(word_tokens("\u041f\u0420\u0418\u0412\u0415\u0422, \u043c\u0438\u0440!") ==
        words{"\u043f\u0440\u0438\u0432\u0435\u0442", "\u043c\u0438\u0440"});
  CHECK(word_tokens("\ufb01nd \uff21\uff22\uff23") == words{"find", "abc"});
}

TEST_CASE("CJK and Thai are cut by dictionary") {
  const std::string thai = "\u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22";  // "Thai language": two words, no space
  CHECK(word_tokens(thai) == words{"\u0e20\u0e32\u0e29\u0e32", "\u0e44\u0e17\u0e22"});
  const auto chinese = word_tokens("\u6211\u7231\u5317\u4eac\u3002");  // "I love Beijing."
  CHECK(chinese == words{"\u6211", "\u7231", "\u5317\u4eac"});
  CHECK(word_tokens("\u6771\u4eac\u306b\u884c\u304f") ==
        words{"\u6771\u4eac", "\u306b", "\u884c\u304f"});  // go to Tokyo
}

TEST_CASE("emoji are words; other symbols are not") {
  CHECK(word_tokens("nice \U0001f600!") == words{"nice", "\U0001f600"});
  CHECK(word_tokens("\U0001f1e9\U0001f1ea") == words{"\U0001f1e9\U0001f1ea"});
  CHECK(word_tokens("a + b \u2260 \u20ac") == words{"a", "b"});
}

TEST_CASE("invalid UTF-8 separates words and never crashes") {
  CHECK(word_tokens("ab\xff"
                    "cd") == words{"ab", "cd"});
  CHECK(word_tokens("\xc0\xaf \xed\xa0\x80 \xf5").empty());
  CHECK(word_tokens("caf\xc3") == words{"caf"});
  CHECK(word_tokens(std::string_view("a\0b", 3)) == words{"a", "b"});
}

TEST_CASE("an overlong word is its own stem") {
  const std::string longer = std::string(100, 'q') + "ing";
  CHECK(index_terms(longer) == words{longer});
}

TEST_CASE("every pair and triple of ASCII characters is cut as ICU cuts it") {
  const std::string_view kinds = "aZ1_.':,;- \"/\r\n\x01";
  int different = 0;
  std::string text;
  for (char a = 0; a < 127; ++a)
    for (char b = 0; b < 127; ++b) {
      text = {'x', a, b, 'y', '7', a, b, '8', ' ', a, b};
      different += word_tokens(text) != words_by_icu(text);
    }
  for (char a : kinds)
    for (char b : kinds)
      for (char c : kinds)
        for (char d : kinds)
          for (char e : kinds) {
            text = {a, b, c, d, e};
            different += word_tokens(text) != words_by_icu(text);
          }
  CHECK(different == 0);
}

TEST_CASE("the fast path cuts random texts as ICU does") {
  // Many texts per round: RapidCheck's default is 100 rounds.
  const auto equal = [](const std::vector<std::string>& texts) {
    for (const auto& text : texts) RC_ASSERT(word_tokens(text) == words_by_icu(text));
  };
  using batch = std::vector<std::string>;
  CHECK(rc::check("ASCII", [&] { equal(*rc::gen::container<batch>(30, text_samples::ascii_text())); }));
  CHECK(rc::check("mixed", [&] { equal(*rc::gen::container<batch>(60, text_samples::any_text())); }));
  CHECK(rc::check("bytes", [&] {
    equal(*rc::gen::container<batch>(10, rc::gen::container<std::string>(rc::gen::arbitrary<char>())));
  }));
}

TEST_CASE("a word keeps its cut whatever stands beside it across ASCII words") {
  // Long enough to switch many times between the two paths.
  std::string text;
  for (int i = 0; i < 400; ++i) {
    const auto& all = text_samples::fragments();
    text += all[static_cast<std::size_t>(i * 37) % all.size()];
    text += i % 3 == 0 ? " plain words " : i % 7 == 0 ? " " : "";
  }
  CHECK(word_tokens(text) == words_by_icu(text));
}

TEST_CASE("threads analyse at once with the same result") {
  const std::string text = "Stra\u00dfe running \u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22 dogs";
  const auto expected = index_terms(text);
  std::vector<int> wrong(4);
  std::vector<std::thread> threads;
  for (auto& w : wrong)
    threads.emplace_back([&w, &text, &expected] {
      for (int i = 0; i < 200; ++i) w += index_terms(text) != expected;
    });
  for (auto& t : threads) t.join();
  for (const int w : wrong) CHECK(w == 0);
}
