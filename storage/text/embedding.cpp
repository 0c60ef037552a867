#include "storage/text/embedding.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "storage/text/analyzer.hpp"
#include "storage/text/document_terms.hpp"

namespace waggle {
namespace {

constexpr int places_per_term = 8;
constexpr float function_word_weight = 0.25f;

/// Fixed for ever: a change moves every stored embedding.
constexpr std::string_view function_words[] = {
    "a",    "an",   "and",  "any",  "are",   "as",    "at",   "be",    "been",  "but",   "by",   "can",   "did", "do",
    "does", "for",  "from", "had",  "has",   "have",  "he",   "her",   "him",   "his",   "how",  "i",     "if",  "in",
    "into", "is",   "it",   "its",  "me",    "my",    "no",   "not",   "of",    "on",    "or",   "our",   "she", "so",
    "such", "than", "that", "the",  "their", "them",  "then", "there", "these", "they",  "this", "those", "to",  "was",
    "we",   "were", "what", "when", "where", "which", "who",  "will",  "with",  "would", "you",  "your"};

const std::vector<std::uint64_t>& function_terms() {
  static const auto terms = [] {
    std::vector<std::uint64_t> hashes;
    for (const auto word : function_words) hashes.push_back(hash_term(stem_english(word)));
    std::sort(hashes.begin(), hashes.end());
    return hashes;
  }();
  return terms;
}

/// splitmix64 (Steele, Lea, Flood 2014), seeded with a term's hash.
std::uint64_t next_random(std::uint64_t& state) {
  std::uint64_t z = state += 0x9E3779B97F4A7C15ull;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

}  // namespace

void bm25_embedding(std::string_view text, std::span<float> out) {
  if (out.empty()) return;
  const auto& light = function_terms();
  std::vector<double> sums(out.size());
  for (const auto& [term, count] : analyze_document(text).terms) {
    double weight = std::sqrt(static_cast<double>(count));
    if (std::binary_search(light.begin(), light.end(), term)) weight *= function_word_weight;
    std::uint64_t state = term;
    for (int i = 0; i < places_per_term; ++i) {
      const auto draw = next_random(state);
      sums[(draw >> 1) % out.size()] += draw & 1 ? weight : -weight;
    }
  }
  double squares = 0;
  for (const double s : sums) squares += s * s;
  if (squares == 0) {
    std::fill(out.begin(), out.end(), static_cast<float>(1 / std::sqrt(static_cast<double>(out.size()))));
    return;
  }
  const double norm = std::sqrt(squares);
  std::transform(sums.begin(), sums.end(), out.begin(), [norm](double s) { return static_cast<float>(s / norm); });
}

}  // namespace waggle
