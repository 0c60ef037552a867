#pragma once
// Text to words to index terms, the same for documents and queries. Pure; any thread (ICU and Snowball objects are
// per thread). Needs no locale and no environment, so every replica with the same ICU cuts the same words.
//
//   UTF-8 ─ NFKC case fold ─ word break (UAX #29, dictionaries for CJK/Thai/…) ─ drop punctuation ─ words ─ Snowball ─
//   terms
//
// A word is a segment with at least one letter, number or emoji. Invalid UTF-8 reads as U+FFFD, which separates words.
#include <string>
#include <string_view>
#include <vector>

#include "storage/text/callable_ref.hpp"

namespace waggle {

/// Receives one word; the view is valid during the call only.
using word_sink = callable_ref<void(std::string_view word)>;
/// Receives a word and its stem; both views are valid during the call only.
using term_sink = callable_ref<void(std::string_view word, std::string_view stem)>;

/// Words in text order: folded, unstemmed. The typographic apostrophe U+2019 becomes '; U+200B and @ separate words, so
/// an e-mail address is two; a dot or apostrophe inside letters and . , ; inside digits do not ("example.com",
/// "1,000").
std::vector<std::string> word_tokens(std::string_view utf8);
/// Snowball English stem of each word, in text order. Words of other scripts pass unchanged.
std::vector<std::string> index_terms(std::string_view utf8);

/// As word_tokens, without building strings. ASCII stretches take a table-driven path that cuts the same words as ICU.
void scan_words(std::string_view utf8, word_sink sink);
/// As index_terms, without building strings.
void scan_terms(std::string_view utf8, term_sink sink);

/// The reference for scan_words: all of the text through ICU. Defined in icu_words.cpp, the door to ICU.
void scan_words_icu(std::string_view utf8, word_sink sink);
/// Stem of a folded word, valid until the thread's next call. Words longer than 64 bytes are their own stem.
/// Defined in stemmer.cpp, the door to libstemmer.
std::string_view stem_english(std::string_view word);

}  // namespace waggle
