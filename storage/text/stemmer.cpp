// The door to libstemmer (Snowball).
#include <libstemmer.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "storage/text/analyzer.hpp"

namespace waggle {
namespace {

constexpr std::size_t stemmed_bytes_max = 64;  // longer than any English word: base64, hashes, paths

struct delete_stemmer {
  void operator()(sb_stemmer* s) const { sb_stemmer_delete(s); }
};
using stemmer_ptr = std::unique_ptr<sb_stemmer, delete_stemmer>;

stemmer_ptr make_stemmer() {
  stemmer_ptr stemmer(sb_stemmer_new("english", "UTF_8"));
  if (!stemmer) {
    std::fputs("waggle: libstemmer has no English stemmer\n", stderr);
    std::abort();
  }
  return stemmer;
}

/// Text repeats its words: a direct-mapped cache in front of Snowball, which takes a quarter of a microsecond per word.
class stem_cache {
 public:
  /// Longer words are rare; an entry fits a cache line.
  static constexpr std::size_t word_bytes_max = 31;

  struct entry {
    std::uint8_t word_size = 0;
    std::uint8_t stem_size = 0;
    std::array<char, word_bytes_max> word;
    std::array<char, word_bytes_max> stem;
  };

  entry& slot(std::string_view word) {
    std::uint64_t h = word.size();
    for (const char c : word) h = (h ^ static_cast<unsigned char>(c)) * 0x9E3779B97F4A7C15ull;
    return entries_[h >> (64 - slot_bits)];
  }

 private:
  static constexpr int slot_bits = 12;
  std::vector<entry> entries_ = std::vector<entry>(std::size_t{1} << slot_bits);
};

std::string_view run_snowball(std::string_view word) {
  thread_local const stemmer_ptr stemmer = make_stemmer();
  const auto* stem =
      sb_stemmer_stem(stemmer.get(), reinterpret_cast<const sb_symbol*>(word.data()), static_cast<int>(word.size()));
  const int length = sb_stemmer_length(stemmer.get());
  // Null means out of memory; an empty stem (of a lone apostrophe) would be a term of every such word.
  if (!stem || length <= 0) return word;
  return {reinterpret_cast<const char*>(stem), static_cast<std::size_t>(length)};
}

}  // namespace

std::string_view stem_english(std::string_view word) {
  if (word.size() > stemmed_bytes_max) return word;
  if (word.empty() || word.size() > stem_cache::word_bytes_max) return run_snowball(word);
  thread_local stem_cache cache;
  auto& entry = cache.slot(word);
  if (std::string_view(entry.word.data(), entry.word_size) != word) {
    const auto stem = run_snowball(word);
    if (stem.size() > stem_cache::word_bytes_max) return stem;
    std::memcpy(entry.word.data(), word.data(), word.size());
    std::memcpy(entry.stem.data(), stem.data(), stem.size());
    entry.word_size = static_cast<std::uint8_t>(word.size());
    entry.stem_size = static_cast<std::uint8_t>(stem.size());
  }
  return {entry.stem.data(), entry.stem_size};
}

}  // namespace waggle
