#include "storage/text/analyzer.hpp"

#include <array>
#include <cstdint>
#include <cstring>

namespace waggle {
namespace {

// Word_Break property of ASCII as ICU's root word rules see it (CLDR takes the colon out of MidLetter).
enum class word_class : std::uint8_t {
  other,
  letter,
  digit,
  joiner,       // _ : sticks to letters, digits and itself
  inner_any,    // . ' : inside letters or inside digits
  inner_digit,  // , ; between digits
};

constexpr std::array<word_class, 128> make_classes() {
  std::array<word_class, 128> table{};
  for (char c = 'a'; c <= 'z'; ++c) table[static_cast<unsigned char>(c)] = word_class::letter;
  for (char c = 'A'; c <= 'Z'; ++c) table[static_cast<unsigned char>(c)] = word_class::letter;
  for (char c = '0'; c <= '9'; ++c) table[static_cast<unsigned char>(c)] = word_class::digit;
  table['_'] = word_class::joiner;
  table['.'] = table['\''] = word_class::inner_any;
  table[','] = table[';'] = word_class::inner_digit;
  return table;
}
constexpr auto classes = make_classes();

word_class class_of(char c) { return classes[static_cast<unsigned char>(c)]; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_ascii(char c) { return static_cast<unsigned char>(c) < 128; }
bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// UAX #29 WB6, 7, 11, 12: may `middle` stand between two characters of class `around`?
bool joins(word_class middle, word_class around) {
  if (around == word_class::letter) return middle == word_class::inner_any;
  if (around == word_class::digit) return middle == word_class::inner_any || middle == word_class::inner_digit;
  return false;
}

void emit_folded(std::string_view word, word_sink sink) {
  thread_local std::string folded;
  folded.assign(word);
  for (char& c : folded)
    if (is_upper(c)) c = static_cast<char>(c - 'A' + 'a');
  sink(folded);
}

/// Precondition: every byte is ASCII.
void scan_ascii(std::string_view text, word_sink sink) {
  const std::size_t size = text.size();
  std::size_t i = 0;
  while (i < size) {
    auto last = class_of(text[i]);
    if (last != word_class::letter && last != word_class::digit && last != word_class::joiner) {
      ++i;
      continue;
    }
    const std::size_t start = i;
    bool worded = last != word_class::joiner, upper = is_upper(text[i]);
    for (++i; i < size; ++i) {
      const auto now = class_of(text[i]);
      if (now == word_class::letter || now == word_class::digit) {
        worded = true;
        upper |= is_upper(text[i]);
      } else if (now != word_class::joiner) {
        if (i + 1 >= size || !joins(now, last) || class_of(text[i + 1]) != last) break;
        ++i;
        upper |= is_upper(text[i]);
        continue;
      }
      last = now;
    }
    const auto word = text.substr(start, i - start);
    if (!worded) continue;
    if (upper) {
      emit_folded(word, sink);
    } else {
      sink(word);
    }
  }
}

std::size_t find_non_ascii(std::string_view text, std::size_t from) {
  std::size_t i = from;
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t block;
    std::memcpy(&block, text.data() + i, 8);
    if (block & 0x8080808080808080ull) break;
  }
  while (i < text.size() && is_ascii(text[i])) ++i;
  return i;
}

/// End of the stretch that must go through ICU: the first white space after `from` that a pure ASCII word follows.
std::size_t end_of_unicode(std::string_view text, std::size_t from) {
  std::size_t i = from;
  for (;;) {
    while (i < text.size() && !is_space(text[i])) ++i;
    const std::size_t end = i;
    while (i < text.size() && is_space(text[i])) ++i;
    std::size_t word_end = i;
    while (word_end < text.size() && is_ascii(text[word_end]) && !is_space(text[word_end])) ++word_end;
    if (word_end == text.size() || is_space(text[word_end])) return end;
    i = word_end;
  }
}

}  // namespace

void scan_words(std::string_view utf8, word_sink sink) {
  // White space next to ASCII is a boundary both for normalisation and for words, so cutting there changes nothing.
  std::size_t done = 0;
  while (done < utf8.size()) {
    const std::size_t foreign = find_non_ascii(utf8, done);
    if (foreign == utf8.size()) return scan_ascii(utf8.substr(done), sink);
    std::size_t start = foreign;
    while (start > done && !is_space(utf8[start - 1])) --start;
    const std::size_t end = end_of_unicode(utf8, foreign);
    scan_ascii(utf8.substr(done, start - done), sink);
    scan_words_icu(utf8.substr(start, end - start), sink);
    done = end;
  }
}

void scan_terms(std::string_view utf8, term_sink sink) {
  auto stemmed = [&](std::string_view word) { sink(word, stem_english(word)); };
  scan_words(utf8, stemmed);
}

std::vector<std::string> word_tokens(std::string_view utf8) {
  std::vector<std::string> words;
  auto keep = [&](std::string_view word) { words.emplace_back(word); };
  scan_words(utf8, keep);
  return words;
}

std::vector<std::string> index_terms(std::string_view utf8) {
  std::vector<std::string> terms;
  auto keep = [&](std::string_view, std::string_view stem) { terms.emplace_back(stem); };
  scan_terms(utf8, keep);
  return terms;
}

}  // namespace waggle
