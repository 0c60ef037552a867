#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "storage/text/chunking.hpp"
#include "text_samples.hpp"

using namespace waggle;
using chunks = std::vector<std::string_view>;

namespace {

bool valid_utf8(std::string_view s) {
  for (std::size_t i = 0; i < s.size();) {
    const auto c = static_cast<unsigned char>(s[i]);
    const std::size_t n = c < 0x80 ? 1 : c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 0;
    if (n == 0 || i + n > s.size()) return false;
    for (std::size_t k = 1; k < n; ++k)
      if ((static_cast<unsigned char>(s[i + k]) & 0xC0) != 0x80) return false;
    i += n;
  }
  return true;
}

void check_chunks(std::string_view text, std::size_t size, std::size_t overlap) {
  const auto cut = chunk_text(text, size, overlap);
  const bool valid = valid_utf8(text);
  const std::size_t most = std::max<std::size_t>(size, 4);
  std::size_t covered = 0, begun = 0, total = 0;
  for (std::size_t i = 0; i < cut.size(); ++i) {
    const auto start = static_cast<std::size_t>(cut[i].data() - text.data());
    RC_ASSERT(!cut[i].empty());
    RC_ASSERT(cut[i].size() <= most);
    RC_ASSERT(start <= covered);                       // no byte is left out
    RC_ASSERT(covered - start <= overlap);             // no more overlap than asked for
    RC_ASSERT((i == 0 ? start == 0 : start > begun));  // starts move on
    RC_ASSERT(start + cut[i].size() > covered);        // ends move on
    if (valid) RC_ASSERT(valid_utf8(cut[i]));
    begun = start;
    covered = start + cut[i].size();
    total += cut[i].size();
  }
  RC_ASSERT(covered == text.size());
  RC_ASSERT(cut.size() <= 1 + 2 * text.size() / (most - std::min({overlap, most / 2, most - 4}) - 3));
  RC_ASSERT(total <= 4 * most + 16 * text.size());
}

}  // namespace

TEST_CASE("text that fits is one chunk, empty text none") {
  CHECK(chunk_text("", 64, 8).empty());
  CHECK(chunk_text("short text", 64, 8) == chunks{"short text"});
  CHECK(chunk_text("exactly8", 8, 2) == chunks{"exactly8"});
}

TEST_CASE("chunks end at the last white space of the window") {
  CHECK(chunk_text("one two three four", 9, 0) == chunks{"one two ", "three ", "four"});
  CHECK(chunk_text("aaaa bbbb", 4, 0) == chunks{"aaaa", " ", "bbbb"});
}

TEST_CASE("chunks overlap by whole words where they can") {
  CHECK(chunk_text("one two three four five", 14, 6) == chunks{"one two three ", "three four ", "four five"});
}

TEST_CASE("a sentence end without white space is a cut too") {
  // 3 bytes per character: the window holds 8 of them, the full stop is the 5th.
  const std::string text = "\u4eca\u65e5\u5929\u6c14\u3002\u6211\u7231\u5317\u4eac\u5e02";
  const auto cut = chunk_text(text, 24, 0);
  REQUIRE(cut.size() == 2);
  CHECK(cut[0] == "\u4eca\u65e5\u5929\u6c14\u3002");
}

TEST_CASE("a word longer than the window is cut between code points") {
  const std::string text = "\U0001f600\U0001f600\U0001f600";
  CHECK(chunk_text(text, 7, 0) == chunks{"\U0001f600", "\U0001f600", "\U0001f600"});
  CHECK(chunk_text(text, 0, 0).size() == 3);  // sizes below a code point count as 4
  CHECK(chunk_text("abcdefgh", 4, 100) == chunks{"abcd", "efgh"});
}

TEST_CASE("chunks cover the text, keep the size, split no code point and move on") {
  CHECK(rc::check("any text", [] {
    const auto text = *text_samples::any_text();
    check_chunks(text, *rc::gen::inRange<std::size_t>(0, 80), *rc::gen::inRange<std::size_t>(0, 80));
  }));
  CHECK(rc::check("any bytes", [] {
    const auto text = *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
    check_chunks(text, *rc::gen::inRange<std::size_t>(0, 20), *rc::gen::inRange<std::size_t>(0, 40));
  }));
  CHECK(rc::check("words and blanks", [] {
    const auto text = *rc::gen::container<std::string>(rc::gen::elementOf(std::string("aaaaaaaa .")));
    check_chunks(text, *rc::gen::inRange<std::size_t>(4, 20), *rc::gen::inRange<std::size_t>(0, 20));
  }));
}

TEST_CASE("a large text without white space and with the largest overlap stays linear") {
  const std::string text(1 << 20, 'x');
  const auto cut = chunk_text(text, 65536, 65535);
  CHECK(cut.size() < 64);
}
