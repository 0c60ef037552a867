// The door to ICU.
#include <unicode/brkiter.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <memory>

#include "storage/text/analyzer.hpp"

namespace waggle {
namespace {

// ICU counts UTF-16 units in 32 bits; no text that came through a request is near this.
constexpr std::size_t icu_bytes_max = std::numeric_limits<std::int32_t>::max() / 4;

/// ICU's data is part of the library; without it no text could be indexed the same way as on the other replicas.
[[noreturn]] void no_icu(UErrorCode status) {
  std::fprintf(stderr, "waggle: ICU is unusable: %s\n", u_errorName(status));
  std::abort();
}

struct icu_state {
  icu_state() {
    UErrorCode status = U_ZERO_ERROR;
    fold = icu::Normalizer2::getNFKCCasefoldInstance(status);
    if (U_FAILURE(status)) no_icu(status);
    words.reset(icu::BreakIterator::createWordInstance(icu::Locale::getRoot(), status));
    if (U_FAILURE(status) || !words) no_icu(status);
  }
  const icu::Normalizer2* fold = nullptr;  // owned by ICU
  std::unique_ptr<icu::BreakIterator> words;
  icu::UnicodeString folded;
  std::string utf8;
};

bool carries_meaning(const icu::UnicodeString& text, std::int32_t from, std::int32_t to) {
  for (std::int32_t i = from; i < to; i = text.moveIndex32(i, 1)) {
    const UChar32 c = text.char32At(i);
    if (U_GET_GC_MASK(c) & (U_GC_L_MASK | U_GC_N_MASK)) return true;
    if (u_hasBinaryProperty(c, UCHAR_EXTENDED_PICTOGRAPHIC) || u_hasBinaryProperty(c, UCHAR_REGIONAL_INDICATOR))
      return true;
  }
  return false;
}

/// What ICU's rules would make of these is of no use to a search: U+2019 is how typographers write the apostrophe of
/// "can't"; U+200B separates words in Khmer and Thai, but folding drops it; @ is a letter to some versions of ICU and
/// would glue addresses together.
void replace_units(icu::UnicodeString& text, char16_t from, char16_t to) {
  for (std::int32_t i = text.indexOf(from); i >= 0; i = text.indexOf(from, i + 1)) text.setCharAt(i, to);
}

void scan_block(std::string_view utf8, word_sink sink, icu_state& icu) {
  auto text = icu::UnicodeString::fromUTF8(icu::StringPiece(utf8.data(), static_cast<std::int32_t>(utf8.size())));
  replace_units(text, u'\u2019', u'\'');
  replace_units(text, u'\u200B', u' ');
  UErrorCode status = U_ZERO_ERROR;
  icu.fold->normalize(text, icu.folded, status);
  if (U_FAILURE(status)) no_icu(status);
  replace_units(icu.folded, u'@', u' ');  // now: a full-width @ folds to it
  icu.words->setText(icu.folded);
  std::int32_t from = icu.words->first();
  for (auto to = icu.words->next(); to != icu::BreakIterator::DONE; from = to, to = icu.words->next()) {
    if (!carries_meaning(icu.folded, from, to)) continue;
    icu.utf8.clear();
    icu.folded.tempSubStringBetween(from, to).toUTF8String(icu.utf8);
    sink(icu.utf8);
  }
}

}  // namespace

void scan_words_icu(std::string_view utf8, word_sink sink) {
  thread_local icu_state icu;
  while (!utf8.empty()) {
    std::size_t size = std::min(utf8.size(), icu_bytes_max);
    while (size < utf8.size() && size > 1 && (static_cast<unsigned char>(utf8[size]) & 0xC0) == 0x80) --size;
    scan_block(utf8.substr(0, size), sink, icu);
    utf8.remove_prefix(size);
  }
}

}  // namespace waggle
