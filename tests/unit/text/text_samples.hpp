#pragma once
// Random texts for the property tests: mostly ASCII, with everything in it that a shortcut for ASCII could get wrong.
#include <rapidcheck.h>

#include <string>
#include <vector>

namespace waggle::text_samples {

inline const std::vector<std::string>& fragments() {
  static const std::vector<std::string> all = {
      " ", " ", " ", "\n", "\r\n", "\t", "\v", std::string(1, '\0'), "\x1c", "\x7f", "a", "b", "Z", "Running", "dogs",
      "can't", "isn't", "O'Neil's", "x1", "42", "3.14", "1,000;2", "a.b", "A:b", "_", "__", "snake_case", "_1", "'",
      "\"", ".", ",", ":", ";", "-", "--", "?", "!", "@", "/", "#", "C++", "e.g.", "U.S.A.", "'tis",
      // Latin, combining marks with and without a base, sharp s, ligature, dotted I, long s
      "\u00e9", "caf\u00e9", "\u0301", "e\u0301", "Stra\u00dfe", "\ufb01nd", "\u0130", "\u017f", "\u00b4", "\u1fef",
      // spaces, ignorables, line separators
      "\u00a0", "\u3000", "\u2028", "\u0085", "\u00ad", "\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\ufe0f",
      // apostrophes, quotes, middle dots, superscripts, fractions
      "\u2019", "\u2018", "\u201c", "\uff07", "\u00b7", "\u00b2", "\u00bd", "\u2122", "\u00a9",
      // Cyrillic, Greek, Hebrew, Arabic, Devanagari
      "\u041f\u0440\u0438\u0432\u0435\u0442", "\u0391\u03c3\u03c2", "\u05d0", "\u05d4\"\u05d0", "\u0627\u0644",
      "\u0660", "\u0928\u092e\u0938\u094d\u0924\u0947", "\u0964",
      // CJK, kana (half width composes with its mark), Hangul as letters and as jamo, Thai
      "\u4eca\u65e5\u306f\u826f\u3044\u5929\u6c14", "\u3002", "\uff76", "\uff9e", "\u30ab\u3099", "\ud55c\uae00",
      "\u1112", "\u1161", "\u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22", "\uff21\uff22", "\uff11",
      // emoji: plain, joined, toned, flags, keycap
      "\U0001f600", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f44d\U0001f3fd", "\U0001f1e9\U0001f1ea",
      "1\ufe0f\u20e3",
      // not UTF-8: stray continuation, cut sequence, overlong, surrogate, too large
      "\x80", "\xe2\x82", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xff"};
  return all;
}

/// Up to `size` fragments, about two thirds of them from the ASCII head of the list.
inline rc::Gen<std::string> any_text() {
  const auto fragment = rc::gen::weightedOneOf<std::string>(
      {{2, rc::gen::map(rc::gen::inRange<std::size_t>(0, 46), [](std::size_t i) { return fragments()[i]; })},
       {1, rc::gen::elementOf(fragments())}});
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(fragment),
                      [](const std::vector<std::string>& parts) {
                        std::string text;
                        for (const auto& part : parts) text += part;
                        return text;
                      });
}

inline rc::Gen<std::string> ascii_text() {
  return rc::gen::container<std::string>(rc::gen::weightedOneOf<char>(
      {{3, rc::gen::elementOf(std::string("aZ19_ .,:;'\"-"))}, {1, rc::gen::inRange<char>(0, 127)}}));
}

}  // namespace waggle::text_samples
